"""What the tests of security share: users made, connections opened by hand, refusals caught. Owns no test and no fixture."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time

import neo4j
import pytest


HANDSHAKE = bytes.fromhex("6060b017" + "00000405" + "00000004" * 3)
GOOD = "Mellow-Tangent-Orbit-19"
BETTER = "Quartz-Lantern-Fjord-83"
ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)"
HANG_SECONDS = 30


def system(server, text, **parameters):
    """Runs a statement of an administrator on `system`."""
    with server.driver() as driver:
        return [row.data() for row in driver.execute_query(text, parameters, database_="system").records]


def fresh_user(server, name, password=GOOD):
    system(server, f"CREATE OR REPLACE USER {name} SET PASSWORD $p CHANGE NOT REQUIRED", p=password)


def login_error(server, user, password):
    with pytest.raises(neo4j.exceptions.Neo4jError) as caught, server.driver(user, password) as driver:
        driver.verify_connectivity()
    return caught.value


def statement_error(server, text, database="neo4j", **parameters):
    with pytest.raises(neo4j.exceptions.Neo4jError) as caught, server.driver() as driver:
        driver.execute_query(text, parameters, database_=database)
    return caught.value


def is_alive(server):
    return server.query("RETURN 1 AS one") == [{"one": 1}]


def until(condition):
    """Waits for what happens soon; a hang fails the test."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"still not so after {HANG_SECONDS} s")


def plain_socket(server):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=HANG_SECONDS)
    connection.settimeout(HANG_SECONDS)
    return connection


def tls_socket(server):
    return server.tls_context().wrap_socket(plain_socket(server), server_hostname="localhost")


def read_to_end(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError, ssl.SSLError):
        while part := connection.recv(4096):
            received += part
    return received


def audit_events(server):
    return [json.loads(line) for line in (server.home / "logs/audit.log").read_text().splitlines()]


class Running(threading.Thread):
    """A statement that does not end by itself, on a session of its own."""

    def __init__(self, server, user, password):
        super().__init__(daemon=True)
        self.server, self.user, self.password = server, user, password
        self.error = None
        self.start()
        until(lambda: any(row["username"] == user for row in self.transactions()))

    def transactions(self):
        rows = self.server.query("SHOW TRANSACTIONS")
        return [row for row in rows if "range(1, 1000000)" in (row["currentQuery"] or "")]

    def run(self):
        try:
            with self.server.driver(self.user, self.password, max_transaction_retry_time=0) as driver:
                with driver.session() as session:
                    session.run(ENDLESS).consume()
        except Exception as error:  # noqa: BLE001 - whatever ends it is what the test looks at
            self.error = error

    def ended(self):
        self.join(timeout=HANG_SECONDS)
        assert not self.is_alive(), "the statement goes on"
        assert not any(row["username"] == self.user for row in self.transactions())
        return self.error


class HandMade:
    """A client of Bolt 5.2 made by hand, to say what no driver says."""

    def __init__(self, server, source="127.0.0.1"):
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=HANG_SECONDS, source_address=(source, 0))
        self.socket = server.tls_context().wrap_socket(raw, server_hostname="localhost")
        self.socket.sendall(bytes.fromhex("6060b017" + "00000205" + "00000000" * 3))
        self.reader = self.socket.makefile("rb")
        assert self.reader.read(4) == bytes.fromhex("00000205")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    @staticmethod
    def text(value):
        encoded = value.encode()
        return b"\xd0" + bytes([len(encoded)]) + encoded

    def send(self, body):
        self.socket.sendall(struct.pack(">H", len(body)) + body + b"\0\0")

    def answer(self):
        while (size := struct.unpack(">H", self.reader.read(2))[0]) == 0:
            pass
        body = self.reader.read(size)
        assert self.reader.read(2) == b"\0\0"
        return {0x70: "SUCCESS", 0x71: "RECORD", 0x7E: "IGNORED", 0x7F: "FAILURE"}[body[1]]

    def log_in(self, user, password):
        self.send(b"\xb1\x01\xa1" + self.text("user_agent") + self.text("test/1"))
        assert self.answer() == "SUCCESS"
        token = b"\xa3" + self.text("scheme") + self.text("basic")
        self.send(b"\xb1\x6a" + token + self.text("principal") + self.text(user) + self.text("credentials") + self.text(password))
        return self.answer()

    def run_and_pull(self, statement):
        self.send(b"\xb3\x10" + self.text(statement) + b"\xa0\xa0")
        self.send(b"\xb1\x3f\xa1" + self.text("n") + b"\xff")

    def reset(self):
        self.send(b"\xb0\x0f")
