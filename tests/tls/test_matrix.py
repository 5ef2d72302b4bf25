"""Who is let in: four clients, every kind of client certificate, every policy, both versions, on every channel.

Owns the table of what must happen, written from the documented rules. Reads after the handshake, where TLS 1.3 refuses.
"""

import pytest
from scopes import lay_out, policy
from tls_clients import CLIENTS, REFUSED, SERVED, Case

from harness import Server

POLICIES = ("NONE", "OPTIONAL", "REQUIRE")
VERSIONS = ("1.2", "1.3")
CHANNELS = ("bolt", "https")

# A certificate is good when an authority of `trusted_dir` vouches for it or it lies there itself, and, in both cases, when it is in
# its time, not revoked, and made for clients.
GOOD = {"good", "pinned", "pinned self-signed"}
BAD = {
    "expired", "not yet valid", "revoked", "wrong usage", "other authority", "pinned expired", "pinned revoked", "pinned wrong usage",
    "namesake of pinned",
}  # fmt: skip


def must_happen(client_auth, certificate):
    """The rule: NONE does not ask; OPTIONAL asks, takes none, and refuses a bad one; REQUIRE refuses none as well."""
    if client_auth == "NONE":
        return SERVED
    if certificate == "none":
        return SERVED if client_auth == "OPTIONAL" else REFUSED
    return SERVED if certificate in GOOD else REFUSED


@pytest.fixture(scope="module")
def servers(pki):
    """One server for each policy of client authentication."""
    running = {}
    try:
        for client_auth in POLICIES:
            server = Server(set_password=False, settings={"server.https.enabled": "true"})
            for channel in CHANNELS:
                lay_out(server.home, channel, pki.server, [pki.root.certificate, *pki.pinned()], pki.lists())
                server.settings |= policy(channel, client_auth=client_auth)
            running[client_auth] = server
            server.start()
        yield running
    finally:
        for server in running.values():
            server.close()


def cases(servers, pki):
    """Every combination, named so that a failure says which."""
    for client_auth, server in servers.items():
        for channel in CHANNELS:
            port = int(server.addresses[channel].rsplit(":", 1)[1])
            for version in VERSIONS:
                for certificate, identity in pki.clients.items():
                    name = f"{channel}, {client_auth}, TLS {version}, {certificate}"
                    yield client_auth, certificate, Case(name, channel, port, version, identity, pki.root.certificate)


def test_the_table_knows_every_certificate(pki):
    assert GOOD | BAD | {"none"} == set(pki.clients)


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_are_let_in_as_the_rules_say(client, servers, pki, tmp_path):
    every = list(cases(servers, pki))
    outcomes = CLIENTS[client]([case for _, _, case in every], tmp_path)
    assert len(outcomes) == len(POLICIES) * len(CHANNELS) * len(VERSIONS) * len(pki.clients)
    wrong = {
        case.name: outcomes[case.name]
        for client_auth, certificate, case in every
        if outcomes[case.name][0] != must_happen(client_auth, certificate)
    }
    assert not wrong, f"{len(wrong)} of {len(every)}: {wrong}"
