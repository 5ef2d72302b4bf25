"""What HTTPS serves besides the Query API, and what it says of itself."""

import contextlib
import datetime
import http.client
import json
import socket

from probes import HANG_SECONDS, is_alive, read_to_end


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
