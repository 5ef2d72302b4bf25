"""What an attacker tries and what an administrator is promised: users, lock-out, TLS, refused connections, audit, HTTPS.

Owns black-box checks of security on a running server; knows nothing of how it is built.
"""

import base64
import contextlib
import datetime
import http.client
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import neo4j
import pytest

from harness import PASSWORD, Server

HANDSHAKE = bytes.fromhex("6060b017" + "00000405" + "00000004" * 3)
GOOD = "Mellow-Tangent-Orbit-19"
BETTER = "Quartz-Lantern-Fjord-83"
ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)"
HANG_SECONDS = 30


@pytest.fixture(scope="module")
def server():
    with Server(settings={"dbms.security.auth_max_failed_attempts": "1000"}) as running:
        yield running


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


# Users


def test_wrong_user_and_wrong_password_get_the_same_answer(server):
    wrong_user = login_error(server, "nobody", PASSWORD)
    wrong_password = login_error(server, "neo4j", "wrong-Password-entirely-4")
    assert wrong_user.code == wrong_password.code == "Neo.ClientError.Security.Unauthorized"
    assert wrong_user.message == wrong_password.message


def test_a_suspended_user_gets_the_answer_of_a_wrong_password(server):
    fresh_user(server, "sleeper")
    system(server, "ALTER USER sleeper SET STATUS SUSPENDED")
    suspended = login_error(server, "sleeper", GOOD)
    wrong = login_error(server, "nobody", GOOD)
    assert (suspended.code, suspended.message) == (wrong.code, wrong.message)


def test_lock_out_is_of_the_user_at_its_address_and_passes():
    with Server(settings={"dbms.security.auth_lock_time": "1s"}) as locked:
        fresh_user(locked, "ada")
        fresh_user(locked, "bob")
        codes = [login_error(locked, "ada", "wrong-Password-entirely-4").code for _ in range(3)]
        assert codes == ["Neo.ClientError.Security.Unauthorized"] * 3
        assert login_error(locked, "ada", GOOD).code == "Neo.ClientError.Security.AuthenticationRateLimit"
        with locked.driver("bob", GOOD) as driver:
            driver.verify_connectivity()

        def may_log_in():
            try:
                with locked.driver("ada", GOOD) as driver:
                    driver.verify_connectivity()
                return True
            except neo4j.exceptions.Neo4jError as error:
                assert error.code == "Neo.ClientError.Security.AuthenticationRateLimit"
                return False

        until(may_log_in)


def test_lock_out_at_one_address_does_not_touch_another():
    with Server(settings={"dbms.security.auth_lock_time": "10m"}) as locked:
        fresh_user(locked, "ada")
        for _ in range(3):
            login_error(locked, "ada", "wrong-Password-entirely-4")
        assert login_error(locked, "ada", GOOD).code == "Neo.ClientError.Security.AuthenticationRateLimit"
        assert bolt_login(locked, "ada", GOOD, source="127.0.0.2") == "SUCCESS"
        assert bolt_login(locked, "ada", GOOD, source="127.0.0.1") == "FAILURE"


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


def bolt_login(server, user, password, source):
    with HandMade(server, source) as client:
        return client.log_in(user, password)


def test_users_are_created_altered_shown_and_dropped(server):
    system(server, "CREATE USER carol SET PLAINTEXT PASSWORD $p CHANGE REQUIRED", p=GOOD)
    shown = {row["user"]: row for row in system(server, "SHOW USERS")}
    assert shown["carol"]["passwordChangeRequired"] is True and shown["carol"]["suspended"] is False
    assert "already exists" in statement_error(server, "CREATE USER carol SET PASSWORD $p", "system", p=GOOD).message
    system(server, "CREATE USER carol IF NOT EXISTS SET PASSWORD $p", p=BETTER)
    system(server, "ALTER USER carol SET PASSWORD $p CHANGE NOT REQUIRED", p=BETTER)
    login_error(server, "carol", GOOD)
    with server.driver("carol", BETTER) as driver:
        driver.verify_connectivity()
    system(server, "ALTER USER carol SET STATUS SUSPENDED")
    shown = {row["user"]: row for row in system(server, "SHOW USERS")}
    assert shown["carol"]["suspended"] is True
    assert not any(GOOD in str(row) or "argon2" in str(row).lower() for row in shown.values())
    system(server, "DROP USER carol")
    assert "carol" not in {row["user"] for row in system(server, "SHOW USERS")}
    assert "does not exist" in statement_error(server, "DROP USER carol", "system").message
    system(server, "DROP USER carol IF EXISTS")
    login_error(server, "carol", BETTER)


