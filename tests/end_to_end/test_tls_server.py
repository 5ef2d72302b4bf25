"""TLS as an administrator of a running server has it: reloading, settings, tables, figures, logs, warnings, and certificates as logins.

Owns what the server does around TLS; what clients are let in by which certificate is for `tests/tls`. Both ends are strangers to each
other: certificates are made by `openssl`, and clients are the official driver, Python's `ssl` and `openssl s_client`.
"""

import base64
import contextlib
import datetime
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import neo4j
import pytest
from neo4j.auth_management import ClientCertificate, ClientCertificateProviders

from harness import PASSWORD, Server
from harness.pki import SERVER_NAMES, KeyFiles, Pki, moment, openssl

SECONDS_MAX = 30
CONFIGURATION_REFUSED = 3
HOST = "127.0.0.1"
SCOPES = ("bolt", "https", "backup")
KEY_PASSWORD = "Planted-Walrus-6120"
OTHER_KEY_PASSWORD = "Planted-Heron-7741"
WRONG_KEY_PASSWORD = "Planted-Lemur-3308"
RULES = "email:*@people.test=*;dns:reports.people.test=reporting;cn:ghost=nobody-of-that-name"
USERS = ("ada", "reporting", "suspended", "changing", "both")


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


def lay_out(home, scope, identity, trusted=(), revoked=(), key=None):
    """Fills the folder of a policy and returns the settings that switch it on."""
    folder = home / "certificates" / scope
    for name, files in (("trusted", trusted), ("revoked", revoked)):
        (folder / name).mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, folder / name / file.name)
    install(folder, identity, key)
    return {f"dbms.ssl.policy.{scope}.enabled": "true"}


def install(folder, identity, key=None):
    """Puts key and chain into place, each in one step."""
    for source, name, mode in ((key or identity.key, "private.key", 0o400), (identity.chain, "public.crt", 0o644)):
        file = folder / f"{name}.new"
        shutil.copyfile(source, file)
        file.chmod(mode)
        file.rename(folder / name)


def encrypted(identity, password):
    """The key of an identity under a password."""
    file = identity.key.with_suffix(f".{password}.key")
    openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", identity.key, "-passout", f"pass:{password}", "-out", file)
    return file


def folder_of(server, scope):
    return server.home / "certificates" / scope


def port_of(server, scope):
    return int(server.addresses[scope].rsplit(":", 1)[1])


