"""Who may administer: the first user, and whoever the role `admin` was granted to; everybody else is refused, and that is audited."""

import json

import neo4j
import pytest

from harness import PASSWORD, Server

JANE, JOHN = "jane's own Password 1", "john's own Password 2"
FORBIDDEN = "Neo.ClientError.Security.Forbidden"
ADMINISTRATION = [
    "CREATE USER mallory SET PASSWORD 'a Password of some length'",
    "ALTER USER neo4j SET PASSWORD 'a Password of some length'",
    "ALTER USER jane SET STATUS ACTIVE",
    "RENAME USER neo4j TO nemo",
    "DROP USER neo4j",
    "GRANT ROLE admin TO jane",
    "REVOKE ROLE admin FROM neo4j",
    "SHOW USERS",
    "SHOW SETTINGS",
    "SHOW TLS POLICIES",
    "CALL dbms.security.listTLSPolicies()",
    "CALL dbms.security.reloadTLS()",
    "CALL dbms.security.logTLSHandshakes('bolt', 1)",
    "CALL dbms.setConfigValue('db.logs.query.threshold', '1s')",
]


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        for name, password in (("jane", JANE), ("john", JOHN)):
            server.query(f"CREATE USER {name} SET PASSWORD $password CHANGE NOT REQUIRED", password=password)
        yield server


def run(server, text, user="jane", password=JANE, database="system"):
    with server.driver(user=user, password=password) as driver:
        return [row.data() for row in driver.execute_query(text, database_=database).records]


def events(server):
    lines = (server.home / "logs/audit.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("statement", ADMINISTRATION)
def test_a_user_without_the_role_cannot_administer(server, statement):
    before = server.query("SHOW USERS")
    with pytest.raises(neo4j.exceptions.ClientError) as caught:
        run(server, statement)
    assert caught.value.code == FORBIDDEN and "admin" in caught.value.message
    assert server.query("SHOW USERS") == before
    last = [event for event in events(server) if event["action"] == "permission_denied"][-1]
    assert last["user"] == "jane"


def test_a_user_without_the_role_works_with_data_schema_and_their_own_password(server):
    run(server, "CREATE (:Thing {n: 1})", database="neo4j")
    run(server, "CREATE INDEX thing IF NOT EXISTS FOR (t:Thing) ON (t.n)", database="neo4j")
    assert run(server, "MATCH (t:Thing) RETURN count(t) AS n", database="neo4j") == [{"n": 1}]
    assert run(server, "SHOW CURRENT USER YIELD user, roles") == [{"user": "jane", "roles": ["PUBLIC"]}]
    run(server, f'ALTER CURRENT USER SET PASSWORD FROM "{JOHN}" TO "{JOHN}3"', user="john", password=JOHN)
    assert run(server, "RETURN 1 AS one", user="john", password=JOHN + "3", database="neo4j") == [{"one": 1}]


def test_a_user_without_the_role_sees_and_ends_their_own_transactions_only(server):
    with server.driver() as driver, driver.session(database="neo4j") as session, session.begin_transaction() as transaction:
        transaction.run("RETURN 1").consume()
        every = server.query("SHOW TRANSACTIONS YIELD transactionId, username")
        [theirs] = [row["transactionId"] for row in every if row["username"] == "neo4j" and row["transactionId"].startswith("neo4j")][:1]
        seen = run(server, "SHOW TRANSACTIONS YIELD transactionId, username", database="neo4j")
        assert {row["username"] for row in seen} == {"jane"}
        [answer] = run(server, f"TERMINATE TRANSACTIONS '{theirs}'", database="neo4j")
        assert answer["message"] == "Transaction not found."
        transaction.run("RETURN 1").consume()
    with server.driver(user="jane", password=JANE) as driver, driver.session(database="neo4j") as session:
        transaction = session.begin_transaction()
        transaction.run("RETURN 1").consume()
        [own, *_] = [row["transactionId"] for row in run(server, "SHOW TRANSACTIONS YIELD transactionId", database="neo4j")]
        [answer] = run(server, f"TERMINATE TRANSACTIONS '{own}'", database="neo4j")
        assert answer["message"] == "Transaction terminated."
        with pytest.raises(neo4j.exceptions.Neo4jError):
            transaction.run("RETURN 1").consume()


def test_the_role_is_granted_and_taken_at_once_also_in_open_sessions_and_outlives_a_restart(server):
    with server.driver(user="jane", password=JANE) as driver, driver.session(database="system") as session:
        with pytest.raises(neo4j.exceptions.ClientError):
            session.run("SHOW USERS").consume()
        server.query("GRANT ROLE admin TO jane")
        assert {row["user"] for row in session.run("SHOW USERS").data()} == {"neo4j", "jane", "john"}
    server.stop()
    server.start()
    assert run(server, "SHOW CURRENT USER YIELD roles") == [{"roles": ["admin", "PUBLIC"]}]
    with pytest.raises(neo4j.exceptions.ClientError, match="yourself"):
        run(server, "REVOKE ROLE admin FROM jane")
    with pytest.raises(neo4j.exceptions.ClientError, match="does not exist"):
        run(server, "GRANT ROLES admin TO john, nobody")
    assert run(server, "SHOW USERS YIELD user, roles WHERE user = 'john' RETURN roles") == [{"roles": ["PUBLIC"]}], "all or none"
    with server.driver(user="jane", password=JANE) as driver, driver.session(database="system") as session:
        session.run("SHOW USERS").consume()
        server.query("REVOKE ROLE admin FROM jane")
        with pytest.raises(neo4j.exceptions.ClientError) as caught:
            session.run("SHOW USERS").consume()
        assert caught.value.code == FORBIDDEN
    said = [(event["action"], event["user"], event["details"]["subject"]) for event in events(server) if event["action"].startswith("role_")]
    assert said == [("role_granted", "neo4j", "jane"), ("role_revoked", "neo4j", "jane")]


def test_only_the_role_admin_is_there(server):
    with pytest.raises(neo4j.exceptions.ClientError) as caught:
        server.query("GRANT ROLE reader TO jane")
    assert "admin" in caught.value.message
    assert PASSWORD not in caught.value.message
