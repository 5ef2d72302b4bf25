"""Who is let in: four clients, every kind of client certificate, every policy, both versions, on every channel.

Owns the table of what must happen, written from the documented rules. Reads after the handshake, where TLS 1.3 refuses.
"""

import subprocess

import pytest
from scopes import lay_out, policy
from tls_clients import CLIENTS, REFUSED, SERVED, Case

from harness import Server

POLICIES = ("NONE", "OPTIONAL", "REQUIRE")
VERSIONS = ("1.2", "1.3")
HTTPS = {"server.https.enabled": "true"}
BACKUP = {"server.backup.enabled": "true", "server.backup.listen_address": "127.0.0.1:0"}

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


def channels(client_auth):
    """Backups hold everything, so their channel is only ever open to those who show a certificate."""
    return ("bolt", "https", "backup") if client_auth == "REQUIRE" else ("bolt", "https")


@pytest.fixture(scope="module")
def servers(pki):
    """One server for each policy of client authentication; backups are only ever given by the one with REQUIRE."""
    running = {}
    try:
        for client_auth in POLICIES:
            server = Server(set_password=False, settings=HTTPS | (BACKUP if client_auth == "REQUIRE" else {}))
            for channel in channels(client_auth):
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
        for channel in channels(client_auth):
            port = int(server.addresses[channel].rsplit(":", 1)[1])
            for version in VERSIONS:
                for certificate, identity in pki.clients.items():
                    name = f"{channel}, {client_auth}, TLS {version}, {certificate}"
                    yield must_happen(client_auth, certificate), Case(name, channel, port, version, identity, pki.root.certificate)


def test_the_table_knows_every_certificate(pki):
    assert GOOD | BAD | {"none"} == set(pki.clients)


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_are_let_in_as_the_rules_say(client, servers, pki, programs):
    every = list(cases(servers, pki))
    outcomes = CLIENTS[client]([case for _, case in every], programs)
    assert len(outcomes) == sum(len(channels(client_auth)) for client_auth in POLICIES) * len(VERSIONS) * len(pki.clients)
    wrong = {
        case.name: outcomes[case.name]
        for expected, case in every
        if outcomes[case.name][0] != expected
    }
    assert not wrong, f"{len(wrong)} of {len(every)}: {wrong}"


@pytest.mark.parametrize("client_auth", ["NONE", "OPTIONAL"])
def test_backups_are_not_given_to_those_who_show_no_certificate(client_auth, pki):
    server = Server(set_password=False, settings={"server.https.enabled": "false"} | BACKUP)
    try:
        for channel in ("bolt", "backup"):
            lay_out(server.home, channel, pki.server, [pki.root.certificate])
            server.settings |= policy(channel, client_auth="REQUIRE")
        server.settings["dbms.ssl.policy.backup.client_auth"] = client_auth
        status, output = server.fails_to_start()
        assert status == 3
        assert "dbms.ssl.policy.backup.client_auth" in output and "without a certificate" in output and "REQUIRE" in output, output
    finally:
        server.close()


REASONS = {
    "none": "no certificate",
    "expired": "expired",
    "not yet valid": "not valid yet",
    "revoked": "revoked",
    "wrong usage": "usage",
    "other authority": "trusted",
    "pinned expired": "expired",
    "pinned revoked": "revoked",
    "pinned wrong usage": "usage",
    "namesake of pinned": "trusted",
}
"""A word of the reason that the log must give for each refusal."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("certificate", REASONS)
def test_the_log_says_in_words_why_a_client_was_refused(certificate, version, pki, bolt_server):
    trusted = [pki.root.certificate, *pki.pinned()]
    with bolt_server(trusted=trusted, revoked=pki.lists(), client_auth="REQUIRE") as server:
        case = Case("refused", "bolt", server.port, version, pki.clients[certificate], pki.root.certificate)
        assert CLIENTS["s_client"]([case], None)["refused"][0] == REFUSED
        lines = [line for line in server.output().splitlines() if "refused" in line and "peer=" in line]
        assert len(lines) == 1 and REASONS[certificate] in lines[0], lines


TRUST = {"root": ("good",), "pinned": ("pinned",), "pinned self-signed": ("pinned self-signed",), "all": ("good", "pinned", "pinned self-signed")}
"""What lies in `trusted_dir`, and who must get in with it when Java's own key manager chooses what to show."""


@pytest.mark.parametrize("trusted", TRUST)
def test_java_shows_its_certificate_of_its_own_accord(trusted, pki, bolt_server, programs):
    """Java shows a certificate only if the server names its issuer, or names nobody."""
    files = {"root": pki.root.certificate, **{name: pki.clients[name].certificate for name in ("pinned", "pinned self-signed")}}
    chosen = files.values() if trusted == "all" else [files[trusted]]
    with bolt_server(trusted=chosen, client_auth="REQUIRE") as server:
        every = [
            Case(f"{version} {name}", "bolt", server.port, version, pki.clients[name], pki.root.certificate, own_choice=True)
            for name in TRUST[trusted]
            for version in VERSIONS
        ]
        outcomes = CLIENTS["java"](every, programs)
        assert {name: outcome for name, (outcome, _) in outcomes.items()} == {case.name: SERVED for case in every}, outcomes


@pytest.mark.parametrize(("trusted", "named"), [("root", True), ("pinned", False)])
def test_authorities_are_named_only_when_nothing_else_is_trusted(trusted, named, pki, bolt_server):
    file = pki.root.certificate if trusted == "root" else pki.clients["pinned"].certificate
    with bolt_server(trusted=[file], client_auth="OPTIONAL") as server:
        for version in ("-tls1_2", "-tls1_3"):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version]
            said = subprocess.run(command, input="", capture_output=True, text=True, timeout=30).stdout
            assert ("Acceptable client certificate CA names\nCN = Test Root\n" in said) == named
            assert ("No client certificate CA names sent" in said) != named


def test_trust_all_lets_everybody_in_but_the_revoked_and_says_so(pki, bolt_server):
    with bolt_server(revoked=pki.lists(), client_auth="REQUIRE", trust_all="true") as server:
        for name, identity in pki.clients.items():
            for version in VERSIONS:
                case = Case(name, "bolt", server.port, version, identity, pki.root.certificate)
                expected = REFUSED if name in ("none", "revoked", "pinned revoked") else SERVED
                assert CLIENTS["s_client"]([case], None)[name][0] == expected, (name, version)
        assert [line for line in server.output().splitlines() if "WARN" in line and "trust_all" in line], server.output()