@pytest.mark.parametrize("command", ["ALTER USER victim SET STATUS SUSPENDED", "DROP USER victim"])
def test_an_idle_session_of_a_suspended_or_dropped_user_ends(server, command):
    fresh_user(server, "victim")
    with server.driver("victim", GOOD, max_transaction_retry_time=0) as driver, driver.session() as session:
        transaction = session.begin_transaction()
        transaction.run("RETURN 1").consume()
        system(server, command)
        with pytest.raises((neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError)):
            transaction.run("RETURN 2").consume()
            transaction.commit()


@pytest.mark.parametrize("command", ["ALTER USER victim SET STATUS SUSPENDED", "DROP USER victim"])
def test_a_running_statement_of_a_suspended_or_dropped_user_ends(server, command):
    fresh_user(server, "victim")
    running = Running(server, "victim", GOOD)
    system(server, command)
    assert running.ended() is not None
    assert is_alive(server)


def test_an_expired_password_allows_nothing_but_its_change(server):
    system(server, "CREATE OR REPLACE USER dora SET PASSWORD $p CHANGE REQUIRED", p=GOOD)
    with server.driver("dora", GOOD) as driver:
        for database, text in [
            ("neo4j", "RETURN 1"),
            ("neo4j", "CREATE (:Intruder)"),
            ("system", "SHOW USERS"),
            ("system", "CREATE USER eve SET PASSWORD 'Mellow-Tangent-Orbit-19'"),
            ("neo4j", "SHOW TRANSACTIONS"),
            ("neo4j", "CALL db.labels()"),
        ]:
            with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
                driver.execute_query(text, database_=database)
            assert caught.value.code == "Neo.ClientError.Security.CredentialsExpired", text
        change = "ALTER CURRENT USER SET PASSWORD FROM $from TO $to"
        driver.execute_query(change, {"from": GOOD, "to": BETTER}, database_="system")
    with server.driver("dora", BETTER) as driver:
        assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
    assert server.query("MATCH (n:Intruder) RETURN count(n) AS n") == [{"n": 0}]


def test_changing_the_own_password_demands_the_current_one(server):
    fresh_user(server, "dora")
    with server.driver("dora", GOOD) as driver:
        with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
            change = "ALTER CURRENT USER SET PASSWORD FROM $from TO $to"
            driver.execute_query(change, {"from": "not-The-current-one-5", "to": BETTER}, database_="system")
        assert caught.value.code.startswith("Neo.ClientError.")
    with server.driver("dora", GOOD) as driver:
        driver.verify_connectivity()


@pytest.mark.parametrize(
    ("password", "says"),
    [("Ab3-x", "8"), ("sunshine", "entropy"), ("aaaaaaaaaaaa", "entropy"), ("", "")],
)
def test_a_weak_password_is_refused_with_what_to_do(server, password, says):
    error = statement_error(server, "CREATE USER weak SET PASSWORD $p", "system", p=password)
    assert error.code == "Neo.ClientError.Statement.ArgumentError"
    assert says in error.message
    if password:
        assert password not in error.message
    assert "weak" not in {row["user"] for row in system(server, "SHOW USERS")}


def test_the_previous_password_is_refused_as_the_new_one(server):
    fresh_user(server, "dora")
    with server.driver("dora", GOOD) as driver, pytest.raises(neo4j.exceptions.Neo4jError) as caught:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM $p TO $p", {"p": GOOD}, database_="system"
        )
    assert "same" in caught.value.message or "differ" in caught.value.message


