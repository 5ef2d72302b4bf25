"""Who gets in: authentication, every path unauthenticated, headers, and requests that mean harm.

Owns the boundary of the HTTP API as a stranger meets it.
"""

import base64
import json
import socket

import pytest
import requests

from api import Api, error
from harness import PASSWORD

PUBLIC = {"/", "/openapi.json", "/health/live", "/health/ready", "/.well-known/security.txt", "/security-policy"}
METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]


def stranger(server, **headers):
    """Somebody who has not logged in."""
    api = Api(server, user=None)
    api.session.headers.update(headers)
    return api


def test_every_path_of_the_description_but_the_public_ones_refuses_strangers(server):
    api = stranger(server)
    paths = api.session.get(api.root + "/openapi.json", timeout=10).json()["paths"]
    assert PUBLIC < set(paths) and len(paths) == len(PUBLIC) + 4
    refused = 0
    for path, operations in paths.items():
        url = api.root + path.replace("{databaseName}", "neo4j").replace("{transactionId}", "0" * 32)
        for method in operations.keys() & set(METHODS):
            response = api.session.request(method, url, timeout=10)
            if path in PUBLIC:
                assert response.status_code == 200, (method, path)
            else:
                refused += 1
                assert response.headers["WWW-Authenticate"].startswith("Basic ")
                error(response, 401, "ClientError.Security.Unauthorized")
        for method in set(METHODS) - operations.keys():
            status = api.session.request(method, url, timeout=10).status_code
            # GET serves HEAD too.
            assert status == 405 or (method, status) == ("head", 200), (method, path, status)
    assert refused == 5
    assert api.session.get(api.root + "/db/neo4j", timeout=10).status_code == 404


def test_the_description_is_told_by_every_listener(server):
    documents = [
        requests.get(f"http://{server.addresses['http']}/openapi.json", timeout=10).json(),
        Api(server).session.get(Api(server).root + "/openapi.json", timeout=10).json(),
    ]
    assert documents[0] == documents[1] and documents[0]["openapi"].startswith("3.1")


def test_discovery_leads_to_the_query_api(server):
    api = Api(server)
    document = stranger(server).session.get(api.root + "/", timeout=10).json()
    assert document["query"] == api.root + "/db/{databaseName}/query/v2"
    assert document["query_api_versions"] == ["1.0", "1.1"]
    plain = requests.get(f"http://{server.addresses['http']}/", timeout=10).json()
    assert plain["query"].startswith("http://")


@pytest.mark.parametrize(
    "header, code, message",
    [
        (None, "Security.Unauthorized", "No authentication header supplied."),
        ("Basic not-proper-base64", "Request.InvalidFormat", "Invalid authentication header."),
        ("Basic " + base64.b64encode(b"nocolon").decode(), "Request.InvalidFormat", "Invalid authentication header."),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), "Request.InvalidFormat", "Invalid authentication header."),
        ("Negotiate abc", "Request.InvalidFormat", "Invalid authentication header."),
        ("Basic " + base64.b64encode(b"neo4j:wrong").decode(), "Security.Unauthorized", "Invalid username or password."),
        ("Basic " + base64.b64encode(b"nobody:wrong").decode(), "Security.Unauthorized", "Invalid username or password."),
        ("Basic " + base64.b64encode(b":").decode(), "Security.Unauthorized", "Invalid username or password."),
        ("Bearer " + base64.b64encode(b"token").decode(), "Security.Unauthorized", None),
    ],
)
def test_refusals_use_the_words_of_the_manual(server, header, code, message):
    headers = {"Authorization": header} if header else {}
    response = stranger(server, **headers).post("", {"statement": "RETURN 1"})
    found = error(response, 401, f"ClientError.{code}")
    assert found == message or message is None and "Bearer" in found
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_too_many_failed_logins_are_told_apart(server):
    from harness import Server

    with Server(settings={"dbms.security.auth_max_failed_attempts": "3"}) as own:
        wrong = Api(own, password="wrong")
        statuses = [wrong.post("", {"statement": "RETURN 1"}).status_code for _ in range(6)]
        assert statuses[0] == 401 and statuses[-1] == 429, statuses
        error(wrong.post("", {"statement": "RETURN 1"}), 429, "ClientError.Security.AuthenticationRateLimit")


def test_a_server_without_authentication_asks_nobody():
    from harness import Server

    with Server(settings={"dbms.security.auth_enabled": "false"}, set_password=False) as own:
        assert stranger(own).values("RETURN 1") == [[1]]


def test_every_answer_carries_the_security_headers(server, api):
    for response in (
        api.post("", {"statement": "RETURN 1"}),
        api.post("", {"statement": "RETRUN"}),
        stranger(server).post(""),
        api.session.get(api.root + "/nowhere", timeout=10),
        api.session.get(api.base, timeout=10),
    ):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in response.headers


def test_strict_transport_security_is_said_where_the_certificate_is_ones_own(tmp_path):
    """With development certificates it would bind every other service of this machine's browser as well."""
    from harness import Server, pki

    authority = pki.Authority(tmp_path / "authority", "Transport Root")
    with Server() as own:
        assert "Strict-Transport-Security" not in Api(own).post("", {"statement": "RETURN 1"}).headers
        own.stop()
        folder = own.home / "certificates/own"
        for name in ("trusted", "revoked"):
            (folder / name).mkdir(mode=0o700, parents=True)
        identity = authority.issue("server", "serverAuth", pki.SERVER_NAMES)
        for source, target in ((identity.key, "private.key"), (identity.chain, "public.crt")):
            (folder / target).write_bytes(source.read_bytes())
            (folder / target).chmod(0o400)
        own.settings["dbms.ssl.policy.https.enabled"] = "true"
        own.settings["dbms.ssl.policy.https.base_directory"] = "certificates/own"
        own.start()
        api = Api(own)
        api.session.verify = str(authority.certificate)
        assert api.post("", {"statement": "RETURN 1"}).headers["Strict-Transport-Security"] == "max-age=31536000"


