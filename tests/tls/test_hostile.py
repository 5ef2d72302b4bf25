"""What a hostile peer can send before, in and after a handshake; others are served all the while.

Owns raw bytes on sockets, counts and limits; knows nothing of how the server reads them. `BASTIDE_HALF_OPEN` sets how many half-open
connections are held (1,200 if not set).
"""

import contextlib
import os
import pathlib
import random
import resource
import select
import socket
import ssl
import struct
import subprocess
import time

import pytest
from scopes import lay_out, policy
from tls_clients import SERVED, Case, ask_with_python, ask_with_s_client, python_context

from harness import PASSWORD, Server

HALF_OPEN = int(os.environ.get("BASTIDE_HALF_OPEN", "1200"))
HALF_OPEN_BYTES_MAX = 48 * 1024
"""Most memory that one half-open connection may cost the server."""
GROWTH_BYTES_MAX = 64 << 20
"""Most memory that any other attack here may cost."""
LOG_LINES_MAX = 200
"""Most lines of log for any number of refused connections within some seconds."""
CLOSED_SECONDS_MAX = 20
HTTPS_HANDSHAKE_SECONDS_MAX = 40
CHANNELS = ("bolt", "https")
SECRET = "Orchid-Basalt-5150"
BOLT_MAGIC = bytes.fromhex("6060b017" + "00000405" + "00000004" * 3)


