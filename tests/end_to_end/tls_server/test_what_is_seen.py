"""What administrators see of TLS: the table of policies, the metrics, and the log of handshakes."""

import datetime
import re
import socket
import ssl
import time

from running import (
    HOST,
    SCOPES,
    SECONDS_MAX,
    attempt,
    call_reload,
    context,
    driver,
    events,
    folder_of,
    metrics,
    policies,
    port_of,
    refusal,
    run,
    until,
)

from harness.pki import openssl


def certificate_facts(file):
    """What `openssl x509` says."""
    options = ["-noout", "-subject", "-issuer", "-serial", "-startdate", "-enddate", "-nameopt", "RFC2253", "-dateopt", "iso_8601"]
    return dict(line.split("=", 1) for line in openssl("x509", "-in", file, *options).stdout.splitlines())


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
    asked = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
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
        ends, now = row["notAfter"].to_native(), datetime.datetime.now(datetime.timezone.utc)
        assert (ends - now).days - 1 <= row["daysLeft"] <= (ends - asked).days
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
