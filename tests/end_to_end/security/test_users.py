"""Users, passwords, lock-out, and sessions that end with their user."""

import neo4j
import pytest
from probes import BETTER, GOOD, HandMade, Running, fresh_user, is_alive, login_error, statement_error, system, until

from harness import PASSWORD, Server


def test_wrong_user_and_wrong_password_get_the_same_answer(server):
    wrong_user = login_error(server, "nobody", PASSWORD)
    wrong_password = login_error(server, "neo4j", "wrong-Password-entirely-4")
    assert wrong_user.code == wrong_password.code == "Neo.ClientError.Security.Unauthorized"
    assert wrong_user.message == wrong_password.message


def test_a_suspended_user_gets_the_answer_of_a_wrong_password(server):
    fresh_user(server, "sleeper")
    system(server, "ALTER USER sleeper SET STATUS SUSPENDED")
    suspended = login_error(server, "sleeper", GOOD)
    wrong = login_error(server, "nobody", GOOD)
    assert (suspended.code, suspended.message) == (wrong.code, wrong.message)


def test_lock_out_is_of_the_user_at_its_address_and_passes():
    with Server(settings={"dbms.security.auth_lock_time": "1s"}) as locked:
        fresh_user(locked, "ada")
        fresh_user(locked, "bob")
        codes = [login_error(locked, "ada", "wrong-Password-entirely-4").code for _ in range(3)]
        assert codes == ["Neo.ClientError.Security.Unauthorized"] * 3
        assert login_error(locked, "ada", GOOD).code == "Neo.ClientError.Security.AuthenticationRateLimit"
        with locked.driver("bob", GOOD) as driver:
            driver.verify_connectivity()

        def may_log_in():
            try:
                with locked.driver("ada", GOOD) as driver:
                    driver.verify_connectivity()
                return True
            except neo4j.exceptions.Neo4jError as error:
                assert error.code == "Neo.ClientError.Security.AuthenticationRateLimit"
                return False

        until(may_log_in)


def test_lock_out_at_one_address_does_not_touch_another():
    with Server(settings={"dbms.security.auth_lock_time": "10m"}) as locked:
        fresh_user(locked, "ada")
        for _ in range(3):
            login_error(locked, "ada", "wrong-Password-entirely-4")
        assert login_error(locked, "ada", GOOD).code == "Neo.ClientError.Security.AuthenticationRateLimit"
        assert bolt_login(locked, "ada", GOOD, source="127.0.0.2") == "SUCCESS"
        assert bolt_login(locked, "ada", GOOD, source="127.0.0.1") == "FAILURE"


def bolt_login(server, user, password, source):
    with HandMade(server, source) as client:
        return client.log_in(user, password)


def test_users_are_created_altered_shown_and_dropped(server):
    system(server, "CREATE USER carol SET PLAINTEXT PASSWORD $p CHANGE REQUIRED", p=GOOD)
    shown = {row["user"]: row for row in system(server, "SHOW USERS")}
    assert shown["carol"]["passwordChangeRequired"] is True and shown["carol"]["suspended"] is False
    assert "already exists" in statement_error(server, "CREATE USER carol SET PASSWORD $p", "system", p=GOOD).message
    system(server, "CREATE USER carol IF NOT EXISTS SET PASSWORD $p", p=BETTER)
    system(server, "ALTER USER carol SET PASSWORD $p CHANGE NOT REQUIRED", p=BETTER)
    login_error(server, "carol", GOOD)
    with server.driver("carol", BETTER) as driver:
        driver.verify_connectivity()
    system(server, "ALTER USER carol SET STATUS SUSPENDED")
    shown = {row["user"]: row for row in system(server, "SHOW USERS")}
    assert shown["carol"]["suspended"] is True
    assert not any(GOOD in str(row) or "argon2" in str(row).lower() for row in shown.values())
    system(server, "DROP USER carol")
    assert "carol" not in {row["user"] for row in system(server, "SHOW USERS")}
    assert "does not exist" in statement_error(server, "DROP USER carol", "system").message
    system(server, "DROP USER carol IF EXISTS")
    login_error(server, "carol", BETTER)


@pytest.mark.parametrize("command", ["ALTER USER victim SET STATUS SUSPENDED", "DROP USER victim"])
def test_an_idle_session_of_a_suspended_or_dropped_user_ends(server, command):
    fresh_user(server, "victim")
    with server.driver("victim", GOOD, max_transaction_retry_time=0) as driver, driver.session() as session:
        transaction = session.begin_transaction()
        transaction.run("RETURN 1").consume()
        system(server, command)
        with pytest.raises((neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError)):
            transaction.run("RETURN 2").consume()
            transaction.commit()