def port_of(server, channel):
    return int(server.addresses[channel].rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def server(pki):
    """TLS required on both channels; half-open connections are given up after two seconds."""
    server = Server(set_password=False, settings={"server.https.enabled": "true", "server.bolt.unauthenticated_timeout": "2s"})
    for channel in CHANNELS:
        lay_out(server.home, channel, pki.server, [pki.root.certificate])
        server.settings |= policy(channel)
    server.authority = pki.root.certificate
    server.admin("dbms", "set-initial-password", PASSWORD)
    with server:
        yield server
        assert_logs_are_clean(server)


@pytest.fixture(scope="module")
def optional(pki):
    """TLS optional on Bolt."""
    server = Server(set_password=False, settings={"server.bolt.tls_level": "OPTIONAL", "server.https.enabled": "false"})
    lay_out(server.home, "bolt", pki.server)
    server.settings |= policy("bolt", client_auth="NONE")
    server.authority = pki.root.certificate
    server.admin("dbms", "set-initial-password", PASSWORD)
    with server:
        yield server
        assert_logs_are_clean(server)


def assert_logs_are_clean(server):
    """No panic, and nothing secret, in anything that the server wrote."""
    written = server.output() + "".join(file.read_text(errors="replace") for file in (server.home / "logs").glob("*.log"))
    assert "panicked" not in written
    for secret in (SECRET, PASSWORD, "PRIVATE KEY"):
        assert secret not in written


def assert_others_are_served(server, pki):
    """A client of each channel, and a statement by the driver."""
    for channel in CHANNELS if server.addresses["https"] else ("bolt",):
        case = Case("other", channel, port_of(server, channel), "1.3", None, pki.root.certificate)
        assert ask_with_python(case)[0] == SERVED
    assert server.query("RETURN 1 AS one") == [{"one": 1}]


def client_hello(version=None):
    """The first flight of a real client, as bytes."""
    context = ssl.create_default_context()
    if version:
        context.minimum_version = context.maximum_version = version
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def connect(server, channel):
    plain = socket.create_connection(("127.0.0.1", port_of(server, channel)), timeout=CLOSED_SECONDS_MAX)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def until_closed(plain):
    """Everything the server says until it closes; a time-out means that it did not."""
    answer = b""
    try:
        while piece := plain.recv(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def send(plain, data):
    """Sends as much as the server lets."""
    with contextlib.suppress(ConnectionError):
        plain.sendall(data)


def said_nothing_but_an_alert(answer):
    """Nothing at all, or one alert of TLS."""
    return answer == b"" or (answer[0] == 0x15 and len(answer) == 7)


def resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@contextlib.contextmanager
def bounded_growth(server):
    before = resident_bytes(server)
    yield
    assert resident_bytes(server) - before < GROWTH_BYTES_MAX


@pytest.fixture(scope="module")
def half_hellos(server):
    """Connections that sent the beginning of a client hello when this module began, and nothing since."""
    held = {channel: [] for channel in CHANNELS}
    for channel in CHANNELS:
        for part in (1, 4, 5, 6, 100):
            plain = connect(server, channel)
            plain.sendall(client_hello()[:part])
            held[channel].append(plain)
    yield held
    for plain in [*held["bolt"], *held["https"]]:
        plain.close()


def said_nothing_yet(plain):
    """Whether the connection is open, without an answer."""
    plain.setblocking(False)
    try:
        plain.recv(1)
    except BlockingIOError:
        return True
    finally:
        plain.settimeout(CLOSED_SECONDS_MAX)
    return False


GARBAGE = {
    "random": random.Random(7).randbytes(4096),
    "zeros": bytes(4096),
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + SECRET.encode() + b"\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "plain bolt": BOLT_MAGIC + struct.pack(">H", 40) + SECRET.encode(),
    "sslv2": bytes.fromhex("802e0100020015000000100700c00300800100800600400400800200800000") + bytes(16),
    "record of 65535": b"\x16\x03\x01\xff\xff" + bytes(65535),
    "record of 16385 over the limit": b"\x16\x03\x01" + struct.pack(">H", 16384 + 2049) + bytes(20000),
    "application data": b"\x17\x03\x03\x00\x20" + bytes(32),
    "alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "change cipher spec": b"\x14\x03\x03\x00\x01\x01" * 100,
    "server hello": b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + bytes(37),
    "old version": b"\x16\x03\x00\x00\x05\x01\x00\x00\x01\x03",
}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_answered_with_an_alert_at_most(kind, channel, server, pki):
    with bounded_growth(server), connect(server, channel) as plain:
        send(plain, GARBAGE[kind])
        assert_others_are_served(server, pki)
        assert said_nothing_but_an_alert(until_closed(plain))


def test_half_a_client_hello_harms_nobody(half_hellos, server, pki):
    assert_others_are_served(server, pki)
    assert all(said_nothing_yet(plain) for plain in half_hellos["https"])


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_client_hello_without_end_is_cut_off(channel, server, pki):
    with bounded_growth(server), connect(server, channel) as plain:
        first = b"\x01\xff\xff\xff\x03\x03" + bytes(32)
        record = b"\x16\x03\x03" + struct.pack(">H", 16384)
        sent = 0
        with contextlib.suppress(ConnectionError):
            plain.sendall(b"\x16\x03\x01" + struct.pack(">H", len(first)) + first)
            while sent < 64 << 20:
                plain.sendall(record + bytes(16384))
                sent += 16384
        assert sent < 16 << 20, "the server took in more than any hello holds"
        assert_others_are_served(server, pki)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_client_hello_in_one_byte_records_is_answered_or_refused_but_never_hangs(channel, server, pki):
    hello = client_hello()
    pieces = b"".join(b"\x16\x03\x01\x00\x01" + hello[place : place + 1] for place in range(5, len(hello)))
    with connect(server, channel) as plain:
        send(plain, pieces)
        assert plain.recv(1) in (b"\x16", b"\x15")
    assert_others_are_served(server, pki)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_peer_that_vanishes_in_the_handshake_harms_nobody(channel, server, pki):
    hello = client_hello()
    with bounded_growth(server):
        for _ in range(300):
            plain = connect(server, channel)
            plain.sendall(hello)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            plain.close()
        assert_others_are_served(server, pki)


@pytest.mark.parametrize("channel", CHANNELS)
def test_wrong_names_in_client_hellos_do_not_fill_the_log(channel, server, pki):
    """An address where a name belongs is a fault of many clients, and one line for each would be for an attacker to use."""
    before = len(server.output().splitlines())
    hello = client_hello().replace(b"localhost", b"127.0.0.1")
    for _ in range(3 * LOG_LINES_MAX):
        with connect(server, channel) as plain:
            plain.sendall(hello)
            assert plain.recv(1) == b"\x16"
    assert len(server.output().splitlines()) - before < LOG_LINES_MAX
    assert_others_are_served(server, pki)


class Raw:
    """A finished handshake whose socket can still be written to underneath the encryption."""

    def __init__(self, server, channel, pki, version):
        self.plain = connect(server, channel)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = python_context(Case("raw", channel, 0, version, None, pki.root.certificate))
        self.connection = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while True:
            try:
                self.connection.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.plain.recv(65536))
        self.flush()

    def flush(self):
        self.plain.sendall(self.outgoing.read())


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "record",
    [b"\x17\x03\x03\xff\xff" + bytes(65535), b"\x17\x03\x03\x48\x01" + bytes(0x4801), b"\x17\x03\x03\x00\x40" + bytes(64)],
    ids=["65535 bytes", "one over the limit", "not encrypted by the key"],
)
def test_a_bad_record_after_the_handshake_ends_the_connection(record, version, channel, server, pki):
    raw = Raw(server, channel, pki, version)
    with raw.plain, bounded_growth(server):
        send(raw.plain, record)
        until_closed(raw.plain)
    assert_others_are_served(server, pki)


