"""What the TLS tests share: one set of certificates for the session, and servers that are put away after each test."""

import pytest
from scopes import lay_out, policy

from harness import Server
from harness import pki as certificates


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """All keys and certificates, made once."""
    return certificates.Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Where compiled clients are kept."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture
def bolt_server(pki):
    """Makes servers, not started, with a policy for Bolt."""
    made = []

    def make(identity=None, key=None, trusted=(), revoked=(), settings=None, **suffixes):
        server = Server(set_password=False, settings={"server.https.enabled": "false", **(settings or {})})
        made.append(server)
        lay_out(server.home, "bolt", identity or pki.server, trusted, revoked, key)
        server.settings |= policy("bolt", **suffixes)
        server.authority = pki.root.certificate
        return server

    yield make
    for server in made:
        server.close()