@pytest.mark.parametrize("command", ["ALTER USER victim SET STATUS SUSPENDED", "DROP USER victim"])
def test_a_running_statement_of_a_suspended_or_dropped_user_ends(server, command):
    fresh_user(server, "victim")
    running = Running(server, "victim", GOOD)
    system(server, command)
    assert running.ended() is not None
    assert is_alive(server)


def test_an_expired_password_allows_nothing_but_its_change(server):
    system(server, "CREATE OR REPLACE USER dora SET PASSWORD $p CHANGE REQUIRED", p=GOOD)
    with server.driver("dora", GOOD) as driver:
        for database, text in [
            ("neo4j", "RETURN 1"),
            ("neo4j", "CREATE (:Intruder)"),
            ("system", "SHOW USERS"),
            ("system", "CREATE USER eve SET PASSWORD 'Mellow-Tangent-Orbit-19'"),
            ("neo4j", "SHOW TRANSACTIONS"),
            ("neo4j", "CALL db.labels()"),
        ]:
            with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
                driver.execute_query(text, database_=database)
            assert caught.value.code == "Neo.ClientError.Security.CredentialsExpired", text
        change = "ALTER CURRENT USER SET PASSWORD FROM $from TO $to"
        driver.execute_query(change, {"from": GOOD, "to": BETTER}, database_="system")
    with server.driver("dora", BETTER) as driver:
        assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
    assert server.query("MATCH (n:Intruder) RETURN count(n) AS n") == [{"n": 0}]


def test_changing_the_own_password_demands_the_current_one(server):
    fresh_user(server, "dora")
    with server.driver("dora", GOOD) as driver:
        with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
            change = "ALTER CURRENT USER SET PASSWORD FROM $from TO $to"
            driver.execute_query(change, {"from": "not-The-current-one-5", "to": BETTER}, database_="system")
        assert caught.value.code.startswith("Neo.ClientError.")
    with server.driver("dora", GOOD) as driver:
        driver.verify_connectivity()


@pytest.mark.parametrize(
    ("password", "says"),
    [("Ab3-x", "8"), ("sunshine", "entropy"), ("aaaaaaaaaaaa", "entropy"), ("", "")],
)
def test_a_weak_password_is_refused_with_what_to_do(server, password, says):
    error = statement_error(server, "CREATE USER weak SET PASSWORD $p", "system", p=password)
    assert error.code == "Neo.ClientError.Statement.ArgumentError"
    assert says in error.message
    if password:
        assert password not in error.message
    assert "weak" not in {row["user"] for row in system(server, "SHOW USERS")}


def test_the_previous_password_is_refused_as_the_new_one(server):
    fresh_user(server, "dora")
    with server.driver("dora", GOOD) as driver, pytest.raises(neo4j.exceptions.Neo4jError) as caught:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM $p TO $p", {"p": GOOD}, database_="system"
        )
    assert "same" in caught.value.message or "differ" in caught.value.message


def test_no_password_is_in_logs_audit_or_transactions(server):
    literal = "Literal-Zebra-Canyon-Pass-77"
    wrong = "Wrong-Zebra-Canyon-Pass-78"
    malformed = "Malformed-Zebra-Canyon-79"
    system(server, f"CREATE OR REPLACE USER frank SET PASSWORD '{literal}' CHANGE NOT REQUIRED")
    login_error(server, "frank", wrong)
    statement_error(server, f"ALTER CURRENT USER SET PASSWORD FROM '{wrong}' TO '{malformed}'", "system")
    statement_error(server, f"CREATE USER gina SET PASSWORD '{malformed}' NONSENSE", "system")
    with server.driver() as driver, driver.session(database="system") as session:
        transaction = session.begin_transaction()
        transaction.run(f"ALTER USER frank SET PASSWORD '{malformed}'").consume()
        shown = str(server.query("SHOW TRANSACTIONS"))
        assert malformed not in shown and "ALTER" in shown
        transaction.commit()
    written = server.output()
    for file in (server.home / "logs").rglob("*"):
        written += file.read_text(errors="replace") if file.is_file() else ""
    for password in (PASSWORD, literal, wrong, malformed, GOOD, BETTER):
        assert password not in written
    assert "argon2" not in written.lower()


def test_the_system_graph_is_not_to_be_seen(server):
    for text in ["MATCH (n) RETURN n", "MATCH (n) RETURN properties(n)", "MATCH ()-[r]->() RETURN r"]:
        with server.driver() as driver:
            try:
                assert driver.execute_query(text, database_="system").records == []
            except neo4j.exceptions.ClientError:
                pass
    with server.driver() as driver:
        assert "argon2" not in str(driver.execute_query("SHOW USERS", database_="system").records).lower()
