"""Renewing certificates on a running server: by procedure, by signal and by watching files; all scopes or none.

Owns black-box checks of what new and old connections see; knows nothing of how files are watched.
"""

import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

import neo4j
import pytest
from neo4j.auth_management import ClientCertificate, ClientCertificateProviders
from scopes import lay_out, place_key, policy
from tls_clients import BOLT, REFUSED, SERVED, Case, ask_with_python, ask_with_s_client, python_context, read_answer, s_client_command

from harness import PASSWORD, Server
from harness import pki as certificates

CHANNELS = ("bolt", "https")
VERSIONS = ("1.2", "1.3")
NOTICED_SECONDS_MAX = 40
OTHER_PASSWORD = "Mellow-Tangent-Orbit-19"


def port_of(server, channel):
    return int(server.addresses[channel].rsplit(":", 1)[1])


def folder_of(server, channel):
    return server.home / "certificates" / channel


@pytest.fixture
def start(pki):
    """Starts servers with both channels on the same certificate; clients may show one."""
    made = []

    def make(trusted=(), revoked=(), client_auth="OPTIONAL", settings=None, run=True):
        server = Server(set_password=False, settings={"server.https.enabled": "true", **(settings or {})})
        made.append(server)
        for channel in CHANNELS:
            lay_out(server.home, channel, pki.server, trusted or [pki.root.certificate], revoked)
            server.settings |= policy(channel, client_auth=client_auth)
        server.authority = pki.root.certificate
        server.admin("dbms", "set-initial-password", PASSWORD)
        return server.start() if run else server

    yield make
    for server in made:
        server.close()


def renewed(pki, name="renewed"):
    """A new key and certificate for the same names."""
    return pki.intermediate.issue(name, "serverAuth,clientAuth", certificates.SERVER_NAMES)


def replace(server, identity, channels=CHANNELS):
    """Overwrites key and chain, each in one step."""
    for channel in channels:
        folder = folder_of(server, channel)
        place_key(identity.key, folder / "new.key")
        shutil.copyfile(identity.chain, folder / "new.crt")
        (folder / "new.key").rename(folder / "private.key")
        (folder / "new.crt").rename(folder / "public.crt")


