"""The official Python driver, unmodified, through every scheme."""

import datetime
import os

import neo4j
import pytest
import pytz
from neo4j.spatial import CartesianPoint, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time

PORT = os.environ["BASTIDE_PORT"]
OPTIONAL_PORT = os.environ["BASTIDE_OPTIONAL_PORT"]
PASSWORD = os.environ["BASTIDE_PASSWORD"]
AUTH = ("neo4j", PASSWORD)
# The `+s` schemes trust what the system trusts; this is how a user adds an authority to it.
os.environ["SSL_CERT_FILE"] = os.environ["BASTIDE_CA"]


@pytest.fixture(scope="module")
def driver():
    with neo4j.GraphDatabase.driver(f"neo4j+s://localhost:{PORT}", auth=AUTH) as driver:
        yield driver


@pytest.mark.parametrize("scheme", ["bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc"])
def test_connects_through(scheme):
    with neo4j.GraphDatabase.driver(f"{scheme}://localhost:{PORT}", auth=AUTH) as driver:
        driver.verify_connectivity()
        assert driver.execute_query("RETURN 1 AS x").records[0]["x"] == 1
        assert driver.get_server_info().agent.startswith("Neo4j/")


def test_a_plain_connection_is_closed_before_the_handshake():
    with neo4j.GraphDatabase.driver(f"bolt://localhost:{PORT}", auth=AUTH) as driver:
        with pytest.raises(neo4j.exceptions.ServiceUnavailable):
            driver.verify_connectivity()


@pytest.mark.parametrize("scheme", ["bolt", "neo4j", "bolt+ssc"])
def test_optional_takes_both(scheme):
    with neo4j.GraphDatabase.driver(f"{scheme}://localhost:{OPTIONAL_PORT}", auth=AUTH) as driver:
        assert driver.execute_query("RETURN 1 AS x").records[0]["x"] == 1


def test_a_wrong_password_is_an_authentication_error():
    with neo4j.GraphDatabase.driver(f"bolt+ssc://localhost:{PORT}", auth=("neo4j", "wrong")) as driver:
        with pytest.raises(neo4j.exceptions.AuthError) as refused:
            driver.verify_connectivity()
        assert refused.value.code == "Neo.ClientError.Security.Unauthorized"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -1,
        2**63 - 1,
        -(2**63),
        1.5,
        float("inf"),
        "",
        "naïve ☃ 𝄞",
        "x" * 100_000,
        [1, [2, None], "x"],
        {"a": {"b": [1.5]}},
        bytearray(b"\x00\xff"),
        Date(2024, 2, 29),
        Time(12, 30, 15, 123456789, tzinfo=pytz.FixedOffset(120)),
        Time(1, 2, 3, 4),
        DateTime(2024, 2, 29, 12, 30, 15, 123456789),
        DateTime(2024, 2, 29, 12, 30, 15, 5, tzinfo=pytz.FixedOffset(-90)),
        Duration(months=14, days=-3, seconds=4, nanoseconds=5),
        CartesianPoint((1.0, -2.5)),
        WGS84Point((12.5, 55.5, 3.0)),
    ],
    ids=str,
)
def test_values_come_back_as_they_went(driver, value):
    returned = driver.execute_query("RETURN $x AS x, $x IS NULL AS missing", x=value).records[0]
    assert returned["x"] == value
    assert returned["missing"] == (value is None)


def test_zoned_date_times_keep_their_zone(driver):
    returned = driver.execute_query("RETURN datetime('2024-07-01T12:00[Europe/Stockholm]') AS x").records[0]["x"]
    assert str(returned.tzinfo) == "Europe/Stockholm"
    assert returned.utcoffset() == datetime.timedelta(hours=2)


def test_entities_and_paths(driver):
    record = driver.execute_query(
        "CREATE p = (a:A:B {x: 1})-[r:T {y: 'z'}]->(b:C) RETURN a, r, b, p, elementId(a) AS id"
    ).records[0]
    assert set(record["a"].labels) == {"A", "B"} and record["a"]["x"] == 1
    assert record["r"].type == "T" and record["r"]["y"] == "z"
    assert record["r"].start_node.element_id == record["a"].element_id == record["id"]
    path = record["p"]
    assert path.start_node == record["a"] and path.end_node == record["b"] and len(path) == 1


