"""A client certificate as the login, on Bolt and on HTTPS."""

import shutil

import neo4j
import pytest
from running import HOST, Query, call_reload, certificate_logins, driver, events, folder_of, run, until, who_am_i

from harness import PASSWORD


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