def until(condition, seconds=SECONDS_MAX):
    """Waits for what happens soon."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.05)
    return found


def events(server, action):
    lines = (server.home / "logs/audit.log").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["action"] == action]


def certificate_logins(server, identity):
    """The logins by the certificate of `identity`. Good ones are written a moment later, so ask `until` for them."""
    found = [event["details"] | event for event in events(server, "login") if event["details"].get("method") == "certificate"]
    return [event for event in found if event["fingerprint"].replace(":", "").lower() == identity.fingerprint()]


def driver(server, identity=None, auth=("neo4j", PASSWORD)):
    """The official driver, showing the certificate of `identity`."""
    options = {"max_transaction_retry_time": 0}
    if identity:
        own = ClientCertificate(certfile=identity.chain, keyfile=identity.key)
        options["client_certificate"] = ClientCertificateProviders.static(own)
    trusted = neo4j.TrustCustomCAs(str(server.authority))
    return neo4j.GraphDatabase.driver(
        f"bolt://localhost:{server.port}", auth=auth, encrypted=True, trusted_certificates=trusted, **options
    )


def run(server, text, identity=None, auth=("neo4j", PASSWORD), database="system", **parameters):
    with driver(server, identity, auth) as connected:
        return [row.data() for row in connected.execute_query(text, parameters, database_=database).records]


def refusal(server, text, **parameters):
    """The message with which a statement is refused."""
    with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
        run(server, text, **parameters)
    return caught.value.message


def set_value(server, name, value):
    run(server, "CALL dbms.setConfigValue($name, $value)", name=name, value=value)


def call_reload(server):
    [row] = run(server, "CALL dbms.security.reloadTLS()")
    return row["generation"]


def policies(server, **options):
    """The rows of SHOW TLS POLICIES with all columns, by scope."""
    return {row["scope"]: row for row in run(server, "SHOW TLS POLICIES YIELD *", **options)}


def generation(server):
    return policies(server)["bolt"]["generation"]


def context(pki, identity=None, version=None):
    made = ssl.create_default_context(cafile=str(pki.root.certificate))
    if version:
        made.minimum_version = made.maximum_version = version
    if identity:
        made.load_cert_chain(identity.chain, identity.key)
    return made


def served(server, pki, scope):
    """SHA-256 of the certificate that a new connection is shown."""
    identity = pki.taker if scope == "backup" else None
    with socket.create_connection((HOST, port_of(server, scope)), timeout=SECONDS_MAX) as plain:
        with context(pki, identity).wrap_socket(plain, server_hostname="localhost") as connection:
            return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()


def all_serve(server, pki, identity):
    return all(served(server, pki, scope) == identity.fingerprint() for scope in SCOPES)


def renewed(pki, name, **options):
    return pki.intermediate.issue(name, "serverAuth,clientAuth", SERVER_NAMES, **options)


class Query:
    """The Query API over one connection of HTTPS, which may end with a refusal."""

    def __init__(self, server, pki, identity=None):
        self.connection = http.client.HTTPSConnection(
            "localhost", port_of(server, "https"), timeout=SECONDS_MAX, context=context(pki, identity)
        )

    def ask(self, statement, auth=None, path="", more=None):
        """Status, JSON and headers of the answer."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", **(more or {})}
        if auth:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        self.connection.request("POST", f"/db/neo4j/query/v2{path}", json.dumps({"statement": statement}), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body else {}, answer.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def who_am_i(server, pki, identity=None, auth=None):
    """The user that HTTPS takes the client for, or what it says instead."""
    with Query(server, pki, identity) as query:
        status, answer, headers = query.ask("SHOW CURRENT USER YIELD user", auth)
        if status == 202:
            return answer["data"]["values"][0][0]
        assert status != 401 or headers["WWW-Authenticate"].startswith("Basic")
        return status, answer["errors"][0]["code"]


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


def assert_no_secret(server):
    """Nothing below the home but the configuration file knows the planted passwords, nor does what was printed."""
    conf = server.home / "conf/bastide.conf"
    texts = {file: file.read_bytes() for file in server.home.rglob("*") if file.is_file() and file != conf}
    texts["printed"] = server.output().encode()
    for file, text in texts.items():
        for secret in (KEY_PASSWORD, OTHER_KEY_PASSWORD, WRONG_KEY_PASSWORD, PASSWORD):
            assert secret.encode() not in text, f"{secret} is in {file}"


@contextlib.contextmanager
def put_back(server, pki):
    """Brings the first certificates and settings back afterwards."""
    try:
        yield
    finally:
        for row in run(server, "SHOW SETTINGS YIELD name WHERE name STARTS WITH 'dbms.ssl.policy.'"):
            if not row["name"].endswith((".enabled", ".private_key_password")):
                set_value(server, row["name"], "") if row["name"].split(".")[3] in SCOPES else None
        set_value(server, "dbms.ssl.policy.bolt.private_key_password", KEY_PASSWORD)
        for scope in SCOPES:
            folder = folder_of(server, scope)
            install(folder, pki.server, encrypted(pki.server, KEY_PASSWORD) if scope == "bolt" else None)
        call_reload(server)
        assert all_serve(server, pki, pki.server)


# Reloading


def by_procedure(server):
    call_reload(server)


def by_signal(server):
    server.process.send_signal(signal.SIGHUP)


def by_content(_server):
    pass


@pytest.mark.parametrize(("way", "trigger"), [(by_procedure, None), (by_signal, "SIGHUP"), (by_content, "files have changed")])
def test_every_way_of_reloading_replaces_all_channels_once_and_is_audited(way, trigger, server, pki):
    new = renewed(pki, f"renewed {way.__name__}")
    before, known = generation(server), len(events(server, "tls_policies_reloaded"))
    with put_back(server, pki):
        key = encrypted(new, KEY_PASSWORD)
        for scope in SCOPES:
            install(folder_of(server, scope), new, key if scope == "bolt" else None)
        way(server)
        until(lambda: all_serve(server, pki, new))
        # The watch looks once a second and waits for files to rest: whoever came first, it must not do it again.
        time.sleep(2.5)
        assert generation(server) == before + 1
        found = events(server, "tls_policies_reloaded")[known:]
        assert all(event["outcome"] == "success" for event in found)
        done = [event for event in found if "generation" in event["details"]]
        assert [event["details"]["generation"] for event in done] == [str(before + 1)]
        assert done[0]["details"].get("trigger") == trigger
        assert done[0].get("user") == (None if trigger else "neo4j")


@pytest.mark.parametrize("way", [by_procedure, by_signal, by_content])
def test_faults_of_several_channels_are_all_told_and_nothing_changes(way, server, pki):
    before, known = generation(server), len(events(server, "tls_policies_reloaded"))
    with put_back(server, pki):
        (folder_of(server, "bolt") / "public.crt").write_bytes(pki.server.chain.read_bytes()[:300])
        folder_of(server, "https").chmod(0o777)
        (folder_of(server, "https") / "private.key").chmod(0o644)
        note, pipe = (folder_of(server, "backup") / "trusted" / name for name in ("note.txt", "pipe"))
        note.write_text("remember the milk")
        os.mkfifo(pipe)
        try:
            if way is by_procedure:
                message = refusal(server, "CALL dbms.security.reloadTLS()")
            else:
                way(server)
                until(lambda: any(event["outcome"] == "failure" for event in events(server, "tls_policies_reloaded")[known:]))
                message = policies(server)["bolt"]["lastReloadError"]
            for wanted in ("bolt/public.crt", "certificates/https`", "https/private.key", "backup/trusted/note.txt", "backup/trusted/pipe"):
                assert wanted in message, f"{wanted} is not in: {message}"
            assert "milk" not in message
            assert all_serve(server, pki, pki.server) and generation(server) == before
            [failed] = [event for event in events(server, "tls_policies_reloaded")[known:] if event["outcome"] == "failure"]
            assert "bolt/public.crt" in failed["details"]["reason"]
            assert "bolt/public.crt" in server.output()
        finally:
            note.unlink()
            pipe.unlink()
            folder_of(server, "https").chmod(0o755)
    assert policies(server)["bolt"]["lastReloadError"] is None


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


@pytest.mark.parametrize("way", [by_procedure, by_signal])
def test_others_are_served_while_a_reload_takes_its_time(way, slow, pki):
    before = generation(slow)
    slow.hold.touch()
    reloading = threading.Thread(target=way, args=(slow,))
    try:
        reloading.start()
        time.sleep(0.3)
        for _ in range(3):
            assert run(slow, "RETURN 1 AS one", database="neo4j") == [{"one": 1}]
            assert served(slow, pki, "https") == pki.server.fingerprint()
        assert who_am_i(slow, pki, auth=("neo4j", PASSWORD)) == "neo4j"
        assert generation(slow) == before, "the reload was over before others were served"
    finally:
        slow.hold.unlink()
        reloading.join()
    until(lambda: generation(slow) == before + 1)


def test_a_command_for_a_password_that_fails_is_one_reason_among_others(slow, pki):
    secret = slow.home.parent / "password"
    secret.rename(secret.with_suffix(".away"))
    chain = folder_of(slow, "https") / "public.crt"
    chain.rename(chain.with_suffix(".away"))
    try:
        message = refusal(slow, "CALL dbms.security.reloadTLS()")
        assert "dbms.ssl.policy.bolt.private_key_password" in message and "https/public.crt" in message
    finally:
        secret.with_suffix(".away").rename(secret)
        chain.with_suffix(".away").rename(chain)
    call_reload(slow)


# Settings that can be changed


def setting(server, name):
    [row] = run(server, "SHOW SETTINGS YIELD name, value, startupValue, isDynamic WHERE name = $name", name=name)
    return row


def test_every_setting_of_a_running_policy_but_its_switch_is_dynamic(server):
    rows = run(server, "SHOW SETTINGS YIELD name, isDynamic WHERE name STARTS WITH 'dbms.ssl.policy.'")
    dynamic = {row["name"] for row in rows if row["isDynamic"]}
    suffixes = {row["name"].rsplit(".", 1)[1] for row in rows} - {"enabled"}
    assert len(suffixes) == 11
    assert dynamic == {f"dbms.ssl.policy.{scope}.{suffix}" for scope in SCOPES for suffix in suffixes}


def test_changed_values_wait_for_the_reload_and_are_then_in_force(server, pki):
    elsewhere = server.home / "elsewhere"
    new = renewed(pki, "settings")
    for name in ("anchors", "gone"):
        (elsewhere / name).mkdir(parents=True)
    shutil.copyfile(pki.root.certificate, elsewhere / "anchors/root.crt")
    install(elsewhere, new, encrypted(new, OTHER_KEY_PASSWORD))
    (elsewhere / "private.key").rename(elsewhere / "my.key")
    (elsewhere / "public.crt").rename(elsewhere / "my.crt")
    suites = "TLS_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    values = {
        "base_directory": str(elsewhere),
        "private_key": "my.key",
        "private_key_password": OTHER_KEY_PASSWORD,
        "public_certificate": "my.crt",
        "trusted_dir": "anchors",
        "revoked_dir": "gone",
        "verify_hostname": "false",
        "ciphers": suites,
        "tls_versions": "TLSv1.3,TLSv1.2",
        "client_auth": "NONE",
    }
    names = {f"dbms.ssl.policy.bolt.{suffix}": value for suffix, value in values.items()}
    before = {name: setting(server, name)["value"] for name in names}
    known = len(events(server, "setting_changed"))
    with put_back(server, pki):
        for name, value in names.items():
            set_value(server, name, value)
        assert {name: setting(server, name)["value"] for name in names} == before
        assert set(policies(server)["bolt"]["settingsWaiting"]) == set(names)
        assert policies(server)["https"]["settingsWaiting"] == []
        call_reload(server)
        rows = {name: setting(server, name) for name in names}
        shown = {name: row["value"] for name, row in rows.items()}
        hidden = names | {"dbms.ssl.policy.bolt.private_key_password": "********"}
        assert shown == hidden
        assert {name: row["startupValue"] for name, row in rows.items()} == before
        row = policies(server)["bolt"]
        assert row["settingsWaiting"] == [] and row["clientAuth"] == "NONE" and row["verifyHostname"] is False
        assert row["ciphers"] == suites.split(",") and row["revocationLists"] == 0
        assert served(server, pki, "bolt") == new.fingerprint()
        changed = [event["details"] for event in events(server, "setting_changed")[known:]]
        assert [(detail["setting"], detail["value"]) for detail in changed] == list(hidden.items())