def test_strict_transport_security_is_only_said_over_tls():
    from harness import Server

    settings = {
        "dbms.security.http_strict_transport_security": "max-age=31536000",
        "server.http.enabled": "true",
        "server.http.listen_address": "127.0.0.1:0",
    }
    with Server(settings=settings) as own:
        body = {"statement": "RETURN 1"}
        assert Api(own).post("", body).headers["Strict-Transport-Security"] == "max-age=31536000"
        plain = Api(own, plain=True).post("", body)
        assert plain.status_code == 202 and "Strict-Transport-Security" not in plain.headers


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, 415),
        ({"Content-Type": "application/vnd.neo4j.query.v9.9"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/vnd.neo4j.query.v9.9"}, 406),
    ],
)
def test_media_types_that_are_not_served(api, headers, status):
    error(api.post("", {"statement": "RETURN 1"}, headers), status, "ClientError.Request.InvalidFormat")


def test_a_body_without_a_type_is_refused(api):
    response = api.session.post(api.base, data=b'{"statement": "RETURN 1"}', headers={"Content-Type": None}, timeout=10)
    error(response, 415, "ClientError.Request.InvalidFormat")


@pytest.mark.parametrize(
    "body, part",
    [
        (b"", "statement"),
        (b"null", "expected an object"),
        (b"[]", "expected an object"),
        (b"{", "EOF"),
        (b'{"statement": "RETURN 1"} x', "trailing"),
        (b'{"statement": ""}', "statement"),
        (b'{"statement": 1}', "expected a string"),
        (b'{"statement": "RETURN 1", "surprise": 1}', "`surprise`"),
        (b'{"statement": "RETURN 1", "statement": "RETURN 2"}', "duplicate"),
        (b'{"statement": "RETURN 1", "parameters": []}', "expected an object"),
        (b'{"statement": "\xff"}', "invalid"),
        (b'{"statement": "\\ud800"}', "invalid"),
        (b'{"statement": "RETURN 1", "parameters": {"x": ' + b"[" * 200 + b"]" * 200 + b"}}", "deep"),
        (b'{"statement": "RETURN 1", "parameters": ' + b'{"x":' * 200_000, "deep"),
        (b'{"statement": "RETURN 1", "parameters": {"x": 1e999}}', "number"),
        (b'{"statement": "RETURN 1", "parameters": {"x": 99999999999999999999}}', "99999999999999999999"),
        (b'{"statement": "' + b"x" * 2_000_000 + b'"}', "longer than"),
    ],
)
def test_broken_requests_are_refused_with_a_reason(api, body, part):
    response = api.post("", body)
    assert response.status_code == 400, response.text
    message = response.json()["errors"][0]["message"]
    assert part in message or part == "number", message
    assert api.values("RETURN 1") == [[1]]


def raw(server, request):
    """Sends bytes over plain HTTP and returns the first bytes of the answer."""
    host, port = server.addresses["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65536)


BASIC = base64.b64encode(f"neo4j:{PASSWORD}".encode()).decode()
HEAD = f"POST /db/neo4j/query/v2 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {BASIC}\r\nContent-Type: application/json\r\n"


def test_a_client_that_sends_too_much_is_told_so(api):
    for size in (17 << 20, 60 << 20):
        response = api.post("", b" " * size)
        error(response, 413, "ClientError.Request.InvalidFormat")
    values = b'{"statement": "RETURN 1", "parameters": {"x": [' + b"0," * 1_500_000 + b"0]}}"
    response = api.post("", values)
    assert "too many values" in error(response, 400, "ClientError.Request.InvalidFormat")


def test_a_huge_body_is_refused_before_it_is_sent(server):
    answer = raw(server, f"{HEAD}Content-Length: 99999999999\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_huge_body_in_chunks_is_refused_on_the_way(server):
    host, port = server.addresses["http"].rsplit(":", 1)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 256 << 20:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 256 << 20, "everything was taken"


@pytest.mark.parametrize(
    "request_head",
    [
        f"{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}",
        f"{HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{{}}",
        f"{HEAD}Transfer-Encoding: gzip, identity\r\n\r\n{{}}",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n",
        f"{HEAD}Authorization: Basic {BASIC}\r\nContent-Length: 0\r\n\r\n",
        "POST /db/%00/query/v2 HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /db/../query/v2 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_ambiguous_requests_do_not_get_through(server, request_head):
    answer = raw(server, request_head.encode())
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer


def test_a_password_never_comes_back(server, api):
    secret = "very-Secret-battery-12"
    for statement in (f"CREATE USER x SET PASSWORD '{secret}' NONSENSE", f"CREATE USER x SET PASSWORD {secret}"):
        response = api.post("", {"statement": statement})
        assert response.status_code == 400 and secret not in response.text, response.text
    response = api.post("", {"statement": f"CREATE USER neo4j SET PASSWORD '{secret}'"})
    assert response.status_code == 400 and secret not in response.text, response.text
    assert secret not in server.output()
    assert PASSWORD not in server.output()


def test_logins_are_audited_with_the_address(server):
    Api(server, password="wrong").post("", {"statement": "RETURN 1"})
    events = [json.loads(line) for line in (server.home / "logs/audit.log").read_text().splitlines()]
    failures = [event for event in events if event["action"] == "login" and event["outcome"] == "failure"]
    assert failures and failures[-1]["address"].startswith("127.0.0.1") and "http-" in json.dumps(failures[-1])