def served_certificate(server, channel, pki):
    """SHA-256 of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(pki.root.certificate))
    with socket.create_connection(("127.0.0.1", port_of(server, channel)), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()


def all_serve(server, pki, identity):
    return all(served_certificate(server, channel, pki) == identity.fingerprint() for channel in CHANNELS)


def until_all_serve(server, pki, identity):
    deadline = time.monotonic() + NOTICED_SECONDS_MAX
    while not all_serve(server, pki, identity):
        assert time.monotonic() < deadline, f"not noticed in {NOTICED_SECONDS_MAX} s: {server.output()[-2000:]}"
        time.sleep(0.2)


def call_reload(server, user="neo4j", password=PASSWORD, identity=None):
    """Reloads by the procedure; `identity` where the server demands a client certificate."""
    options = {}
    if identity:
        own = ClientCertificate(certfile=identity.chain, keyfile=identity.key)
        options["client_certificate"] = ClientCertificateProviders.static(own)
    with server.driver(user, password, **options) as driver:
        return [row.data() for row in driver.execute_query("CALL dbms.security.reloadTLS()", database_="system").records]


def refused_reload(server):
    """The message with which a reload is refused."""
    with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
        call_reload(server)
    return caught.value.message


def packed(value):
    """PackStream of what the messages below hold."""
    if isinstance(value, dict):
        return bytes([0xA0 + len(value)]) + b"".join(packed(name) + packed(item) for name, item in value.items())
    if isinstance(value, int):
        return value.to_bytes(1, "big", signed=True)
    return b"\xd0" + bytes([len(value)]) + value.encode()


def message(tag, *fields):
    """A message of Bolt in one chunk."""
    body = bytes([0xB0 + len(fields), tag]) + b"".join(map(packed, fields))
    return len(body).to_bytes(2, "big") + body + b"\x00\x00"


class Held:
    """An `openssl s_client` that is connected to Bolt and has said nothing yet."""

    def __init__(self, server, pki, version):
        case = Case("held", "bolt", server.port, version, None, pki.root.certificate)
        command = [part for part in s_client_command(case) if part != "-quiet"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([*command, "-brief", "-ign_eof"], **{**pipes, "stderr": subprocess.PIPE})
        self.unread = b""
        said = b""
        while b"Verification: OK" not in said:
            piece = os.read(self.process.stderr.fileno(), 4096)
            assert piece, said
            said += piece

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def speaks_bolt(self):
        question, enough = BOLT
        self.say(question)
        return len(read_answer(self.process.stdout, enough)) >= enough

    def log_in(self):
        """Greets and logs in, since those who do not are given up after a while."""
        assert self.speaks_bolt()
        agent = "s_client/1.0"
        self.say(message(0x01, {"user_agent": agent, "bolt_agent": {"product": agent}}))
        assert self.is_success()
        self.say(message(0x6A, {"scheme": "basic", "principal": "neo4j", "credentials": PASSWORD}))
        assert self.is_success()

    def answers(self, text):
        """Whether a statement is run; what it returns is thrown away."""
        self.say(message(0x10, text, {}, {}) + message(0x2F, {"n": -1}))
        return self.is_success() and self.is_success()

    def is_success(self):
        """Whether the next message says so."""
        head = self.taken(2)
        return self.taken(int.from_bytes(head, "big") + 2)[:2] == bytes([0xB1, 0x70])

    def taken(self, count):
        if len(self.unread) < count:
            self.unread += read_answer(self.process.stdout, count - len(self.unread))
        assert len(self.unread) >= count, "the server closed"
        piece, self.unread = self.unread[:count], self.unread[count:]
        return piece

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_procedure_serves_new_connections_the_new_certificate_and_lets_old_ones_live(version, start, pki):
    server, new = start(), renewed(pki)
    assert all_serve(server, pki, pki.server)
    held = Held(server, pki, version)
    try:
        with server.driver() as driver, driver.session() as session:
            assert session.run("RETURN 1 AS one").single()["one"] == 1
            replace(server, new)
            call_reload(server)
            assert all_serve(server, pki, new)
            assert session.run("RETURN 2 AS two").single()["two"] == 2
        assert held.speaks_bolt()
    finally:
        held.close()


def test_a_signal_reloads(start, pki):
    server, new = start(), renewed(pki)
    replace(server, new)
    server.process.send_signal(signal.SIGHUP)
    until_all_serve(server, pki, new)
    assert server.process.poll() is None


def test_replaced_files_are_noticed(start, pki):
    server, new = start(), renewed(pki)
    replace(server, new)
    until_all_serve(server, pki, new)


def test_files_overwritten_in_place_with_the_same_size_and_time_are_noticed_by_content(start, pki):
    server, new = start(), renewed(pki, "nerewed")
    for channel in CHANNELS:
        for name, source in (("private.key", new.key), ("public.crt", new.chain)):
            file = folder_of(server, channel) / name
            before = file.stat()
            file.chmod(0o600)
            with open(file, "r+b") as handle:
                handle.write(source.read_bytes())
                handle.truncate()
            file.chmod(0o400 if name == "private.key" else 0o644)
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    until_all_serve(server, pki, new)


def kubernetes_mount(folder, generation, files):
    """Publishes files as the kubelet does: a new hidden folder, and `..data` renamed onto it in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / f"..2026_11_21_{generation}"
    data.mkdir()
    for name, source in files.items():
        if name.endswith(".key"):
            place_key(source, data / name)
        else:
            shutil.copyfile(source, data / name)
        if not (folder / name).is_symlink():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(f"..data/{name}")
    link = folder / "..data_tmp"
    link.symlink_to(data.name)
    link.rename(folder / "..data")
    for old in folder.glob("..2026*"):
        if old != data:
            shutil.rmtree(old)


def test_the_symlink_swap_of_kubernetes_is_noticed_for_keys_and_for_trust(start, pki):
    server, new = start(client_auth="REQUIRE", run=False), renewed(pki)
    for channel in CHANNELS:
        shutil.rmtree(folder_of(server, channel) / "trusted")
        kubernetes_mount(folder_of(server, channel), 1, {"private.key": pki.server.key, "public.crt": pki.server.chain})
        kubernetes_mount(folder_of(server, channel) / "trusted", 1, {"ca.crt": pki.root.certificate})
    server.start()
    case = Case("client", "bolt", server.port, "1.3", pki.clients["good"], pki.root.certificate)
    stranger = Case("stranger", "bolt", server.port, "1.3", pki.clients["other authority"], pki.root.certificate)
    assert (ask_with_python(case)[0], ask_with_python(stranger)[0]) == (SERVED, REFUSED)
    for channel in CHANNELS:
        kubernetes_mount(folder_of(server, channel), 2, {"private.key": new.key, "public.crt": new.chain})
        kubernetes_mount(folder_of(server, channel) / "trusted", 2, {"ca.crt": pki.stranger.certificate})
    until_all_serve(server, pki, new)
    assert (ask_with_python(case)[0], ask_with_python(stranger)[0]) == (REFUSED, SERVED)


