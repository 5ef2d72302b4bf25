"""`LOAD CSV` stays in its folder and calls nobody it may not."""

import contextlib
import socket
import threading

from probes import HANG_SECONDS, statement_error

from harness import Server


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
