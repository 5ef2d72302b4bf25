"""OCSP stapling: what clients are shown when the responder says good, says revoked, lies, or is silent.

Owns a responder made of `openssl ocsp`; knows nothing of how answers are fetched.
"""

import contextlib
import dataclasses
import random
import re
import socket
import subprocess
import time

import pytest
from scopes import lay_out, policy
from tls_clients import SERVED, Case, ask_with_s_client

from harness import Server
from harness import pki as certificates

STAPLED_SECONDS_MAX = 20
VERSIONS = ("1.2", "1.3")


class Responder:
    """`openssl ocsp` for one authority on a port of loopback; `index` instead of what the authority has issued."""

    def __init__(self, authority, signer, port, index=None):
        self.authority, self.signer, self.port, self.process = authority, signer, port, None
        self.index = index or authority.folder / "index.txt"

    def __enter__(self):
        command = ["openssl", "ocsp", "-index", self.index, "-CA", self.authority.certificate]
        command += ["-rsigner", self.signer.certificate, "-rkey", self.signer.key, "-port", self.port, "-nmin", "60", "-ignore_err"]
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        # It says so when it listens; a connection to find out would be all that it ever serves, since it waits for its request.
        said = self.process.stdout.readline()
        assert said.startswith(b"ACCEPT"), f"openssl ocsp does not listen: {said}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def free_port():
    """A port that nothing else will be given by chance until the responder listens: below those that the system gives out."""
    while True:
        port = random.randrange(20_000, 30_000)
        # The responder listens on every address.
        with socket.socket(socket.AF_INET6) as probe, contextlib.suppress(OSError):
            probe.bind(("::", port))
            return port


class Scene:
    """A root, an authority under it, a signer of OCSP answers, and a server's certificate that names the responder."""

    def __init__(self, folder, extra=()):
        self.root = certificates.Authority(folder / "root", "OCSP Root")
        self.authority = certificates.Authority(folder / "authority", "OCSP Intermediate", self.root)
        self.authorities = folder / "authorities.crt"
        self.authorities.write_bytes(self.root.certificate.read_bytes() + self.authority.certificate.read_bytes())
        self.stranger = certificates.Authority(folder / "stranger", "OCSP Stranger")
        self.port = free_port()
        where = f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{self.port}"
        self.server = self.authority.issue("stapled", "serverAuth", certificates.SERVER_NAMES, extra=[where, *extra])
        self.signer = self.authority.issue("signer", "OCSPSigning", extra=["noCheck=ignored"])

    def responder(self, signer=None):
        return Responder(self.authority, signer or self.signer, self.port)

    def revoke(self):
        certificates.openssl("ca", "-config", self.authority.folder / "ca.cnf", "-revoke", self.server.certificate)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.fixture
def start():
    """Starts a server that staples on Bolt and HTTPS; there is one setting for both."""
    made = []

    def make(scene, identity=None, trusted=()):
        server = Server(set_password=False, settings={"server.https.enabled": "true", "server.bolt.ocsp_stapling_enabled": "true"})
        made.append(server)
        for channel in ("bolt", "https"):
            lay_out(server.home, channel, identity or scene.server, trusted)
            server.settings |= policy(channel, client_auth="NONE")
        return server.start()

    yield make
    for server in made:
        server.close()


def staple(server, scene, version="1.3", channel="bolt"):
    """What a client that asks for it is shown: `None`, or the status of the certificate."""
    port = server.addresses[channel].rsplit(":", 1)[1]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-status"]
    command += ["-CAfile", str(scene.authorities), "-verify_return_error", f"-tls{version.replace('.', '_')}"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30)
    assert "Verify return code: 0" in done.stdout, done.stdout + done.stderr
    if "OCSP response: no response sent" in done.stdout:
        return None
    assert "OCSP Response Status: successful" in done.stdout
    return re.search(r"Cert Status: (\w+)", done.stdout).group(1)


def until_stapled(server, scene, wanted="good"):
    deadline = time.monotonic() + STAPLED_SECONDS_MAX
    while (found := staple(server, scene)) != wanted:
        assert time.monotonic() < deadline, f"{found} instead of {wanted}: {server.output()[-2000:]}"
        time.sleep(0.2)


def until_logged(server, *words):
    """Waits for a line of the log that is more than information and holds all words."""
    deadline = time.monotonic() + STAPLED_SECONDS_MAX
    while True:
        lines = [line for line in server.output().splitlines() if "WARN" in line or "ERROR" in line]
        if any(all(word in line for word in words) for line in lines):
            return
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.2)