def test_a_wrong_password_is_refused_and_the_file_alone_can_still_be_renewed(server, pki):
    """What waits stands in the way of a reload that is asked for, and not of the watch."""
    new = renewed(pki, "in spite of")
    with put_back(server, pki):
        set_value(server, "dbms.ssl.policy.bolt.private_key_password", WRONG_KEY_PASSWORD)
        message = refusal(server, "CALL dbms.security.reloadTLS()")
        assert "bolt/private.key" in message and WRONG_KEY_PASSWORD not in message
        assert policies(server)["bolt"]["settingsWaiting"] == ["dbms.ssl.policy.bolt.private_key_password"]
        install(folder_of(server, "bolt"), new, encrypted(new, KEY_PASSWORD))
        until(lambda: served(server, pki, "bolt") == new.fingerprint())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("bolt.base_directory", "a\0b", ["bolt.base_directory"]),
        ("bolt.client_auth", "SOMETIMES", ["NONE", "OPTIONAL", "REQUIRE"]),
        ("bolt.tls_versions", "TLSv1.1", ["TLSv1.2", "TLSv1.3"]),
        ("bolt.verify_hostname", "maybe", ["true", "false"]),
        ("bolt.private_key_password", "$(cat /etc/passwd)", ["command"]),
        ("bolt.enabled", "false", ["restart"]),
        ("bolt.chiphers", "A", ["did you mean", "bolt.ciphers"]),
        ("bolt.trust_all", "true", ["log in as anybody", "certificate.rules"]),
        ("backup.client_auth", "OPTIONAL", ["backups", "REQUIRE"]),
        ("cluster.client_auth", "NONE", ["not switched on"]),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_words(name, value, words, server):
    message = refusal(server, "CALL dbms.setConfigValue($name, $value)", name=f"dbms.ssl.policy.{name}", value=value)
    assert all(word in message for word in words), message
    assert all(row["settingsWaiting"] == [] for row in policies(server).values())


