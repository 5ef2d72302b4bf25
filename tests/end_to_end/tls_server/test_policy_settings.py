"""Settings of TLS policies that are changed while the server runs, and who may do so."""

import shutil

import neo4j
import pytest
from running import (
    KEY_PASSWORD,
    OTHER_KEY_PASSWORD,
    SCOPES,
    WRONG_KEY_PASSWORD,
    call_reload,
    encrypted,
    events,
    folder_of,
    install,
    policies,
    put_back,
    refusal,
    renewed,
    run,
    served,
    set_value,
    until,
)

from harness import PASSWORD


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