def is_served(server, scene):
    return ask_with_s_client(Case("ocsp", "bolt", server.port, "1.3", None, scene.root.certificate))[0] == SERVED


def test_a_good_answer_is_stapled_in_both_versions_on_both_channels(scene, start):
    with scene.responder():
        server = start(scene)
        until_stapled(server, scene)
        assert {staple(server, scene, version, channel) for version in VERSIONS for channel in ("bolt", "https")} == {"good"}


def test_nothing_is_stapled_unless_it_is_switched_on(scene, pki):
    server = Server(set_password=False, settings={"server.https.enabled": "false"})
    lay_out(server.home, "bolt", scene.server)
    server.settings |= policy("bolt", client_auth="NONE")
    with scene.responder(), server:
        time.sleep(1)
        assert staple(server, scene) is None


def leaf_alone(scene):
    """The server's certificate without that of its issuer."""
    return dataclasses.replace(scene.server, chain=scene.server.certificate)


def test_the_issuer_may_lie_among_the_trusted_certificates(scene, start):
    with scene.responder():
        server = start(scene, leaf_alone(scene), [scene.authority.certificate])
        until_stapled(server, scene)


def test_a_missing_issuer_is_told_with_what_to_do(scene, start):
    with scene.responder():
        server = start(scene, leaf_alone(scene))
        until_logged(server, "cannot be stapled", "OCSP Intermediate", "append it to the file")


def test_an_answer_of_the_authority_itself_is_stapled(scene, start):
    authority = certificates.Identity("authority", scene.authority.key, scene.authority.certificate, scene.authority.certificate)
    with scene.responder(authority):
        until_stapled(start(scene), scene)


def test_the_last_good_answer_outlives_the_responder(scene, start):
    with scene.responder():
        server = start(scene)
        until_stapled(server, scene)
    assert {staple(server, scene, version) for version in VERSIONS} == {"good"}


def test_a_responder_that_is_down_is_told_and_harms_nobody(scene, start):
    server = start(scene)
    until_logged(server, "no OCSP response", "cannot connect", str(scene.port))
    assert staple(server, scene) is None
    assert is_served(server, scene)


def test_revocation_is_told_loudly(scene, start):
    scene.revoke()
    with scene.responder():
        server = start(scene)
        until_logged(server, "ERROR", "THIS CHANNEL WAS REVOKED")
        assert staple(server, scene) is None


WRONG_SIGNERS = {"stranger": "not good for OCSP under this issuer", "no usage": "not good for OCSP under this issuer"}
"""Who signs, and what the log says of it."""


@pytest.mark.parametrize("signer", WRONG_SIGNERS)
def test_an_answer_signed_by_a_wrong_key_is_not_stapled(signer, scene, start):
    wrong = {
        "stranger": lambda: scene.stranger.issue("stranger", "OCSPSigning"),
        "no usage": lambda: scene.authority.issue("clerk", "clientAuth"),
    }[signer]()
    with scene.responder(wrong):
        server = start(scene)
        until_logged(server, "no OCSP response", WRONG_SIGNERS[signer])
        assert staple(server, scene) is None
        assert is_served(server, scene)


def test_an_answer_about_another_certificate_is_not_stapled(tmp_path, start):
    """The responder is another authority's, and knows nothing of ours."""
    scene, other = Scene(tmp_path / "one"), Scene(tmp_path / "two")
    with Responder(other.authority, other.signer, scene.port):
        server = start(scene)
        until_logged(server, "no OCSP response")
        assert staple(server, scene) is None


def test_an_answer_that_the_certificate_is_unknown_is_not_stapled(scene, start, tmp_path):
    index = tmp_path / "nothing-issued.txt"
    index.touch()
    with Responder(scene.authority, scene.signer, scene.port, index):
        server = start(scene)
        until_logged(server, "does not know the certificate")
        assert staple(server, scene) is None


def test_garbage_instead_of_an_answer_is_told_and_harms_nobody(scene, start):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", scene.port))
        listener.listen(64)
        listener.settimeout(STAPLED_SECONDS_MAX)
        server = start(scene)
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 200_000)
        until_logged(server, "no OCSP response", "the answer is longer")
        assert staple(server, scene) is None
        assert is_served(server, scene)


def test_a_must_staple_certificate_without_an_answer_is_told_loudly(tmp_path, start):
    scene = Scene(tmp_path, extra=["tlsfeature=status_request"])
    with scene.responder():
        server = start(scene)
        until_stapled(server, scene)
    server.close()
    server = start(scene)
    until_logged(server, "must", "staple")