@pytest.mark.parametrize("channel", CHANNELS)
def test_renegotiation_is_refused(channel, server, pki):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port_of(server, channel)}", "-servername", "localhost", "-msg", "-tls1_2"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = b""

    def read_for(seconds, until=None):
        nonlocal output
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not (until and until in output):
            if select.select([process.stdout], [], [], 0.1)[0]:
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    return
                output += piece

    try:
        read_for(CLOSED_SECONDS_MAX, until=b"Verify return code")
        process.stdin.write(b"R\n")
        process.stdin.flush()
        read_for(1.5)
    finally:
        process.kill()
        process.communicate()
    assert b"RENEGOTIATING" in output and output.count(b", ClientHello") == 2
    assert output.count(b", ServerHello\n") == 1, "the second hello is not answered"
    assert_others_are_served(server, pki)


def test_a_client_with_a_huge_chain_is_refused(server, pki, tmp_path):
    chain = tmp_path / "huge.crt"
    good = pki.clients["good"]
    chain.write_bytes(good.certificate.read_bytes() + pki.intermediate.certificate.read_bytes() * 400)
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", pki.root.certificate, "-quiet", "-tls1_3"]
    command += ["-cert", good.certificate, "-key", good.key, "-cert_chain", chain]
    with bounded_growth(server):
        done = subprocess.run([str(part) for part in command], input=BOLT_MAGIC, capture_output=True, timeout=CLOSED_SECONDS_MAX)
    assert done.stdout == b""
    assert_others_are_served(server, pki)


def test_a_password_sent_in_clear_to_a_port_of_tls_is_neither_answered_nor_logged(server):
    with connect(server, "bolt") as plain:
        send(plain, BOLT_MAGIC + SECRET.encode())
        assert said_nothing_but_an_alert(until_closed(plain))
    assert_logs_are_clean(server)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_optional_serves_tls_however_slowly_the_first_bytes_come(version, optional, pki):
    hello = client_hello(ssl.TLSVersion[f"TLSv{version.replace('.', '_')}"])
    with connect(optional, "bolt") as plain:
        for place in range(8):
            plain.sendall(hello[place : place + 1])
            time.sleep(0.05)
        plain.sendall(hello[8:])
        assert plain.recv(1) == b"\x16"


def test_optional_serves_plain_bolt_however_slowly_the_first_bytes_come(optional):
    with connect(optional, "bolt") as plain:
        for byte in BOLT_MAGIC:
            plain.sendall(bytes([byte]))
            time.sleep(0.02)
        assert len(plain.recv(4)) == 4


def test_optional_serves_both_kinds(optional, pki):
    assert ask_with_s_client(Case("tls", "bolt", optional.port, "1.3", None, pki.root.certificate))[0] == SERVED
    with connect(optional, "bolt") as plain:
        plain.sendall(BOLT_MAGIC)
        assert len(plain.recv(4)) == 4
    assert_others_are_served(optional, pki)


@pytest.mark.parametrize("injected", [BOLT_MAGIC, b"\x60", BOLT_MAGIC[:4], b"\x00\x00", b"\x47"])
def test_optional_never_starts_tls_after_plain_bytes(injected, optional):
    with connect(optional, "bolt") as plain:
        plain.sendall(injected + client_hello())
        plain.settimeout(3)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while piece := plain.recv(4096):
                answer += piece
    assert b"\x16\x03" not in answer
    assert len(answer) in (0, 4), "at most the answer to the plain handshake"


