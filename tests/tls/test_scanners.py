"""What the scanners of others find on every channel: nmap, sslscan, sslyze, testssl.sh; and Go, for the post-quantum group.

Owns the comparison of the offered set with the configured one. Each scanner is installed by name and run as a program of its own.
"""

import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from scopes import lay_out, policy

from harness import Server
from harness import pki as certificates

EVERY_CHANNEL = {"server.https.enabled": "true", "server.backup.enabled": "true", "server.backup.listen_address": "127.0.0.1:0"}
HERE = pathlib.Path(__file__).resolve().parent
SECONDS_MAX = 240
SSLYZE_SCANS = (
    "sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "early_data", "heartbleed", "openssl_ccs", "robot", "reneg", "compression",
    "ems", "fallback",
)  # fmt: skip
TLS13 = ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"]
TLS12 = ["AES_256_GCM_SHA384", "AES_128_GCM_SHA256", "CHACHA20_POLY1305_SHA256"]
NUMBERS = {
    "0x1301": "TLS_AES_128_GCM_SHA256", "0x1302": "TLS_AES_256_GCM_SHA384", "0x1303": "TLS_CHACHA20_POLY1305_SHA256",
    "0xC02B": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "0xC02C": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "0xCCA9": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "0xC02F": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "0xC030": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "0xCCA8": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}  # fmt: skip