def test_a_list_of_ciphers_that_cannot_be_offered_is_refused_by_the_reload(server, pki):
    with put_back(server, pki):
        set_value(server, "dbms.ssl.policy.https.ciphers", "TLS_RSA_WITH_AES_128_CBC_SHA")
        message = refusal(server, "CALL dbms.security.reloadTLS()")
        assert "TLS_RSA_WITH_AES_128_CBC_SHA" in message and "TLS_AES_256_GCM_SHA384" in message


def test_only_administrators_change_settings_and_see_policies_and_what_others_try_is_audited(server):
    attempts = {
        "dbms.setConfigValue": "CALL dbms.setConfigValue('dbms.ssl.policy.bolt.ciphers', '')",
        "dbms.security.reloadTLS": "CALL dbms.security.reloadTLS()",
        "dbms.security.logTLSHandshakes": "CALL dbms.security.logTLSHandshakes('bolt', 1)",
        None: "SHOW TLS POLICIES",
    }
    for text in attempts.values():
        with pytest.raises(neo4j.exceptions.ClientError) as caught:
            run(server, text, auth=("reporting", PASSWORD))
        assert caught.value.code == "Neo.ClientError.Security.Forbidden"
    denied = lambda: [event["details"].get("attempted") for event in events(server, "permission_denied") if event["user"] == "reporting"]  # noqa: E731
    until(lambda: denied() == list(attempts))


# What is to be seen


def certificate_facts(file):
    """What `openssl x509` says."""
    options = ["-noout", "-subject", "-issuer", "-serial", "-startdate", "-enddate", "-nameopt", "RFC2253", "-dateopt", "iso_8601"]
    return dict(line.split("=", 1) for line in openssl("x509", "-in", file, *options).stdout.splitlines())


def attempt(server, pki, scope, identity=None, version=None, made=None):
    """One connection that says something and waits for an answer; whether it was served."""
    try:
        with socket.create_connection((HOST, port_of(server, scope)), timeout=SECONDS_MAX) as plain:
            with (made or context(pki, identity, version)).wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return bool(connection.recv(1))
    except OSError:
        return False


def outdated_context(pki):
    made = context(pki)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_1
    made.set_ciphers("ALL:@SECLEVEL=0")
    return made


