"""Certificates, folders, suites and versions: what serves, and what each mistake is told at the start and by `validate-config`.

Owns black-box checks of one policy's files and lists; knows nothing of client authentication.
"""

import re
import shutil
import ssl
import subprocess

import pytest
from scopes import lay_out, policy
from tls_clients import SERVED, Case, ask_with_python, ask_with_s_client

from harness import Server
from harness import pki as certificates

TLS13 = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}


def case(server, pki, version="1.3"):
    return Case("certificate", "bolt", server.port, version, None, pki.root.certificate)


def is_served(server, pki, version="1.3", *options):
    outcome, said = ask_with_s_client(case(server, pki, version), *options)
    return outcome == SERVED or said


def refusal(server):
    """What a server says that does not start; `validate-config` must have said the same before."""
    checked = server.admin("server", "validate-config", check=False)
    code, output = server.fails_to_start()
    assert code not in (0, 101) and code > 0, (code, output)
    assert "panicked" not in output + checked.stderr
    assert checked.returncode != 0, f"the start failed and validate-config did not: {output}"
    return output


@pytest.mark.parametrize("name", ["localhost", "graph.bastide.test", "127.0.0.1"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_name_of_the_certificate_is_verified_by_clients(name, version, pki, bolt_server):
    with bolt_server() as server:
        option = "-verify_ip" if name[0].isdigit() else "-verify_hostname"
        assert is_served(server, pki, version, option, name) is True


def test_a_name_that_is_not_in_the_certificate_is_refused_by_clients(pki, bolt_server):
    with bolt_server() as server:
        outcome, said = ask_with_s_client(case(server, pki), "-verify_hostname", "deep.graph.bastide.test")
        assert outcome != SERVED and "hostname mismatch" in said.lower()


def test_a_client_that_trusts_another_authority_is_not_served(pki, bolt_server):
    with bolt_server() as server:
        stranger = Case("stranger", "bolt", server.port, "1.3", None, pki.stranger.certificate)
        assert ask_with_s_client(stranger)[0] != SERVED
        with pytest.raises(AssertionError, match="certificate verify failed"):
            ask_with_python(stranger)


def test_the_whole_chain_is_sent_leaf_first_and_no_more(pki, bolt_server):
    with bolt_server() as server:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-showcerts", "-servername", "localhost"]
        shown = subprocess.run(command, capture_output=True, text=True, input="", timeout=30).stdout
        sent = "".join(re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", shown, re.S))
        assert sent == (server.home / "certificates/bolt/public.crt").read_text()


def test_a_chain_in_the_wrong_order_is_refused_with_a_hint(pki, bolt_server):
    server = bolt_server()
    chain = server.home / "certificates/bolt/public.crt"
    chain.write_bytes(pki.intermediate.certificate.read_bytes() + pki.server.certificate.read_bytes())
    output = refusal(server)
    assert "public.crt" in output and "order" in output and "first" in output


def test_a_certificate_in_der_is_refused_with_the_command_that_converts_it(pki, bolt_server):
    server = bolt_server()
    file = server.home / "certificates/bolt/public.crt"
    shutil.copyfile(certificates.to_der(pki.server.certificate), file)
    output = refusal(server)
    command = re.search(r"`(openssl x509 -in \S*public\.crt -inform der -outform pem -out \S+)`", output)
    assert command, output
    converted = server.home / "converted.crt"
    words = command.group(1).split()
    words[words.index("-out") + 1] = str(converted)
    subprocess.run(words, check=True, capture_output=True)
    file.write_bytes(converted.read_bytes() + pki.intermediate.certificate.read_bytes())
    server.start()
    assert is_served(server, pki) is True


@pytest.mark.parametrize(
    ("content", "hint"),
    [("key", "private key"), ("nothing", "BEGIN CERTIFICATE"), ("junk", "PEM"), ("half", "PEM"), ("list", "public.crt")],
)
def test_what_is_no_certificate_is_named(content, hint, pki, bolt_server):
    server = bolt_server()
    file = server.home / "certificates/bolt/public.crt"
    whole = file.read_bytes()
    junk = b"-----BEGIN CERTIFICATE-----\nAAAA$$\n-----END CERTIFICATE-----\n"
    file.write_bytes(
        {"key": pki.server.key.read_bytes(), "nothing": b"", "junk": junk, "half": whole[:100], "list": pki.root_list.read_bytes()}[content]
    )
    output = refusal(server)
    assert "public.crt" in output and hint in output, output


@pytest.mark.parametrize("missing", ["private.key", "public.crt", "."])
def test_a_missing_file_or_folder_stops_the_start_and_is_named(missing, bolt_server):
    server = bolt_server()
    gone = server.home / "certificates/bolt" / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    output = refusal(server)
    assert str(gone) in output


def test_a_missing_folder_of_trusted_certificates_stops_the_start_where_clients_must_authenticate(pki, bolt_server):
    server = bolt_server(client_auth="REQUIRE")
    folder = server.home / "certificates/bolt/trusted"
    folder.rmdir()
    assert str(folder) in refusal(server)
    folder.mkdir()
    assert str(folder) in refusal(server), "and so does an empty one"


def test_no_folder_is_ever_made_for_a_policy(bolt_server):
    server = bolt_server(base_directory="certificates/elsewhere")
    refusal(server)
    assert not (server.home / "certificates/elsewhere").exists()


def test_paths_may_be_absolute_and_elsewhere(pki, bolt_server, tmp_path):
    server = bolt_server()
    folder = server.home / "certificates/bolt"
    shutil.move(folder, tmp_path / "far")
    (tmp_path / "far/private.key").rename(tmp_path / "other.key")
    server.settings |= policy("bolt", base_directory=str(tmp_path / "far"), private_key=str(tmp_path / "other.key"))
    server.start()
    assert is_served(server, pki) is True


def test_a_misspelt_suffix_stops_the_start(bolt_server):
    output = refusal(bolt_server(settings={"dbms.ssl.policy.bolt.enable": "true"}))
    assert "dbms.ssl.policy.bolt.enable" in output


def test_an_expired_certificate_is_found_at_start(pki, bolt_server):
    identity = pki.intermediate.issue(
        "late", "serverAuth", certificates.SERVER_NAMES, starts=certificates.moment(days=-9), ends=certificates.moment(days=-1)
    )
    output = refusal(bolt_server(identity))
    assert "expired" in output and "public.crt" in output


def test_a_certificate_of_the_future_is_found_at_start(pki, bolt_server):
    identity = pki.intermediate.issue("early", "serverAuth", certificates.SERVER_NAMES, starts=certificates.moment(days=2))
    output = refusal(bolt_server(identity))
    assert "not valid yet" in output and "public.crt" in output


def test_a_certificate_without_names_is_found_at_start(pki, bolt_server):
    assert "subject alternative name" in refusal(bolt_server(pki.intermediate.issue("localhost", "serverAuth")))


def test_a_certificate_signed_with_sha1_is_found_at_start(pki, bolt_server):
    identity = pki.intermediate.issue("weak", "serverAuth", certificates.SERVER_NAMES, digest="sha1")
    assert "SHA-1" in refusal(bolt_server(identity))


def test_a_certificate_that_ends_soon_is_warned_of(pki, bolt_server):
    identity = pki.intermediate.issue("soon", "serverAuth", certificates.SERVER_NAMES, ends=certificates.moment(days=10))
    with bolt_server(identity) as server:
        assert [line for line in server.output().splitlines() if "WARN" in line and "public.crt" in line and "day" in line], server.output()


def test_every_fault_of_every_policy_is_told_at_once(pki):
    server = Server(set_password=False, settings={"server.https.enabled": "true"})
    try:
        for scope in ("bolt", "https"):
            lay_out(server.home, scope, pki.server)
            server.settings |= policy(scope)
        (server.home / "certificates/bolt/private.key").chmod(0o644)
        (server.home / "certificates/bolt/public.crt").write_text("")
        (server.home / "certificates/https/public.crt").unlink()
        output = refusal(server)
        for fault in ("bolt/private.key", "bolt/public.crt", "https/public.crt"):
            assert fault in output
    finally:
        server.close()


@pytest.mark.parametrize(
    "suite", ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
def test_only_the_configured_suites_are_offered_in_tls_1_2(suite, pki, bolt_server):
    ciphers = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    with bolt_server(ciphers=ciphers, tls_versions="TLSv1.2") as server:
        outcome = ask_with_s_client(case(server, pki, "1.2"), "-cipher", suite)[0]
        assert (outcome == SERVED) == ("CHACHA" not in suite)
        assert is_served(server, pki, "1.3") is not True


@pytest.mark.parametrize("suite", sorted(TLS13))
def test_only_the_configured_suites_are_offered_in_tls_1_3(suite, pki, bolt_server):
    with bolt_server(ciphers="TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", tls_versions="TLSv1.3") as server:
        outcome = ask_with_s_client(case(server, pki), "-ciphersuites", suite)[0]
        assert (outcome == SERVED) == ("CHACHA" not in suite)
        assert is_served(server, pki, "1.2") is not True


@pytest.mark.parametrize(
    "name", ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "TLS_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "nonsense"]
)
def test_other_suites_are_refused_with_the_list_of_those_allowed(name, bolt_server):
    output = refusal(bolt_server(ciphers=f"TLS_AES_256_GCM_SHA384,{name}"))
    assert name in output and TLS13 <= set(re.findall(r"TLS_\w+", output))


def test_the_manuals_own_list_of_suites_starts_and_says_what_it_leaves_out(pki, bolt_server):
    ciphers = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"
    with bolt_server(ciphers=ciphers) as server:
        assert is_served(server, pki, "1.2") is True
        warnings = [line for line in server.output().splitlines() if "WARN" in line]
        assert any("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384" in line for line in warnings), server.output()
        assert any("TLSv1.3" in line for line in warnings), server.output()
        assert is_served(server, pki, "1.3") is not True


def test_a_list_that_leaves_nothing_to_offer_does_not_start(bolt_server):
    refusal(bolt_server(ciphers="TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"))


@pytest.mark.parametrize("versions", ["TLSv1.1", "SSLv3", "TLSv1", "TLSv1.4", ""])
def test_other_versions_do_not_start(versions, bolt_server):
    assert "tls_versions" in refusal(bolt_server(tls_versions=versions))


@pytest.mark.parametrize("versions", ["TLSv1.2", "TLSv1.3"])
def test_one_version_alone_can_be_offered(versions, pki, bolt_server):
    with bolt_server(tls_versions=versions) as server:
        for version in ("1.2", "1.3"):
            assert (is_served(server, pki, version) is True) == versions.endswith(version)


def test_old_versions_are_never_served(pki, bolt_server):
    with bolt_server() as server:
        for version in ("-tls1", "-tls1_1"):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version, "-cipher", "ALL:@SECLEVEL=0", "-brief"]
            done = subprocess.run(command, capture_output=True, text=True, input="", timeout=30)
            assert done.returncode != 0 and "CONNECTION ESTABLISHED" not in done.stderr, done.stderr


def test_http2_and_http1_are_offered_on_https(pki):
    with Server(set_password=False, settings={"server.https.enabled": "true"}) as server:
        port = int(server.addresses["https"].rsplit(":", 1)[1])
        for wanted in ("h2", "http/1.1"):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-alpn", wanted]
            done = subprocess.run(command, capture_output=True, text=True, input="", timeout=30)
            assert f"ALPN protocol: {wanted}" in done.stdout
        context = ssl.create_default_context(cafile=str(server.certificate_authority))
        context.set_alpn_protocols(["http/1.1"])
        outcome, met = ask_with_python(Case("alpn", "https", port, "1.3", None, server.certificate_authority), context=context)
        assert outcome == SERVED and met.application_protocol == "http/1.1"
