"""Faults of TLS settings that stop the start, all of them told at once."""

from running import CONFIGURATION_REFUSED, RULES, lay_out

from harness import Server


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