def good_and_bad_handshakes(server, pki):
    """Two good handshakes of HTTPS and one bad one of each of six kinds; the reasons expected."""
    assert attempt(server, pki, "https", version=ssl.TLSVersion.TLSv1_2)
    assert attempt(server, pki, "https", pki.clients["good"], ssl.TLSVersion.TLSv1_3)
    bad = {
        "certificate_out_of_date": pki.clients["expired"],
        "certificate_revoked": pki.clients["revoked"],
        "wrong_usage": pki.clients["wrong usage"],
        "unknown_issuer": pki.clients["other authority"],
    }
    for identity in bad.values():
        assert not attempt(server, pki, "https", identity)
    assert not attempt(server, pki, "https", made=outdated_context(pki))
    with socket.create_connection((HOST, port_of(server, "https")), timeout=SECONDS_MAX) as plain:
        plain.sendall(b"\x16\x03\x01\x00\x05hello")
        while plain.recv(100):
            pass
    return [*bad, "no_common_version", "protocol_violation"]


def test_the_table_of_policies_agrees_with_openssl_and_with_what_happened(server, pki):
    before = policies(server)
    reasons = good_and_bad_handshakes(server, pki)
    rows = policies(server)
    assert list(rows) == sorted(SCOPES)
    facts = certificate_facts(pki.server.certificate)
    for scope, row in rows.items():
        assert row["enabled"] is True and row["trustAll"] is False
        assert row["subject"] == facts["subject"] and row["issuer"] == facts["issuer"]
        assert row["serial"].replace(":", "").lower().lstrip("0") == facts["serial"].lower().lstrip("0")
        assert row["fingerprint"].replace(":", "").lower() == pki.server.fingerprint()
        assert set(row["names"]) == {"localhost", "*.bastide.test", "127.0.0.1", "::1"}
        for column, fact in (("notBefore", "notBefore"), ("notAfter", "notAfter")):
            assert row[column].to_native() == datetime.datetime.fromisoformat(facts[fact].replace(" ", "T", 1).replace("Z", "+00:00"))
        # The root ends with the leaf's last day, or a little before.
        left = row["notAfter"].to_native() - datetime.datetime.now(datetime.timezone.utc)
        assert row["daysLeft"] in (left.days, left.days - 1)
        assert row["key"] == "EC P-256"
        assert row["clientAuth"] == ("REQUIRE" if scope == "backup" else "OPTIONAL")
        assert row["versions"] == ["TLSv1.2", "TLSv1.3"] and "TLS_AES_256_GCM_SHA384" in row["ciphers"]
        assert row["authorities"] == ["CN=Test Root"] and row["trustedLeaves"] == []
        assert row["revocationLists"] == 2 and row["revokedCertificates"] == []
        assert datetime.timedelta(hours=1) <= datetime.timedelta(seconds=row["crlAge"].seconds) < datetime.timedelta(hours=2)
        assert row["crlNextUpdate"].to_native() > datetime.datetime.now(datetime.timezone.utc)
        assert (row["stapleState"], row["stapled"], row["stapleAge"]) == ("off", False, None)
        assert row["loadedAt"].to_native() <= datetime.datetime.now(datetime.timezone.utc)
    assert [warning for warning in rows["bolt"]["warnings"] if "expires in" in warning], "it was made for 30 days"
    https, old = rows["https"], before["https"]
    assert https["handshakes"] - old["handshakes"] == 2
    made = {version: count - old["handshakesByVersion"][version] for version, count in https["handshakesByVersion"].items()}
    assert made == {"TLSv1.2": 1, "TLSv1.3": 1} and https["resumed"] == old["resumed"]
    failed = {reason: count - old["failures"].get(reason, 0) for reason, count in https["failures"].items()}
    assert {reason: count for reason, count in failed.items() if count} == dict.fromkeys(reasons, 1)
    assert rows["backup"]["failures"] == before["backup"]["failures"]
    reloaded = call_reload(server)
    after = policies(server)["https"]
    assert after["generation"] == reloaded and after["lastReloadError"] is None
    assert after["lastReload"].to_native() >= https["loadedAt"].to_native()
    assert after["handshakes"] == https["handshakes"], "counts outlive reloads"


METRIC = re.compile(r'^bastide_(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$', re.M)


def metrics(server):
    """Every figure, by its name and its labels."""
    with urllib.request.urlopen(f"http://{server.addresses['metrics']}/metrics", timeout=SECONDS_MAX) as answer:
        text = answer.read().decode()
    labels = re.compile(r'(\w+)="([^"]*)"')
    return {(match["name"], *sorted(labels.findall(match["labels"] or ""))): float(match["value"]) for match in METRIC.finditer(text)}