@pytest.mark.parametrize("channel_server", ["optional", "server"])
def test_plain_bytes_behind_the_client_hello_are_never_read_as_inside(channel_server, request):
    running = request.getfixturevalue(channel_server)
    with connect(running, "bolt") as plain:
        plain.sendall(client_hello() + BOLT_MAGIC + bytes.fromhex("0003b1a00000"))
        answer = until_closed(plain)
    kinds, place = [], 0
    while place + 5 <= len(answer):
        kinds.append(answer[place])
        place += 5 + struct.unpack(">H", answer[place + 3 : place + 5])[0]
    assert place == len(answer) and set(kinds) <= {0x14, 0x15, 0x16, 0x17}, "everything said is TLS"
    assert kinds[-1] in (0x15, 0x17), "and ends with an alert"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_plain_bytes_before_the_client_hello_are_not_the_beginning_of_the_session(version, optional, pki):
    """A Bolt handshake in clear, then TLS on the same connection: the client must not find a session that somebody else began."""
    context = python_context(Case("", "bolt", 0, version, None, pki.root.certificate))
    with connect(optional, "bolt") as plain:
        plain.sendall(BOLT_MAGIC)
        assert len(plain.recv(4)) == 4
        plain.settimeout(2)
        with pytest.raises(OSError):
            context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("value", ["keys.log", "/dev/null/none"])
def test_no_session_key_is_ever_written_to_a_file(value, pki, bolt_server, tmp_path):
    file = tmp_path / value
    server = bolt_server()
    server.start(prefix=("env", f"SSLKEYLOGFILE={file}"))
    for version in ("1.2", "1.3"):
        assert ask_with_s_client(Case("log", "bolt", server.port, version, None, pki.root.certificate))[0] == SERVED
    assert not file.exists() and not list(tmp_path.iterdir())


def held_open(server, channel, addresses, first):
    """Opens connections that send their first bytes and then nothing, one from each address; the server may close some at once."""
    held = []
    for address in addresses:
        plain = socket.socket()
        plain.setblocking(False)
        plain.bind((address, 0))
        plain.connect_ex(("127.0.0.1", port_of(server, channel)))
        held.append(plain)
        if len(held) % 200 == 0:
            time.sleep(0.02)
    time.sleep(0.5)
    for plain in held:
        with contextlib.suppress(OSError):
            plain.send(first)
    return held


def until_taken_in(server):
    """Waits until the server has accepted what waits at its door, so that the attack is at its height; returns its open files."""
    counts = [-1, -2]
    while counts[-1] != counts[-2]:
        time.sleep(0.2)
        counts.append(len(os.listdir(f"/proc/{server.process.pid}/fd")))
    return counts[-1]


ATTACKERS = {
    "one address": ["127.0.7.1"] * HALF_OPEN,
    "many addresses": [f"127.0.{8 + number // 200}.{1 + number % 200}" for number in range(HALF_OPEN)],
}


@pytest.mark.parametrize("attackers", ATTACKERS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_half_open_connections_cost_little_and_others_are_served(channel, attackers, pki):
    wanted = HALF_OPEN + 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted and hard != resource.RLIM_INFINITY:
        pytest.skip(f"this machine allows {hard} open files, and {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    server = Server(set_password=False, settings={"server.https.enabled": "true"})
    held = []
    try:
        for scope in CHANNELS:
            lay_out(server.home, scope, pki.server)
            server.settings |= policy(scope)
        server.authority = pki.root.certificate
        server.admin("dbms", "set-initial-password", PASSWORD)
        server.start(prefix=("prlimit", f"--nofile={wanted}"))
        assert_others_are_served(server, pki)
        before = resident_bytes(server)
        held = held_open(server, channel, ATTACKERS[attackers], client_hello()[:100])
        files = until_taken_in(server)
        assert_others_are_served(server, pki)
        growth = resident_bytes(server) - before
        print(f"{channel}, {attackers}: {HALF_OPEN} half-open connections, {files} open files, {growth >> 10} KiB more in use")
        assert growth < HALF_OPEN * HALF_OPEN_BYTES_MAX + (16 << 20)
        assert_logs_are_clean(server)
        lines = len(server.output().splitlines())
        assert lines < LOG_LINES_MAX, f"{lines} lines of log: an attacker must not be able to fill the disk"
    finally:
        for plain in held:
            plain.close()
        server.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_a_client_hello_is_given_up_in_time(half_hellos):
    """Last of all, because the time for a handshake on HTTPS is thirty seconds and has no setting."""
    for channel, seconds in (("bolt", CLOSED_SECONDS_MAX), ("https", HTTPS_HANDSHAKE_SECONDS_MAX)):
        for plain in half_hellos[channel]:
            plain.settimeout(seconds)
            assert said_nothing_but_an_alert(until_closed(plain))
