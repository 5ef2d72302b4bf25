"""The servers and certificates that the tests of a running server's TLS share; each file has servers of its own."""

import subprocess

import pytest
from running import HOST, KEY_PASSWORD, RULES, SCOPES, USERS, assert_no_secret, encrypted, lay_out, renewed, run

from harness import PASSWORD, Server
from harness.pki import SERVER_NAMES, KeyFiles, Pki, moment


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    issue = pki.intermediate.issue
    # As `openssl ca` takes it, the first one wins over all later ones of the same name; so each has a name of its own.
    pki.people = {name: issue(f"person {name}", names=[f"email:{name}@people.test"]) for name in ("ada", "suspended", "changing", "both")}
    pki.people["reporting"] = issue("reports", names=["DNS:reports.people.test"])
    pki.people["ghost"] = issue("ghost")
    pki.people["nobody"] = issue("no rule for me")
    pki.people["impostor"] = pki.stranger.issue("impostor", names=["email:ada@people.test"])
    pki.taker = issue("taker", "serverAuth,clientAuth", SERVER_NAMES)
    return pki


@pytest.fixture(scope="module")
def server(pki, tmp_path_factory):
    """A server with three channels, metrics, a key under a password, and certificates that are logins."""
    home = tmp_path_factory.mktemp("server") / "home"
    settings = {
        "server.backup.enabled": "true",
        "server.backup.listen_address": f"{HOST}:0",
        "server.metrics.prometheus.enabled": "true",
        "server.metrics.prometheus.endpoint": f"{HOST}:0",
        "dbms.security.authentication.certificate.rules": RULES,
        "dbms.ssl.policy.bolt.private_key_password": KEY_PASSWORD,
    }
    keys = {"bolt": encrypted(pki.server, KEY_PASSWORD)}
    for scope in SCOPES:
        settings |= lay_out(home, scope, pki.server, [pki.root.certificate], [pki.intermediate_list, pki.root_list], keys.get(scope))
    server = Server(home, settings, set_password=False)
    server.authority = pki.root.certificate
    server.admin("dbms", "set-initial-password", PASSWORD)
    with server:
        for user in USERS:
            change = "" if user == "changing" else "NOT "
            run(server, f"CREATE USER {user} SET PASSWORD $p CHANGE {change}REQUIRED", p=PASSWORD)
        run(server, "ALTER USER suspended SET STATUS SUSPENDED")
        yield server
        assert server.stop() == 0
        done = server.admin("audit", "verify", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_no_secret(server)


@pytest.fixture(scope="module")
def slow(pki, tmp_path_factory):
    """One thread for everything; the password of the key comes from a command that waits while the file `hold` is there."""
    home = tmp_path_factory.mktemp("slow") / "home"
    settings = {"server.threads.worker_count": "1", "server.logs.level": "WARN"}
    for scope in ("bolt", "https"):
        settings |= lay_out(home, scope, pki.server, key=encrypted(pki.server, KEY_PASSWORD) if scope == "bolt" else None)
    hold, secret = home.parent / "hold", home.parent / "password"
    secret.write_text(KEY_PASSWORD)
    secret.chmod(0o400)
    command = f"while [ -e {hold} ]; do sleep 0.05; done; cat {secret}"
    settings["dbms.ssl.policy.bolt.private_key_password"] = f"$(sh -c '{command}')"
    server = Server(home, settings, set_password=False)
    server.authority, server.hold = pki.root.certificate, hold
    server.admin("--expand-commands", "dbms", "set-initial-password", PASSWORD)
    server.start("--expand-commands")
    yield server
    server.close()


@pytest.fixture(scope="module")
def worrying(pki, tmp_path_factory):
    """Starts with everything that works and deserves a warning; session keys are asked for by the environment."""
    home = tmp_path_factory.mktemp("worrying") / "home"
    keys = KeyFiles(home.parent / "keys", "rsa")
    soon = renewed(pki, "soon", key=keys.plain, ends=moment(days=10))
    secret, certificate = home.parent / "password.enc", home / "certificates/https/public.crt"
    plain = home.parent / "plain"
    plain.write_text(KEY_PASSWORD + "\n")
    settings = {
        "dbms.netty.ssl.provider": "OPENSSL",
        "dbms.ssl.policy.bolt.trust_all": "true",
        "server.metrics.prometheus.enabled": "true",
        "server.metrics.prometheus.endpoint": f"{HOST}:0",
    }
    settings |= lay_out(home, "bolt", soon, key=keys.traditional())
    settings |= lay_out(home, "https", pki.server, key=encrypted(pki.server, KEY_PASSWORD))
    recipe = f"base64 -w 0 {certificate} | openssl aes-256-cbc -a -salt -in {plain} -out {secret} -pass stdin"
    subprocess.run(["bash", "-c", recipe], check=True, capture_output=True)
    secret.chmod(0o400)
    settings["dbms.ssl.policy.https.private_key_password"] = (
        f"$(base64 -w 0 {certificate} | openssl aes-256-cbc -a -d -in {secret} -pass stdin)"
    )
    server = Server(home, settings, set_password=False)
    server.authority, server.keys_file = pki.root.certificate, home.parent / "session.keys"
    server.admin("--expand-commands", "dbms", "set-initial-password", PASSWORD)
    server.start("--expand-commands", prefix=("env", f"SSLKEYLOGFILE={server.keys_file}"))
    yield server
    server.stop()
    assert_no_secret(server)
    server.close()