def test_one_bad_scope_keeps_all_the_old_ones_and_every_reason_is_told(start, pki):
    server, new = start(), renewed(pki)
    replace(server, new)
    (folder_of(server, "https") / "public.crt").write_text("nothing\n")
    (folder_of(server, "https") / "trusted/junk.crt").write_text("junk\n")
    message = refused_reload(server)
    assert str(folder_of(server, "https") / "public.crt") in message and "junk.crt" in message
    assert all_serve(server, pki, pki.server)
    assert server.query("RETURN 1 AS one") == [{"one": 1}]
    shutil.copyfile(new.chain, folder_of(server, "https") / "public.crt")
    (folder_of(server, "https") / "trusted/junk.crt").unlink()
    call_reload(server)
    assert all_serve(server, pki, new)


@pytest.mark.parametrize("fault", ["expired", "key of another", "key readable by all", "gone", "half written"])
def test_a_faulty_renewal_changes_nothing_but_the_log(fault, start, pki):
    server, new = start(), renewed(pki)
    folder = folder_of(server, "bolt")
    if fault == "expired":
        late = pki.intermediate.issue(
            "late", "serverAuth", certificates.SERVER_NAMES, starts=certificates.moment(days=-9), ends=certificates.moment(days=-1)
        )
        replace(server, late, ["bolt"])
    elif fault == "key of another":
        place_key(new.key, folder / "private.key")
    elif fault == "key readable by all":
        replace(server, new, ["bolt"])
        (folder / "private.key").chmod(0o644)
    elif fault == "gone":
        (folder / "public.crt").unlink()
    else:
        (folder / "public.crt").write_bytes(new.chain.read_bytes()[:300])
    assert str(folder) in refused_reload(server)
    assert all_serve(server, pki, pki.server)
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert all_serve(server, pki, pki.server)
    errors = [line for line in server.output().splitlines() if "ERROR" in line and "old ones" in line]
    assert errors, server.output()
    assert str(folder) in server.output()


def test_only_administrators_reload_and_every_attempt_is_audited(start, pki):
    server, new = start(), renewed(pki)
    with server.driver() as driver:
        driver.execute_query("CREATE USER jane SET PASSWORD $p CHANGE NOT REQUIRED", p=OTHER_PASSWORD, database_="system")
    replace(server, new)
    with pytest.raises(neo4j.exceptions.ClientError) as caught:
        call_reload(server, "jane", OTHER_PASSWORD)
    assert caught.value.code == "Neo.ClientError.Security.Forbidden"
    assert all_serve(server, pki, pki.server)
    call_reload(server)
    assert all_serve(server, pki, new)
    audit = (server.home / "logs/audit.log").read_text()
    attempts = [line for line in audit.splitlines() if "tls" in line.lower() and "reload" in line.lower()]
    assert any("jane" in line for line in attempts), audit[-3000:]
    assert any("neo4j" in line for line in attempts), audit[-3000:]


def test_without_the_setting_nothing_is_reloaded(start, pki):
    server, new = start(settings={"dbms.security.tls_reload_enabled": "false"}), renewed(pki)
    replace(server, new)
    assert "dbms.security.tls_reload_enabled" in refused_reload(server)
    server.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert server.process.poll() is None
    assert all_serve(server, pki, pki.server)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_revoked_by_a_reload_cannot_come_back_by_resuming(version, start, pki, tmp_path):
    """First without the reload, to show that resumption is there to be abused at all."""
    before = pki.intermediate.revocation_list(tmp_path / "before.crl", [pki.clients["revoked"]], number=1)
    server = start(revoked=[before, pki.root_list], client_auth="REQUIRE")
    victim, administrator = pki.clients["good"], pki.intermediate.issue("administrator")
    case = Case("victim", "bolt", server.port, version, victim, pki.root.certificate)
    session = tmp_path / "session.pem"
    assert ask_with_s_client(case, "-sess_out", session)[0] == SERVED
    wait_for_file(session)
    assert resumes(case, session)
    context = python_context(case)
    assert (met := ask_with_python(case, context=context))[0] == SERVED
    again = ask_with_python(case, session=met[1].session, context=context)
    assert again[0] == SERVED and again[1].resumed
    for channel in CHANNELS:
        after = pki.intermediate.revocation_list(
            folder_of(server, channel) / "revoked/after.crl", [victim], number=2, starts=certificates.moment(minutes=-1)
        )
        assert after.exists()
    call_reload(server, identity=administrator)
    assert ask_with_s_client(case)[0] == REFUSED
    assert ask_with_s_client(case, "-sess_in", session)[0] == REFUSED
    assert ask_with_python(case, session=met[1].session, context=context)[0] == REFUSED
    assert ask_with_python(case, session=again[1].session, context=context)[0] == REFUSED


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_session_of_a_good_client_is_met_with_a_whole_handshake_after_a_reload(version, start, pki):
    server = start(client_auth="REQUIRE")
    case = Case("good", "bolt", server.port, version, pki.clients["good"], pki.root.certificate)
    context = python_context(case)
    first = ask_with_python(case, context=context)[1]
    assert ask_with_python(case, session=first.session, context=context)[1].resumed
    replace(server, renewed(pki))
    call_reload(server, identity=case.identity)
    outcome, met = ask_with_python(case, session=first.session, context=context)
    assert outcome == SERVED and not met.resumed