def test_the_metrics_agree_with_the_table(server, pki):
    before = metrics(server)
    good_and_bad_handshakes(server, pki)
    call_reload(server)
    (folder_of(server, "https") / "public.crt").rename(folder_of(server, "https") / "away.crt")
    refusal(server, "CALL dbms.security.reloadTLS()")
    (folder_of(server, "https") / "away.crt").rename(folder_of(server, "https") / "public.crt")
    # The watch may notice either change; wait until it has nothing more to do.
    time.sleep(2.5)
    with driver(server) as connected:
        rows = {row["scope"]: row.data() for row in connected.execute_query("SHOW TLS POLICIES YIELD *", database_="system").records}
        found = metrics(server)
    for scope, row in rows.items():
        label = ("scope", scope)
        assert found["tls_certificate_days_left", label] == row["daysLeft"]
        assert found["tls_trust_all", label] == 0
        for version, count in row["handshakesByVersion"].items():
            assert found["tls_handshakes_total", label, ("version", version)] == count
        failures = {key[1][1]: value for key, value in found.items() if key[0] == "tls_handshake_failures_total" and label in key}
        assert {reason: count for reason, count in failures.items() if count} == row["failures"]
    assert found["tls_generation",] == rows["bolt"]["generation"]
    assert found["tls_reloads_total",] > before["tls_reloads_total",]
    assert found["tls_reloads_failed_total",] > before["tls_reloads_failed_total",]
    assert found["tls_reloads_total",] == rows["bolt"]["generation"] - 1


def log_lines(server, start):
    return [line for line in server.output()[start:].splitlines() if "TLS handshake" in line and "for a time" not in line]


def test_handshakes_of_one_channel_are_logged_for_a_time(server, pki):
    run(server, "CALL dbms.security.logTLSHandshakes('https', 4)")
    ends = time.monotonic() + 4
    start = len(server.output())
    assert attempt(server, pki, "https", pki.clients["good"], ssl.TLSVersion.TLSv1_2)
    assert attempt(server, pki, "https", version=ssl.TLSVersion.TLSv1_3)
    assert not attempt(server, pki, "https", pki.clients["revoked"])
    run(server, "RETURN 1")
    assert time.monotonic() < ends
    until(lambda: len(log_lines(server, start)) == 3)
    old, new, refused = log_lines(server, start)
    assert "TLSv1_2" in old and "TLS_ECDHE_ECDSA" in old and "CN=good" in old
    assert "TLSv1_3" in new and re.search(r"TLS_(AES|CHACHA)", new) and re.search(r"X25519|secp256r1", new), new
    assert "revoked" in refused and "CN=revoked" in refused
    assert all("https" in line and f"{HOST}:" in line for line in (old, new, refused))
    [event] = [event for event in events(server, "handshake_log_changed")][-1:]
    assert event["user"] == "neo4j" and event["details"].items() >= {"scope": "https", "seconds": "4"}.items()
    time.sleep(max(0, ends - time.monotonic()) + 0.2)
    assert attempt(server, pki, "https")
    run(server, "CALL dbms.security.logTLSHandshakes('https', 60)")
    run(server, "CALL dbms.security.logTLSHandshakes('https', 0)")
    assert attempt(server, pki, "https")
    assert len(log_lines(server, start)) == 3
    for arguments in ("'cluster', 60", "'https', 3601", "'https', -1", "null, 60"):
        assert refusal(server, f"CALL dbms.security.logTLSHandshakes({arguments})")


def test_the_log_of_handshakes_is_written_whatever_the_level_of_the_rest(slow, pki):
    start = len(slow.output())
    run(slow, "CALL dbms.security.logTLSHandshakes('https', 60)")
    assert attempt(slow, pki, "https")
    until(lambda: log_lines(slow, start))
    run(slow, "CALL dbms.security.logTLSHandshakes('https', 0)")


# Certificates as logins


def test_a_certificate_is_the_login_on_bolt_and_on_https_as_the_rules_say(server, pki):
    for name in ("ada", "reporting"):
        identity = pki.people[name]
        known = len(certificate_logins(server, identity))
        assert run(server, "SHOW CURRENT USER YIELD user", identity, None) == [{"user": name}]
        assert who_am_i(server, pki, identity) == name
        until(lambda: len(certificate_logins(server, identity)) == known + 2)
        logins = certificate_logins(server, identity)[known:]
        assert {(event["user"], event["outcome"]) for event in logins} == {(name, "success")}
        assert all("CN=" in event["certificate"] and HOST in event["address"] for event in logins)
        assert {event["connection"].split("-")[0] for event in logins} == {"bolt", "http"}


def test_a_password_counts_before_the_certificate(server, pki):
    identity, as_both = pki.people["ada"], ("both", PASSWORD)
    by_password = lambda: [event for event in events(server, "login") if event["user"] == "both"]  # noqa: E731
    assert run(server, "SHOW CURRENT USER YIELD user", identity, as_both) == [{"user": "both"}]
    assert who_am_i(server, pki, identity, as_both) == "both"
    until(lambda: len(by_password()) == 2)
    assert {(event["outcome"], event["details"]["method"]) for event in by_password()} == {("success", "password")}
    with pytest.raises(neo4j.exceptions.AuthError):
        run(server, "RETURN 1", identity, ("both", "wrong-Password-entirely-4"))
    assert who_am_i(server, pki, identity, ("neo4j", "wrong-Password-entirely-5"))[0] == 401


