"""One server for all tests of the HTTP API."""

import pytest

from api import Api
from harness import Server


@pytest.fixture(scope="session")
def server():
    """A server with HTTPS, and with plain HTTP on loopback."""
    settings = {
        "server.http.enabled": "true",
        "server.http.listen_address": "127.0.0.1:0",
        # Failed logins are part of the tests.
        "dbms.security.auth_max_failed_attempts": "1000000",
    }
    with Server(settings=settings) as server:
        yield server


@pytest.fixture
def api(server):
    """The first user, over HTTPS."""
    return Api(server)


@pytest.fixture
def ada(server, api):
    """Another user."""
    system = Api(server, database="system")
    password = "another-Horse-battery-8"
    system.query(f"CREATE USER ada IF NOT EXISTS SET PASSWORD '{password}' CHANGE NOT REQUIRED")
    return Api(server, "ada", password)