def test_no_password_is_in_logs_audit_or_transactions(server):
    literal = "Literal-Zebra-Canyon-Pass-77"
    wrong = "Wrong-Zebra-Canyon-Pass-78"
    malformed = "Malformed-Zebra-Canyon-79"
    system(server, f"CREATE OR REPLACE USER frank SET PASSWORD '{literal}' CHANGE NOT REQUIRED")
    login_error(server, "frank", wrong)
    statement_error(server, f"ALTER CURRENT USER SET PASSWORD FROM '{wrong}' TO '{malformed}'", "system")
    statement_error(server, f"CREATE USER gina SET PASSWORD '{malformed}' NONSENSE", "system")
    with server.driver() as driver, driver.session(database="system") as session:
        transaction = session.begin_transaction()
        transaction.run(f"ALTER USER frank SET PASSWORD '{malformed}'").consume()
        shown = str(server.query("SHOW TRANSACTIONS"))
        assert malformed not in shown and "ALTER" in shown
        transaction.commit()
    written = server.output()
    for file in (server.home / "logs").rglob("*"):
        written += file.read_text(errors="replace") if file.is_file() else ""
    for password in (PASSWORD, literal, wrong, malformed, GOOD, BETTER):
        assert password not in written
    assert "argon2" not in written.lower()


def test_the_system_graph_is_not_to_be_seen(server):
    for text in ["MATCH (n) RETURN n", "MATCH (n) RETURN properties(n)", "MATCH ()-[r]->() RETURN r"]:
        with server.driver() as driver:
            try:
                assert driver.execute_query(text, database_="system").records == []
            except neo4j.exceptions.ClientError:
                pass
    with server.driver() as driver:
        assert "argon2" not in str(driver.execute_query("SHOW USERS", database_="system").records).lower()


# LOAD CSV


def load_csv_error(server, address):
    return statement_error(server, "LOAD CSV FROM $url AS row RETURN row", url=address)


def test_load_csv_stays_in_the_import_folder(server):
    folder = server.home / "import"
    (folder / "good.csv").write_text("a,b\n1,2\n")
    (server.home / "outside.csv").write_text("secret-content,1\n")
    with contextlib.suppress(FileExistsError):
        (folder / "link.csv").symlink_to(server.home / "outside.csv")
        (folder / "passwd.csv").symlink_to("/etc/passwd")
        (folder / "up").symlink_to(server.home)
    rows = server.query("LOAD CSV FROM 'file:///good.csv' AS row RETURN row")
    assert rows == [{"row": ["a", "b"]}, {"row": ["1", "2"]}]
    for address in [
        "file:///etc/passwd",
        "file:///../outside.csv",
        "file:///../../../../../../etc/passwd",
        "file:///%2e%2e/outside.csv",
        "file:///..%2foutside.csv",
        "file://localhost/../outside.csv",
        "file:///link.csv",
        "file:///passwd.csv",
        "file:///up/outside.csv",
        "file:////etc/passwd",
        "/etc/passwd",
        "../outside.csv",
        "file:///good.csv/../../outside.csv",
        "file:///conf/bastide.conf",
        "file://attacker.example/good.csv",
        "file:///nul\0.csv",
    ]:
        message = load_csv_error(server, address).message
        assert "root:" not in message and "secret-content" not in message, address


@contextlib.contextmanager
def web_server(answer, host="127.0.0.1"):
    """A plain HTTP server on loopback that counts its callers."""
    with socket.create_server((host, 0)) as listener:
        listener.settimeout(HANG_SECONDS)
        calls = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, peer = listener.accept()
                    calls.append(peer)
                    with connection:
                        connection.recv(4096)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], calls


CSV_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 4\r\nconnection: close\r\n\r\n1,2\n"


def test_load_csv_over_http_is_off_by_default(server):
    with web_server(CSV_ANSWER) as (port, calls):
        error = load_csv_error(server, f"http://127.0.0.1:{port}/x.csv")
        assert "dbms.security.load_csv.http_enabled" in error.message
        assert calls == []


def test_load_csv_never_calls_loopback_even_with_http_on():
    with Server(settings={"dbms.security.load_csv.http_enabled": "true"}) as open_server:
        with web_server(CSV_ANSWER) as (port, calls):
            for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"]:
                load_csv_error(open_server, f"http://{host}:{port}/x.csv")
            for address in ["http://169.254.169.254/latest", "http://10.0.0.1/x", "ftp://127.0.0.1/x", "gopher://a/x"]:
                load_csv_error(open_server, address)
            assert calls == []


