"""Private keys in every form that `openssl` writes: which start the server, and what the others are told.

Owns black-box checks of key files and their passwords; knows nothing of how keys are read.
"""

import os
import pty
import re
import shlex
import subprocess

import pytest
from scopes import place_key
from tls_clients import SERVED, Case, ask_with_s_client

from harness import pki as certificates

KINDS = ("rsa", "p256", "p384", "p521", "ed25519")
PASSWORD = certificates.KeyFiles.PASSWORD
OTHER_PASSWORD = "Granite-Meadow-42"


@pytest.fixture(scope="module")
def keys(tmp_path_factory, pki):
    """For each kind of key all its forms, and a certificate for it."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for kind in KINDS:
        files = certificates.KeyFiles(folder, kind)
        made[kind] = files, pki.intermediate.issue(f"server-{kind}", "serverAuth", certificates.SERVER_NAMES, key=files.plain)
    return made


def is_served(server, pki, version="1.3"):
    """Whether a client that verifies the certificate gets an answer."""
    outcome, said = ask_with_s_client(Case("key", "bolt", server.port, version, None, pki.root.certificate))
    return outcome == SERVED or said


def refusal(server, *arguments):
    """What a server says that does not start; it must be a fault of the configuration, not a crash."""
    code, output = server.fails_to_start(*arguments)
    assert code not in (0, 101) and code > 0, (code, output)
    assert "panicked" not in output
    assert PASSWORD not in output and OTHER_PASSWORD not in output
    return output


def run_as_told(output, answers, folder):
    """Runs the first `openssl` command that a message holds, answering its prompts; returns the file that it wrote."""
    command = re.search(r"`(openssl [^`]+)`", output)
    assert command, output
    words = shlex.split(command.group(1))
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvp(words[0], words)
    said, answers = b"", list(answers)
    while True:
        try:
            piece = os.read(terminal, 1024)
        except OSError:
            break
        if not piece:
            break
        said += piece
        if said.rstrip().endswith(b":") and answers:
            os.write(terminal, answers.pop(0).encode() + b"\n")
            said = b""
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, (words, said)
    return folder / words[words.index("-out") + 1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_plain_pkcs8_keys_of_every_kind_serve(kind, version, keys, pki, bolt_server):
    files, identity = keys[kind]
    with bolt_server(identity) as server:
        assert is_served(server, pki, version) is True
        assert "deprecat" not in server.output()


@pytest.mark.parametrize("kind", ["rsa", "p256"])
@pytest.mark.parametrize(("cipher", "prf"), certificates.ENCRYPTIONS)
def test_every_documented_encryption_of_keys_is_read(kind, cipher, prf, keys, pki, bolt_server):
    files, identity = keys[kind]
    with bolt_server(identity, files.encrypted(cipher, prf), private_key_password=PASSWORD) as server:
        assert is_served(server, pki) is True
        assert PASSWORD not in server.output()


@pytest.mark.parametrize("kind", ["p384", "p521", "ed25519"])
def test_encrypted_keys_of_the_other_kinds_are_read(kind, keys, pki, bolt_server):
    files, identity = keys[kind]
    key = files.encrypted("aes-256-cbc", "hmacWithSHA512")
    with bolt_server(identity, key, private_key_password=PASSWORD) as server:
        assert is_served(server, pki) is True


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_wrong_password_stops_the_start(kind, keys, bolt_server):
    files, identity = keys[kind]
    key = files.encrypted("aes-256-cbc", "hmacWithSHA256")
    output = refusal(bolt_server(identity, key, private_key_password=OTHER_PASSWORD))
    assert "private.key" in output and "password" in output


def test_a_missing_password_stops_the_start_and_names_the_setting(keys, bolt_server):
    files, identity = keys["p256"]
    output = refusal(bolt_server(identity, files.encrypted("aes-256-cbc", "hmacWithSHA256")))
    assert "private.key" in output and "private_key_password" in output


def test_the_password_may_come_from_a_command(keys, pki, bolt_server, tmp_path):
    files, identity = keys["p256"]
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o400)
    key = files.encrypted("aes-256-cbc", "hmacWithSHA256")
    server = bolt_server(identity, key, private_key_password=f"$(cat {secret})")
    server.start("--expand-commands")
    assert is_served(server, pki) is True


def test_the_manuals_own_recipe_for_the_password_works_and_is_warned_of(keys, pki, bolt_server, tmp_path):
    files, identity = keys["rsa"]
    key = files.encrypted("aes-256-cbc", "hmacWithSHA512")
    certificate, plain, secret = tmp_path / "certificate.crt", tmp_path / "passwordfile", tmp_path / "password.enc"
    certificate.write_bytes(identity.certificate.read_bytes())
    plain.write_text(PASSWORD + "\n")
    recipe = f"base64 -w 0 {certificate} | openssl aes-256-cbc -a -salt -in {plain} -out {secret} -pass stdin"
    subprocess.run(["bash", "-c", recipe], check=True, capture_output=True)
    secret.chmod(0o400)
    command = f"base64 -w 0 {certificate} | openssl aes-256-cbc -a -d -in {secret} -pass stdin"
    server = bolt_server(identity, key, private_key_password=f"$({command})")
    server.start("--expand-commands")
    assert is_served(server, pki) is True
    warning = [line for line in server.output().splitlines() if "WARN" in line and "private_key_password" in line]
    assert warning, server.output()


@pytest.mark.parametrize(("kind", "name"), [("rsa", "PKCS#1"), ("p256", "SEC1"), ("p384", "SEC1"), ("p521", "SEC1")])
def test_traditional_keys_serve_with_a_warning(kind, name, keys, pki, bolt_server):
    files, identity = keys[kind]
    with bolt_server(identity, files.traditional()) as server:
        assert is_served(server, pki) is True
        warnings = [line for line in server.output().splitlines() if "WARN" in line and "private.key" in line]
        assert warnings and any("openssl pkcs8 -topk8" in line for line in warnings), server.output()


@pytest.mark.parametrize("kind", ["rsa", "p256"])
@pytest.mark.parametrize("form", ["proc_type", "pkcs12_pbe"])
def test_old_encryptions_are_refused_with_a_command_that_converts_them(kind, form, keys, pki, bolt_server):
    files, identity = keys[kind]
    server = bolt_server(identity, getattr(files, form)(), private_key_password=PASSWORD)
    output = refusal(server)
    assert "private.key" in output
    converted = run_as_told(output, [PASSWORD] * 3, server.home / "certificates/bolt")
    place_key(converted, server.home / "certificates/bolt/private.key")
    server.start()
    assert is_served(server, pki) is True


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_key_in_der_is_refused_with_the_command_that_converts_it(kind, keys, pki, bolt_server):
    files, identity = keys[kind]
    server = bolt_server(identity, files.der())
    output = refusal(server)
    assert "private.key" in output and "DER" in output
    converted = run_as_told(output, [PASSWORD] * 3, server.home / "certificates/bolt")
    encrypted = b"ENCRYPTED" in converted.read_bytes()
    place_key(converted, server.home / "certificates/bolt/private.key")
    if encrypted:
        server.settings["dbms.ssl.policy.bolt.private_key_password"] = PASSWORD
    server.start()
    assert is_served(server, pki) is True


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o660, 0o604])
def test_a_key_that_others_may_read_stops_the_start(mode, bolt_server):
    server = bolt_server()
    (server.home / "certificates/bolt/private.key").chmod(mode)
    output = refusal(server)
    assert "private.key" in output and "chmod" in output


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_key_that_only_its_owner_reads_serves(mode, pki, bolt_server):
    server = bolt_server()
    (server.home / "certificates/bolt/private.key").chmod(mode)
    server.start()
    assert is_served(server, pki) is True


def test_a_key_of_another_certificate_is_refused(keys, bolt_server):
    output = refusal(bolt_server(key=keys["p256"][0].plain))
    assert "does not belong" in output and "private.key" in output and "public.crt" in output


@pytest.mark.parametrize(
    ("content", "hint"),
    [("certificate", "certificate"), ("nothing", "private.key"), ("junk", "private.key"), ("half", "private.key"), ("public", "private.key")],
)
def test_what_is_no_key_is_named(content, hint, keys, pki, bolt_server, tmp_path):
    files, identity = keys["rsa"]
    file = tmp_path / content
    if content == "certificate":
        file.write_bytes(identity.certificate.read_bytes())
    elif content == "half":
        whole = files.plain.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    elif content == "public":
        certificates.openssl("pkey", "-in", files.plain, "-pubout", "-out", file)
    else:
        file.write_text("" if content == "nothing" else "-----BEGIN PRIVATE KEY-----\n$$$$\n-----END PRIVATE KEY-----\n")
    output = refusal(bolt_server(identity, file))
    assert "private.key" in output and hint in output


def test_a_weak_rsa_key_is_found_at_start(pki, bolt_server, tmp_path):
    key = certificates.make_key(tmp_path / "weak.key", "rsa-1024")
    identity = pki.intermediate.issue("weak", "serverAuth", certificates.SERVER_NAMES, key=key)
    output = refusal(bolt_server(identity))
    assert "2048" in output
