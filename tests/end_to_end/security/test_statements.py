"""Statements that mean harm: depth, length, and running on."""

import contextlib

import neo4j
import pytest
from probes import ENDLESS, HandMade, is_alive, statement_error, until

from harness import PASSWORD


@pytest.mark.parametrize(
    "text",
    [
        "RETURN " + "(" * 50_000 + "1" + ")" * 50_000,
        "RETURN " + "[" * 50_000 + "]" * 50_000,
        "RETURN " + "NOT " * 50_000 + "true",
        "RETURN " + "-" * 50_000 + "1",
        "RETURN 1" + " + 1" * 50_000,
        "RETURN " + "{a: " * 50_000 + "1" + "}" * 50_000,
        "RETURN " + "CASE WHEN true THEN " * 50_000 + "1" + " END" * 50_000,
        "RETURN x" + ".a" * 50_000,
        "RETURN " + "EXISTS { MATCH (n) WHERE " * 50_000,
        "CALL { " * 50_000,
    ],
    ids=["parentheses", "lists", "not", "minus", "plus", "maps", "case", "properties", "exists", "call"],
)
def test_an_expression_50000_deep_is_an_error_and_not_a_crash(server, text):
    assert statement_error(server, text).code.startswith("Neo.ClientError.")
    assert server.process.poll() is None and is_alive(server)


def test_a_chain_of_50000_ands_is_answered_or_refused_and_not_a_crash(server):
    try:
        assert server.query("RETURN true" + " AND true" * 50_000 + " AS all") == [{"all": True}]
    except neo4j.exceptions.ClientError as error:
        assert error.code.startswith("Neo.ClientError.")
    assert server.process.poll() is None and is_alive(server)


def test_a_deep_parameter_is_an_error_and_not_a_crash(server):
    deep = []
    for _ in range(900):
        deep = [deep]
    with contextlib.suppress(neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError, RecursionError):
        server.query("RETURN $deep AS deep", deep=deep)
    assert server.process.poll() is None and is_alive(server)


def test_reset_interrupts_a_running_statement(server):
    with HandMade(server) as client:
        assert client.log_in("neo4j", PASSWORD) == "SUCCESS"
        client.run_and_pull(ENDLESS.replace("count(*)", "count(*) AS resetme"))

        def shown():
            return [row for row in server.query("SHOW TRANSACTIONS") if "AS resetme" in (row["currentQuery"] or "")]

        def is_over():
            return not [row for row in shown() if "SHOW" not in row["currentQuery"]]

        until(shown)
        client.reset()
        answers = [client.answer() for _ in range(3)]
        assert answers[1] in ("FAILURE", "IGNORED") and answers[2] == "SUCCESS"
        until(is_over)
        client.run_and_pull("RETURN 1")
        assert [client.answer() for _ in range(3)] == ["SUCCESS", "RECORD", "SUCCESS"]