# nmap does not offer ECDSA with SHA-384 in TLS 1.2, so it can agree with no key of P-384.
# Per channel: the kind of key, the configured suites (`None` for the server's own), and the set that must then be offered. A suite
# needs a key of its kind, so with an RSA key those of ECDSA cannot be offered.
CONFIGURED = {
    "bolt": ("rsa", None, {*TLS13, *(f"TLS_ECDHE_RSA_WITH_{name}" for name in TLS12)}),
    "https": ("p256", None, {*TLS13, *(f"TLS_ECDHE_ECDSA_WITH_{name}" for name in TLS12)}),
    "backup": ("p256", None, {*TLS13, *(f"TLS_ECDHE_ECDSA_WITH_{name}" for name in TLS12)}),
}
NARROWED = {
    "bolt": (
        "rsa",
        ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
        {"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    ),
    "https": (
        "p256",
        ["TLS_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
        {"TLS_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    ),
    "backup": (
        "p256",
        ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
        {"TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    ),
}


# sslyze asks whether a certificate is optional by sending text, and takes it for a lost connection when Bolt then hangs up.
CLIENT_AUTHENTICATION = {"bolt": "NONE", "https": "OPTIONAL", "backup": "REQUIRE"}


class Scanned:
    """A running server, the address of each channel, the set that each must offer, and a certificate for those that demand one."""

    def __init__(self, pki, configured):
        self.client = pki.clients["good"]
        self.server = Server(set_password=False, settings=EVERY_CHANNEL)
        self.offered = {}
        for channel, (kind, suites, offered) in configured.items():
            identity = pki.intermediate.issue(
                f"scanned-{channel}", "serverAuth", certificates.SERVER_NAMES, key_kind=kind, ends=certificates.moment(days=200),
                extra=["crlDistributionPoints=URI:http://lists.bastide.test/list.crl"],
            )  # fmt: skip
            # sslscan shows its own certificate without that of the issuer.
            lay_out(self.server.home, channel, identity, [pki.root.certificate, pki.intermediate.certificate])
            self.server.settings |= policy(channel, client_auth=CLIENT_AUTHENTICATION[channel], **({"ciphers": ",".join(suites)} if suites else {}))
            self.offered[channel] = offered

    def address(self, channel):
        return self.server.addresses[channel]

    def port(self, channel):
        return self.address(channel).rsplit(":", 1)[1]

    def shown(self, channel, certificate, key):
        """The options by which a scanner shows its certificate where one is demanded."""
        return [f"{certificate}={self.client.chain}", f"{key}={self.client.key}"] if channel == "backup" else []


@pytest.fixture(scope="module", params=["default", "narrowed"])
def scanned(request, pki):
    made = Scanned(pki, CONFIGURED if request.param == "default" else NARROWED)
    with made.server:
        yield made


def run(*command):
    assert shutil.which(command[0]), f"{command[0]} is not installed; .ci/run installs it"
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)


def test_nmap_gives_grade_a_and_finds_exactly_the_configured_suites(scanned):
    ports = {scanned.port(channel): channel for channel in scanned.offered}
    found = run("nmap", "-Pn", "-oX", "-", "--script", "ssl-enum-ciphers", "-p", ",".join(ports), "127.0.0.1").stdout
    tree = xml.etree.ElementTree.fromstring(found)
    seen = set()
    for port in tree.iter("port"):
        channel = ports[port.get("portid")]
        script = port.find("script[@id='ssl-enum-ciphers']")
        versions = {table.get("key") for table in script.findall("table")}
        names = {element.text for element in script.iter("elem") if element.get("key") == "name"}
        assert {name.replace("TLS_AKE_WITH_", "TLS_") for name in names} == scanned.offered[channel]
        assert versions == {"TLSv1.2", "TLSv1.3"}
        assert {element.text for element in script.iter("elem") if element.get("key") == "strength"} == {"A"}
        assert script.find("elem[@key='least strength']").text == "A"
        assert {element.text for element in script.iter("elem") if element.get("key") == "cipher preference"} <= {"server", "indeterminate"}
        assert all(warning.text is None for warning in script.iter("warnings"))
        seen.add(channel)
    assert seen == set(scanned.offered)


def test_sslscan_finds_exactly_the_configured_suites(scanned):
    for channel, offered in scanned.offered.items():
        # Its search for groups takes nine seconds, and knows no post-quantum ones.
        shown = scanned.shown(channel, "--certs", "--pk")
        found = run("sslscan", "--xml=-", "--no-groups", *shown, scanned.address(channel)).stdout
        result = xml.etree.ElementTree.fromstring(found).find("ssltest")
        assert {NUMBERS[cipher.get("id")] for cipher in result.iter("cipher")} == offered
        on = {f"{version.get('type')} {version.get('version')}" for version in result.iter("protocol") if version.get("enabled") == "1"}
        assert on == {"tls 1.2", "tls 1.3"}
        assert result.find("renegotiation").get("supported") == "0"
        assert all(heartbleed.get("vulnerable") == "0" for heartbleed in result.iter("heartbleed"))
        assert result.find("certificates/certificate/self-signed").text == "false"


def test_sslyze_finds_exactly_the_configured_suites_and_no_weakness(scanned, tmp_path):
    addresses = {scanned.address(channel): channel for channel in scanned.offered}
    options = ["-m", "sslyze", "--quiet", *(f"--{name}" for name in SSLYZE_SCANS)]

    def scan(channels):
        report = tmp_path / f"{channels[0]}.json"
        shown = scanned.shown(channels[0], "--cert", "--key")
        done = run(sys.executable, *options, f"--json_out={report}", *shown, *map(scanned.address, channels))
        assert report.exists(), done.stderr
        return json.loads(report.read_text())["server_scan_results"]

    # It waits more than it works.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = [result for part in pool.map(scan, (["bolt", "https"], ["backup"])) for result in part]
    assert len(results) == len(addresses)
    for result in results:
        location = result["server_location"]
        channel = addresses[f"{location['hostname']}:{location['port']}"]
        offered = scanned.offered[channel]
        scans = {name: scan["result"] for name, scan in result["scan_result"].items() if scan["result"]}
        accepted = {
            name: {suite["cipher_suite"]["name"] for suite in scans[name]["accepted_cipher_suites"]}
            for name in scans
            if name.endswith("cipher_suites")
        }
        assert accepted.pop("tls_1_2_cipher_suites") | accepted.pop("tls_1_3_cipher_suites") == offered
        # The library by which it asks for SSL 2 cannot load a certificate of its own; sslscan asks on that channel.
        assert len(accepted) == (3 if channel == "backup" else 4) and not any(accepted.values()), accepted
        assert not scans["heartbleed"]["is_vulnerable_to_heartbleed"]
        assert not scans["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"]
        assert not scans["session_renegotiation"]["is_vulnerable_to_client_renegotiation_dos"]
        assert scans["session_renegotiation"]["supports_secure_renegotiation"]
        assert not scans["tls_compression"]["supports_compression"]
        if channel == "https":
            # On Bolt it fails at its own question, which is text.
            assert not scans["tls_1_3_early_data"]["supports_early_data"]
        assert scans["tls_fallback_scsv"]["supports_fallback_scsv"]
        assert scans["tls_extended_master_secret"]["supports_ems_extension"]
        assert "NOT_VULNERABLE" in scans["robot"]["robot_result"]


def test_testssl_finds_nothing_above_low(scanned, pki, request, tmp_path):
    if "narrowed" in request.node.callspec.id:
        pytest.skip("it takes half a minute, and what it looks for does not depend on the list of suites")
    running = {}
    for channel in scanned.offered:
        report = tmp_path / f"{channel}.json"
        command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--add-ca", str(pki.root.certificate), "--jsonfile", str(report)]
        command += ["--protocols", "--server-defaults", "--server-preference", "--vulnerable", scanned.address(channel)]
        assert shutil.which("testssl"), "testssl.sh is not installed; .ci/run installs it"
        running[channel] = report, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for channel, (report, process) in running.items():
        try:
            process.wait(timeout=SECONDS_MAX)
        finally:
            process.kill()
        findings = json.loads(report.read_text())
        assert len(findings) > 40
        # Its test of tickets fails with `--add-ca` by a fault of its own; tests/tls/test_reload.py tests resumption.
        findings = [finding for finding in findings if finding["id"] != "sessionresumption_ticket"]
        bad = {finding["id"]: finding["finding"] for finding in findings if finding["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL")}
        if channel == "backup":
            # This version can show no certificate, and warns of what it could not look at without one.
            bad = {name: finding for name, finding in bad.items() if not re.search("client (x509-based )?authentication", finding)}
        assert not bad, (channel, bad)
        by_name = {finding["id"]: finding["finding"] for finding in findings}
        assert re.match("offered", by_name["TLS1_2"]) and re.match("offered", by_name["TLS1_3"])
        assert not any(re.match("offered", by_name[version]) for version in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"))


def test_the_post_quantum_group_comes_first_on_every_channel(scanned, tmp_path):
    program = tmp_path / "groups"
    built = run("go", "build", "-o", str(program), str(HERE / "clients/groups.go"))
    assert built.returncode == 0, built.stderr
    done = run(str(program), *(scanned.address(channel) for channel in scanned.offered))
    found = {tuple(line.split()[:2]): line.split()[2] for line in done.stdout.splitlines()}
    for channel in scanned.offered:
        agreed = {name: group for (address, name), group in found.items() if address == scanned.address(channel)}
        assert agreed.pop("default") == "X25519MLKEM768"
        assert agreed.pop("CurveP521") == "refused"
        assert agreed == {name: name for name in ("X25519MLKEM768", "X25519", "CurveP256", "CurveP384")}