@pytest.mark.parametrize(
    ("name", "reason"), [("nobody", "no rule"), ("ghost", "unknown user"), ("suspended", "suspended")]
)  # fmt: skip
def test_a_certificate_that_stands_for_nobody_is_refused_and_a_password_still_works(name, reason, server, pki):
    identity = pki.people[name]
    with pytest.raises(neo4j.exceptions.AuthError) as caught:
        run(server, "RETURN 1", identity, None)
    assert caught.value.code == "Neo.ClientError.Security.Unauthorized"
    assert name not in caught.value.message and "suspended" not in caught.value.message
    assert who_am_i(server, pki, identity) == (401, "Neo.ClientError.Security.Unauthorized")
    failed = certificate_logins(server, identity)
    assert [event["outcome"] for event in failed] == ["failure", "failure"]
    assert all(reason in event["reason"] for event in failed), failed
    assert run(server, "RETURN 1 AS one", identity) == [{"one": 1}]
    assert who_am_i(server, pki, identity, ("neo4j", PASSWORD)) == "neo4j"


def test_who_must_change_the_password_can_do_only_that_with_a_certificate_too(server, pki):
    identity = pki.people["changing"]
    with pytest.raises(neo4j.exceptions.ClientError) as caught:
        run(server, "RETURN 1", identity, None)
    assert caught.value.code == "Neo.ClientError.Security.CredentialsExpired"
    assert who_am_i(server, pki, identity)[1] == "Neo.ClientError.Security.CredentialsExpired"


def test_without_a_certificate_or_with_one_of_a_stranger_nobody_gets_in(server, pki):
    with pytest.raises(neo4j.exceptions.AuthError):
        run(server, "RETURN 1", None, None)
    assert who_am_i(server, pki)[0] == 401
    with pytest.raises(neo4j.exceptions.DriverError):
        run(server, "RETURN 1", pki.people["impostor"], None)
    with pytest.raises(OSError):
        who_am_i(server, pki, pki.people["impostor"])


def test_a_browser_does_not_lend_its_certificate_to_the_pages_of_other_sites(server, pki):
    for path in ("", "/tx"):
        for more, status in ((None, 202), ({"Origin": "https://elsewhere.test"}, 401)):
            with Query(server, pki, pki.people["ada"]) as query:
                assert query.ask("RETURN 1", path=path, more=more)[0] == status


def test_an_open_connection_stops_being_a_login_when_its_certificate_is_revoked(server, pki, tmp_path):
    """On HTTPS every request is a login, and on Bolt a session may log in again: both long after the handshake."""
    identity = pki.intermediate.issue("short-lived", names=["email:ada@people.test"])
    with Query(server, pki, identity) as query, driver(server, identity, None) as connected:
        assert query.ask("RETURN 1")[0] == 202

        def user(**auth):
            # Another user makes the driver log off and on again on the connection it has.
            with connected.session(**auth) as session:
                return session.run("SHOW CURRENT USER YIELD user").single()["user"]

        assert [user(), user(auth=("neo4j", PASSWORD)), user()] == ["ada", "neo4j", "ada"]
        for scope in ("bolt", "https"):
            shutil.copyfile(identity.certificate, folder_of(server, scope) / "revoked/short.crt")
        try:
            call_reload(server)
            status, answer, _ = query.ask("RETURN 1")
            assert status == 401 and answer["errors"][0]["code"] == "Neo.ClientError.Security.Unauthorized"
            assert user(auth=("neo4j", PASSWORD)) == "neo4j"
            with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
                user()
            assert caught.value.code == "Neo.ClientError.Security.Unauthorized"
        finally:
            for scope in ("bolt", "https"):
                (folder_of(server, scope) / "revoked/short.crt").unlink()
            call_reload(server)
    logins = certificate_logins(server, identity)
    failed = [event for event in logins if event["outcome"] == "failure"]
    good = {event["connection"] for event in logins if event["outcome"] == "success"}
    assert len(failed) == 2 and {event["connection"] for event in failed} == good, "on the same connections"
    assert all("revoked" in event["reason"] and event["user"] == "ada" for event in failed)


# Warnings


@pytest.fixture(scope="module")
def worrying(pki, tmp_path_factory):
    """Starts with everything that works and deserves a warning; session keys are asked for by the environment."""
    home = tmp_path_factory.mktemp("worrying") / "home"
    keys = KeyFiles(home.parent / "keys", "rsa")
    soon = renewed(pki, "soon", key=keys.plain, ends=moment(days=10))
    secret, certificate = home.parent / "password.enc", home / "certificates/https/public.crt"
    plain = home.parent / "plain"
    plain.write_text(KEY_PASSWORD + "\n")
    settings = {"dbms.netty.ssl.provider": "OPENSSL", "dbms.ssl.policy.bolt.trust_all": "true"}
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