def test_load_csv_calls_a_listed_address_and_does_not_follow_it_elsewhere():
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.2:%d/x.csv\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    settings = {
        "dbms.security.load_csv.http_enabled": "true",
        "dbms.security.load_csv.allowed_hosts": "127.0.0.1",
    }
    with Server(settings=settings) as open_server:
        with web_server(CSV_ANSWER) as (port, calls):
            rows = open_server.query("LOAD CSV FROM $url AS row RETURN row", url=f"http://127.0.0.1:{port}/x.csv")
            assert rows == [{"row": ["1", "2"]}] and len(calls) == 1
        with web_server(CSV_ANSWER, "127.0.0.2") as (inner, inner_calls), web_server(moved % inner) as (outer, calls):
            load_csv_error(open_server, f"http://127.0.0.1:{outer}/x.csv")
            assert len(calls) == 1 and inner_calls == []


# Connections


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


# Statements


@pytest.mark.parametrize(
    "text",
    [
        "RETURN " + "(" * 50_000 + "1" + ")" * 50_000,
        "RETURN " + "[" * 50_000 + "]" * 50_000,
        "RETURN " + "NOT " * 50_000 + "true",
        "RETURN " + "-" * 50_000 + "1",
        "RETURN 1" + " + 1" * 50_000,
        "RETURN " + "{a: " * 50_000 + "1" + "}" * 50_000,
        "RETURN " + "CASE WHEN true THEN " * 50_000 + "1" + " END" * 50_000,
        "RETURN x" + ".a" * 50_000,
        "RETURN " + "EXISTS { MATCH (n) WHERE " * 50_000,
        "CALL { " * 50_000,
    ],
    ids=["parentheses", "lists", "not", "minus", "plus", "maps", "case", "properties", "exists", "call"],
)
def test_an_expression_50000_deep_is_an_error_and_not_a_crash(server, text):
    assert statement_error(server, text).code.startswith("Neo.ClientError.")
    assert server.process.poll() is None and is_alive(server)


def test_a_chain_of_50000_ands_is_answered_or_refused_and_not_a_crash(server):
    try:
        assert server.query("RETURN true" + " AND true" * 50_000 + " AS all") == [{"all": True}]
    except neo4j.exceptions.ClientError as error:
        assert error.code.startswith("Neo.ClientError.")
    assert server.process.poll() is None and is_alive(server)


def test_a_deep_parameter_is_an_error_and_not_a_crash(server):
    deep = []
    for _ in range(900):
        deep = [deep]
    with contextlib.suppress(neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError, RecursionError):
        server.query("RETURN $deep AS deep", deep=deep)
    assert server.process.poll() is None and is_alive(server)


def test_reset_interrupts_a_running_statement(server):
    with HandMade(server) as client:
        assert client.log_in("neo4j", PASSWORD) == "SUCCESS"
        client.run_and_pull(ENDLESS.replace("count(*)", "count(*) AS resetme"))

        def shown():
            return [row for row in server.query("SHOW TRANSACTIONS") if "AS resetme" in (row["currentQuery"] or "")]

        def is_over():
            return not [row for row in shown() if "SHOW" not in row["currentQuery"]]

        until(shown)
        client.reset()
        answers = [client.answer() for _ in range(3)]
        assert answers[1] in ("FAILURE", "IGNORED") and answers[2] == "SUCCESS"
        until(is_over)
        client.run_and_pull("RETURN 1")
        assert [client.answer() for _ in range(3)] == ["SUCCESS", "RECORD", "SUCCESS"]


# Audit


@pytest.fixture(scope="module")
def audited():
    """The logs of a server that has stopped."""
    with Server() as server:
        fresh_user(server, "ada")
        login_error(server, "ada", "wrong-Password-entirely-4")
        for _ in range(3):
            server.query("RETURN 1")
        system(server, "DROP USER ada")
        assert server.stop() == 0
        yield server


