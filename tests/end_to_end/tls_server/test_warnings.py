"""What works and deserves a warning: at start, after each reload, in the table and in the metrics."""

import signal
import ssl

import neo4j
import pytest
from running import attempt, metrics, policies, run, until, who_am_i

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
    found = metrics(worrying)
    assert [found["tls_trust_all", ("scope", scope)] for scope in ("bolt", "https")] == [1, 0]
    assert found["tls_certificate_days_left", ("scope", "bolt")] in (9, 10)
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