def test_commit_makes_visible_and_rollback_undoes(driver):
    with driver.session() as session, driver.session() as other:
        count = "MATCH (n:Committed) RETURN count(n) AS n"
        with session.begin_transaction() as transaction:
            transaction.run("CREATE (:Committed)").consume()
            assert transaction.run(count).single()["n"] == 1
            assert other.run(count).single()["n"] == 0
            transaction.rollback()
        assert other.run(count).single()["n"] == 0
        session.execute_write(lambda transaction: transaction.run("CREATE (:Committed)").consume())
        assert session.last_bookmarks().raw_values
        with driver.session(bookmarks=session.last_bookmarks()) as after:
            assert after.run(count).single()["n"] == 1


def test_streams_in_small_fetches(driver):
    with driver.session(fetch_size=7) as session:
        total = 0
        for record in session.run("UNWIND range(1, 1000) AS x RETURN x"):
            total += record["x"]
        assert total == 500_500
        # Leaving a long result alone must not run it to its end.
        result = session.run("UNWIND range(1, 100000000) AS x RETURN x")
        assert result.peek()["x"] == 1
        result.consume()


def test_summaries_tell_counters_type_and_plan(driver):
    summary = driver.execute_query("CREATE (:S {a: 1})-[:T]->(:S)").summary
    assert (summary.counters.nodes_created, summary.counters.relationships_created) == (2, 1)
    assert (summary.counters.labels_added, summary.counters.properties_set) == (2, 1)
    assert summary.query_type == "w" and summary.database == "neo4j"
    assert driver.execute_query("EXPLAIN MATCH (n:S) RETURN n").summary.plan["operatorType"].startswith("ProduceResults")
    profile = driver.execute_query("PROFILE MATCH (n:S) RETURN n").summary.profile
    assert profile["rows"] == 2 and profile["dbHits"] >= 0


@pytest.mark.parametrize(
    "query, code",
    [
        ("RETRUN 1", "Neo.ClientError.Statement.SyntaxError"),
        ("RETURN x", "Neo.ClientError.Statement.SyntaxError"),
        ("RETURN $missing", "Neo.ClientError.Statement.ParameterMissing"),
        ("RETURN 1/0", "Neo.ClientError.Statement.ArithmeticError"),
        ("RETURN 9223372036854775807 + 1", "Neo.ClientError.Statement.ArithmeticError"),
        ("CALL no.such.procedure()", "Neo.ClientError.Procedure.ProcedureNotFound"),
    ],
)
def test_errors_carry_neo4j_codes_and_the_session_goes_on(driver, query, code):
    with driver.session() as session:
        with pytest.raises(neo4j.exceptions.ClientError) as refused:
            session.run(query).consume()
        assert refused.value.code == code
        assert session.run("RETURN 1 AS x").single()["x"] == 1


def test_an_unknown_database_is_named(driver):
    with pytest.raises(neo4j.exceptions.ClientError) as refused:
        driver.execute_query("RETURN 1", database_="nosuch")
    assert refused.value.code == "Neo.ClientError.Database.DatabaseNotFound"


def test_a_transaction_times_out(driver):
    with driver.session() as session:
        query = neo4j.Query("UNWIND range(1, 1000000000) AS x WITH x WHERE x < 0 RETURN x", timeout=0.5)
        with pytest.raises(neo4j.exceptions.Neo4jError) as ended:
            session.run(query).consume()
        assert "TransactionTimedOut" in ended.value.code


def test_writing_in_a_read_transaction_is_refused(driver):
    with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
        with pytest.raises(neo4j.exceptions.ClientError) as refused:
            session.run("CREATE ()").consume()
        assert refused.value.code in ("Neo.ClientError.Statement.AccessMode", "Neo.ClientError.Security.Forbidden")