WORRIES = {
    "expiry": ["CN=soon", "expires in"],
    "trust_all": ["bolt", "trust_all"],
    "PKCS#1": ["bolt/private.key", "openssl pkcs8 -topk8"],
    "recipe": ["dbms.ssl.policy.https.private_key_password", "protects nothing"],
}


def warned(text, words):
    return [line for line in text.splitlines() if " WARN " in line and all(word in line for word in words)]


@pytest.mark.parametrize("worry", WORRIES)
def test_what_deserves_a_warning_is_said_at_start_and_after_each_reload(worry, worrying):
    assert warned(worrying.output(), WORRIES[worry]), worrying.output()
    start = len(worrying.output())
    worrying.process.send_signal(signal.SIGHUP)
    until(lambda: warned(worrying.output()[start:], WORRIES[worry]), 10)
    assert "LoadCredential" in worrying.output()[start:], "what is better than the recipe is said as well"


def test_the_table_and_the_metrics_shout_of_trust_all(worrying):
    row = policies(worrying)["bolt"]
    assert row["trustAll"] is True and any("trust_all" in warning for warning in row["warnings"])
    assert row["daysLeft"] in (9, 10) and any("expires in" in warning for warning in row["warnings"])


def test_the_choice_of_a_provider_is_taken_with_a_note(worrying):
    assert warned(worrying.output(), ["dbms.netty.ssl.provider", "no effect"])


def test_no_session_key_is_written_whatever_the_environment_says(worrying, pki):
    run(worrying, "RETURN 1")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert attempt(worrying, pki, "https", version=version)
    assert not worrying.keys_file.exists()


def test_under_trust_all_nobody_ever_logs_in_by_a_certificate(worrying, pki):
    """There the rules stop the start; and without them `none` is no way in."""
    with pytest.raises(neo4j.exceptions.AuthError):
        run(worrying, "RETURN 1", pki.people["ada"], None)
    assert who_am_i(worrying, pki, pki.people["ada"])[0] == 401


# Faults that stop the start


def test_every_fault_of_the_connectors_is_in_one_report(pki, tmp_path):
    home = tmp_path / "home"
    settings = {
        "server.backup.enabled": "true",
        "server.backup.listen_address": "0.0.0.0:0",
        "dbms.ssl.policy.backup.client_auth": "OPTIONAL",
        "dbms.ssl.policy.backup.trust_all": "true",
        "server.bolt.listen_address": "0.0.0.0:0",
        "server.bolt.tls_level": "OPTIONAL",
        "dbms.security.authentication.certificate.rules": RULES,
        "server.http.enabled": "true",
        "server.http.listen_address": "0.0.0.0:0",
        "server.metrics.prometheus.enabled": "true",
        "server.metrics.prometheus.endpoint": "0.0.0.0:0",
        "dbms.ssl.policy.https.enabled": "false",
        "dbms.ssl.policy.cluster.client_auth": "NONE",
        "dbms.security.auth_enabled": "false",
    }
    for scope in ("bolt", "backup"):
        settings |= lay_out(home, scope, pki.server)
    settings["dbms.ssl.policy.bolt.trust_all"] = "true"
    server = Server(home, settings, set_password=False)
    try:
        code, output = server.fails_to_start()
    finally:
        server.close()
    assert code == CONFIGURATION_REFUSED, output
    for name, words in {
        "dbms.ssl.policy.backup.client_auth": "without a certificate take backups",
        "dbms.ssl.policy.backup.trust_all": "take backups",
        "server.bolt.tls_level": "passwords in clear",
        "dbms.ssl.policy.bolt.trust_all": "log in as anybody",
        "server.http.enabled": "plain HTTP",
        "server.metrics.prometheus.endpoint": "to other machines",
        "dbms.ssl.policy.https.enabled": "server.https.enabled",
        "dbms.ssl.policy.cluster.client_auth": "not switched on",
        "dbms.security.auth_enabled": "other machines",
    }.items():
        assert any(name in line and words in line for line in output.replace("\n    ", " ").splitlines()), f"{name}: {output}"


def test_the_backup_channel_does_not_start_without_a_policy_of_its_own(tmp_path):
    server = Server(tmp_path / "home", {"server.backup.enabled": "true"}, set_password=False)
    try:
        code, output = server.fails_to_start()
    finally:
        server.close()
    assert code == CONFIGURATION_REFUSED and "dbms.ssl.policy.backup.enabled=true" in output


def test_rules_that_cannot_be_read_stop_the_start_and_say_where(pki, tmp_path):
    home = tmp_path / "home"
    settings = {"dbms.security.authentication.certificate.rules": "cn:ada=ada;mail:*=x"} | lay_out(home, "bolt", pki.server)
    server = Server(home, settings | {"server.https.enabled": "false"}, set_password=False)
    try:
        code, output = server.fails_to_start()
    finally:
        server.close()
    assert code == CONFIGURATION_REFUSED and "no kind `mail`" in output and "at character 12" in output
