"""What a stranger who reaches the Bolt port is answered: plain text, old TLS, garbage, silence."""

import base64
import contextlib
import json
import os
import socket
import subprocess

import neo4j
import pytest
from probes import HANDSHAKE, HANG_SECONDS, audit_events, is_alive, plain_socket, read_to_end, tls_socket, until

from harness import PASSWORD, Server


def test_a_plain_handshake_is_closed_unanswered_logged_and_audited(server):
    with plain_socket(server) as connection:
        mine = "{}:{}".format(*connection.getsockname())
        connection.sendall(HANDSHAKE)
        assert read_to_end(connection) == b""
    line = until(lambda: next((line for line in server.output().splitlines() if mine in line), None))
    assert "not encrypted" in line and "server.bolt.tls_level" in line
    refused = until(lambda: [e for e in audit_events(server) if mine in json.dumps(e)])
    assert refused[0]["action"] == "connection_refused"
    assert "not encrypted" in json.dumps(refused[0])


def test_an_unencrypted_driver_is_refused_before_it_sends_a_password(server):
    with pytest.raises(neo4j.exceptions.ServiceUnavailable):
        with neo4j.GraphDatabase.driver(f"bolt://localhost:{server.port}", auth=("neo4j", PASSWORD)) as driver:
            driver.verify_connectivity()


def s_client(server, *arguments):
    command = ["openssl", "s_client", "-connect", f"localhost:{server.port}", "-servername", "localhost", *arguments]
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=HANG_SECONDS)


def test_openssl_verifies_the_server_at_tls_level_required(server):
    authority = ["-CAfile", str(server.certificate_authority), "-verify_return_error", "-verify_hostname", "localhost"]
    done = s_client(server, *authority, "-brief")
    assert done.returncode == 0 and "Verification: OK" in done.stdout + done.stderr
    assert "TLSv1.3" in done.stdout + done.stderr


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_tls_versions_are_refused(server, version):
    done = s_client(server, version, "-cipher", "ALL:@SECLEVEL=0")
    assert done.returncode != 0 and "Cipher is (NONE)" in done.stdout


def test_tls_level_optional_serves_both_on_one_port():
    with Server(settings={"server.bolt.tls_level": "OPTIONAL"}) as both:
        assert is_alive(both)
        with neo4j.GraphDatabase.driver(f"bolt://localhost:{both.port}", auth=("neo4j", PASSWORD)) as driver:
            assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
        done = s_client(both, "-CAfile", str(both.certificate_authority), "-verify_return_error", "-brief")
        assert done.returncode == 0 and "Verification: OK" in done.stdout + done.stderr
        with plain_socket(both) as connection:
            assert web_socket_handshake(connection) == bytes.fromhex("00000405")


def test_tls_level_disabled_serves_plain_and_closes_tls():
    with Server(settings={"server.bolt.tls_level": "DISABLED"}) as plain:
        with neo4j.GraphDatabase.driver(f"bolt://localhost:{plain.port}", auth=("neo4j", PASSWORD)) as driver:
            assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
        done = s_client(plain)
        assert done.returncode != 0 and "no peer certificate available" in done.stdout
        until(lambda: "it began TLS, which is switched off" in plain.output())


def web_socket_handshake(connection):
    """Upgrades to WebSocket, sends a Bolt handshake in a masked frame and returns the payload of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    connection.sendall((head + f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
    reader = connection.makefile("rb")
    assert reader.readline().startswith(b"HTTP/1.1 101")
    while reader.readline().strip():
        pass
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(HANDSHAKE))
    connection.sendall(b"\x82" + bytes([0x80 | len(HANDSHAKE)]) + mask + masked)
    kind, size = reader.read(2)
    assert kind == 0x82
    return reader.read(size)


def test_a_web_socket_over_tls_answers_the_bolt_handshake(server):
    with tls_socket(server) as connection:
        assert web_socket_handshake(connection) == bytes.fromhex("00000405")


def test_garbage_and_half_handshakes_do_not_disturb_the_service(server):
    half_hello = bytes.fromhex("16030100c8010000c40303") + os.urandom(20)
    starts = [b"\0", b"\xff" * 5000, b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff", b"SSH-2.0-x\r\n", HANDSHAKE[:3]]
    held = []
    for start in [*starts, half_hello]:
        connection = plain_socket(server)
        with contextlib.suppress(OSError):
            connection.sendall(start)
        held.append(connection)
    assert is_alive(server)
    for connection in held:
        connection.close()
    # Behind TLS: a handshake of nothing, a chunk that promises much, a message of nonsense.
    for rest in [b"\0" * 20, HANDSHAKE + b"\xff\xff" + b"\xd8" * 100, HANDSHAKE + b"\x00\x04\xb1\x01\xdf\xff\0\0"]:
        with tls_socket(server) as connection:
            connection.sendall(rest)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
    assert is_alive(server)


def test_two_hundred_idle_connections_do_not_keep_users_out(server):
    held = []
    try:
        for _ in range(200):
            held.append(plain_socket(server))
        assert is_alive(server)
    finally:
        for connection in held:
            connection.close()
    assert is_alive(server)


def test_an_idle_connection_is_closed_when_it_does_not_log_in():
    with Server(settings={"server.bolt.unauthenticated_timeout": "1s"}) as impatient:
        with tls_socket(impatient) as connection:
            connection.sendall(HANDSHAKE)
            assert read_to_end(connection)[:4] == bytes.fromhex("00000405")
        with plain_socket(impatient) as connection:
            assert read_to_end(connection) == b""