def verify(server, lines=None):
    """Verifies the audit log as it is, or with other lines, which are put back afterwards."""
    log = server.home / "logs/audit.log"
    before = log.read_bytes()
    try:
        if lines is not None:
            log.write_bytes(lines)
        return server.admin("audit", "verify", check=False)
    finally:
        log.write_bytes(before)


def test_audit_holds_what_is_promised_and_verifies(audited):
    events = audit_events(audited)
    actions = {event["action"] for event in events}
    assert {"configuration", "server_started", "server_stopped", "user_created", "user_dropped"} <= actions
    assert any("login" in action for action in actions) and any("127.0.0.1" in json.dumps(event) for event in events)
    failed = [event for event in events if "login" in event["action"] and event["outcome"] != "success"]
    assert failed and "ada" in json.dumps(failed[0]) and "127.0.0.1" in json.dumps(failed[0])
    done = verify(audited)
    assert done.returncode == 0 and str(len(events)) in done.stdout


def test_audit_verify_names_the_altered_line(audited):
    lines = (audited.home / "logs/audit.log").read_bytes().splitlines(keepends=True)
    for place in (0, 3, len(lines) - 1):
        changed = list(lines)
        changed[place] = changed[place].replace(b"success", b"suxcess").replace(b"127.0.0.1", b"127.0.0.9")
        if changed == lines:
            changed[place] = changed[place].replace(b'"time"', b'"tyme"')
        assert changed != lines, lines[place]
        done = verify(audited, b"".join(changed))
        assert done.returncode != 0 and f"line {place + 1}" in done.stderr


def test_audit_verify_names_where_a_line_was_removed_or_the_end_cut(audited):
    lines = (audited.home / "logs/audit.log").read_bytes().splitlines(keepends=True)
    middle = verify(audited, b"".join(lines[:3] + lines[4:]))
    assert middle.returncode != 0 and "line 4" in middle.stderr
    first = verify(audited, b"".join(lines[1:]))
    assert first.returncode != 0 and "line 1" in first.stderr
    last = verify(audited, b"".join(lines[:-1]))
    assert last.returncode != 0 and f"line {len(lines)}" in last.stderr
    half = verify(audited, b"".join(lines)[:-20])
    assert half.returncode != 0 and f"line {len(lines)}" in half.stderr
    swapped = verify(audited, b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))
    assert swapped.returncode != 0 and "line 3" in swapped.stderr
    empty = verify(audited, b"")
    assert empty.returncode != 0


# HTTPS


def https_get(server, path, method="GET", body=None, headers=None):
    port = int(server.addresses["https"].rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("localhost", port, context=server.tls_context(), timeout=HANG_SECONDS)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def test_https_answers_discovery_health_and_security_txt(server):
    status, headers, body = https_get(server, "/")
    document = json.loads(body)
    assert status == 200 and headers["content-type"].startswith("application/json")
    assert f":{server.port}" in document["bolt_direct"] and document["neo4j_version"]
    assert https_get(server, "/health/live")[0] == 200
    assert https_get(server, "/health/ready")[0] == 200
    status, headers, body = https_get(server, "/.well-known/security.txt")
    assert status == 200 and "Contact:" in body
    expires = next(line for line in body.splitlines() if line.startswith("Expires:")).split(":", 1)[1].strip()
    expires = datetime.datetime.fromisoformat(expires.replace("Z", "+00:00"))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert now < expires < now + datetime.timedelta(days=366)


def test_https_answers_carry_security_headers_and_no_version_of_software_beneath(server):
    for path in ["/", "/health/live", "/nothing-here", "/.well-known/security.txt", "/../../etc/passwd"]:
        status, headers, body = https_get(server, path)
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers and "root:" not in body
        assert status in (200, 400, 404)
    # The server need not read what it refuses, so the client may still be sending when the connection ends.
    with contextlib.suppress(OSError):
        assert https_get(server, "/", method="POST", body="x=1")[0] in (400, 405, 413)
    with contextlib.suppress(OSError):
        assert https_get(server, "/", headers={"X-Long": "a" * 100_000})[0] in (400, 413, 431)
    assert is_alive(server)


def test_plain_http_is_off_and_https_answers_no_plain_request(server):
    assert server.addresses["http"] is None
    port = int(server.addresses["https"].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in read_to_end(connection)