def wait_for_file(path):
    """`s_client` writes a session when it arrives, which may be after the answer."""
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def resumes(case, session):
    """Whether `s_client` comes back with its session, and is served."""
    command = [part for part in s_client_command(case, "-sess_in", session) if part != "-quiet"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30)
    return "Reused, TLSv" in done.stdout


def test_resumption_works_within_one_state(start, pki, tmp_path):
    server = start()
    for version in VERSIONS:
        case = Case("resuming", "bolt", server.port, version, None, pki.root.certificate)
        context = python_context(case)
        first = ask_with_python(case, context=context)[1]
        assert ask_with_python(case, session=first.session, context=context)[1].resumed


def system(server, text, identity=None, **parameters):
    """Runs a statement of the administrator on `system`; `identity` where the server demands a client certificate."""
    options = {}
    if identity:
        own = ClientCertificate(certfile=identity.chain, keyfile=identity.key)
        options["client_certificate"] = ClientCertificateProviders.static(own)
    with server.driver(**options) as driver:
        return [row.data() for row in driver.execute_query(text, parameters, database_="system").records]


def test_a_policy_changes_without_a_restart(start, pki):
    server = start(client_auth="OPTIONAL")
    nobody = Case("nobody", "bolt", server.port, "1.3", None, pki.root.certificate)
    assert ask_with_s_client(nobody)[0] == SERVED
    system(server, "CALL dbms.setConfigValue('dbms.ssl.policy.bolt.client_auth', 'REQUIRE')")
    system(server, "CALL dbms.setConfigValue('dbms.ssl.policy.bolt.tls_versions', 'TLSv1.3')")
    call_reload(server)
    assert ask_with_s_client(nobody)[0] == REFUSED
    good = Case("good", "bolt", server.port, "1.3", pki.clients["good"], pki.root.certificate)
    assert ask_with_s_client(good)[0] == SERVED
    old = Case("old", "bolt", server.port, "1.2", pki.clients["good"], pki.root.certificate)
    assert ask_with_s_client(old)[0] == REFUSED
    other = Case("https", "https", port_of(server, "https"), "1.2", None, pki.root.certificate)
    assert ask_with_s_client(other)[0] == SERVED, "the other scope keeps its policy"
    found = system(server, "SHOW TLS POLICIES YIELD scope, clientAuth", identity=pki.clients["good"])
    assert {row["scope"]: row["clientAuth"] for row in found}.items() >= {"bolt": "REQUIRE", "https": "OPTIONAL"}.items()


def test_a_policy_that_cannot_be_is_refused_and_the_old_one_stays(start, pki):
    server = start()
    with pytest.raises(neo4j.exceptions.Neo4jError):
        system(server, "CALL dbms.setConfigValue('dbms.ssl.policy.bolt.client_auth', 'SOMETIMES')")
    system(server, "CALL dbms.setConfigValue('dbms.ssl.policy.bolt.public_certificate', 'elsewhere.crt')")
    assert "elsewhere.crt" in refused_reload(server)
    assert all_serve(server, pki, pki.server)


def test_certificates_may_be_renewed_in_another_folder(start, pki):
    server, new = start(), renewed(pki)
    for channel in CHANNELS:
        lay_out(server.home, f"{channel}-new", new, [pki.root.certificate])
        system(server, f"CALL dbms.setConfigValue('dbms.ssl.policy.{channel}.base_directory', 'certificates/{channel}-new')")
    assert all_serve(server, pki, pki.server), "until the reload"
    call_reload(server)
    assert all_serve(server, pki, new)
