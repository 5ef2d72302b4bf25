"""Statements in transactions of their own: fields of requests and answers, formats, streaming, bookmarks, plans.

Owns what a well-meaning client of `POST /db/{db}/query/v2` sees.
"""

import json
import time

import pytest

from api import LINES, TYPED, TYPED_LINES, Api, error


def test_values_are_plain_json(api):
    document = api.query(
        "RETURN 1 AS one, 1.5, 'x' AS text, null, true, [1, {a: 2}] AS list, date('2015-03-26'), "
        "datetime('2020-01-01T10:00[Europe/Berlin]'), duration('P14DT16H12M'), point({x: 1.2, y: 3.4}), 0.0 / 0.0 AS nan"
    )
    assert document["data"]["fields"][0] == "one"
    assert document["data"]["values"] == [
        [
            1,
            1.5,
            "x",
            None,
            True,
            [1, {"a": 2}],
            "2015-03-26",
            "2020-01-01T10:00+01:00[Europe/Berlin]",
            "P14DT16H12M",
            "SRID=7203;POINT (1.2 3.4)",
            "NaN",
        ]
    ]
    assert document["queryType"] == "r"
    assert document["resultAvailableAfter"] >= 0 and document["resultConsumedAfter"] >= 0


def test_nodes_relationships_and_paths(api):
    node, relationship, path = api.values(
        "CREATE p = (a:Person:Chef {name: 'Alice'})-[l:LIKES {since: 1}]->(b:Person) RETURN a, l, p"
    )[0]
    assert set(node) == {"elementId", "labels", "properties"}
    assert sorted(node["labels"]) == ["Chef", "Person"] and node["properties"] == {"name": "Alice"}
    assert relationship["type"] == "LIKES" and relationship["startNodeElementId"] == node["elementId"]
    assert [len(part) for part in path] == [3, 5, 3]
    found = api.values("MATCH (n) WHERE elementId(n) = $id RETURN n.name", {"id": node["elementId"]})
    assert found == [["Alice"]]
    typed = api.query("MATCH (:Chef)-[l:LIKES]->() RETURN l LIMIT 1", accept=TYPED)["data"]["values"][0][0]
    assert typed["$type"] == "Relationship"
    assert typed["_value"]["_type"] == "LIKES"
    assert typed["_value"]["_properties"] == {"since": {"$type": "Integer", "_value": "1"}}


def test_integers_are_never_rounded(api):
    largest = 2**63 - 1
    assert api.values("RETURN $x, $y", {"x": largest, "y": -largest - 1}) == [[largest, -largest - 1]]
    for beyond in (2**63, -(2**63) - 1, 2**64, 10**30, {"deep": [10**25]}):
        error(api.post("", {"statement": "RETURN $x", "parameters": {"x": beyond}}), 400, "ClientError.Request.InvalidFormat")
    assert api.values("RETURN $x, $t", {"x": 1e30, "t": "9" * 30}) == [[1e30, "9" * 30]]


def test_plain_parameters(api):
    parameters = {"i": 1, "f": 1.0, "s": "ü", "n": None, "b": False, "l": [1, "x"], "m": {"k": {"$type": "Date"}}}
    assert api.values("RETURN $i, $f, $s, $n, $b, $l, $m", parameters) == [list(parameters.values())]
    assert api.values("RETURN valueType($i), valueType($f)", parameters) == [["INTEGER NOT NULL", "FLOAT NOT NULL"]]


TYPED_VALUES = [
    ("Null", None, "NULL"),
    ("Boolean", True, "BOOLEAN"),
    ("Integer", "9223372036854775807", "INTEGER"),
    ("Float", "1.0E7", "FLOAT"),
    ("Float", "9999999.0", "FLOAT"),
    ("Float", "-Infinity", "FLOAT"),
    ("String", "x", "STRING"),
    ("Date", "2015-03-26", "DATE"),
    ("Time", "12:50:35.556+01:00", "ZONED TIME"),
    ("LocalTime", "12:50:35.556", "LOCAL TIME"),
    ("OffsetDateTime", "2015-07-04T19:32:24-02:00", "ZONED DATETIME"),
    ("ZonedDateTime", "2015-11-21T21:40:32.142+01:00[Europe/Berlin]", "ZONED DATETIME"),
    ("LocalDateTime", "2015-07-04T19:32:24", "LOCAL DATETIME"),
    ("Duration", "P14DT16H12M", "DURATION"),
    ("Point", "SRID=9157;POINT Z (1.0 2.0 3.0)", "POINT"),
    ("Base64", "A2+/", None),
    ("List", [{"$type": "Integer", "_value": "1"}], None),
    ("Map", {"a": {"$type": "Null", "_value": None}}, "MAP"),
]


@pytest.mark.parametrize("type_name, value, cypher", TYPED_VALUES)
def test_typed_values_go_in_and_out(api, type_name, value, cypher):
    parameter = {"$type": type_name, "_value": value}
    assert api.query("RETURN $x", {"x": parameter}, accept=TYPED)["data"]["values"] == [[parameter]]
    if cypher:
        found = api.query("RETURN valueType($x)", {"x": parameter}, accept=TYPED)["data"]["values"][0][0]["_value"]
        assert found.removesuffix(" NOT NULL") == cypher


def test_typed_parameters_can_be_stored(api):
    typed = {"$type": "ZonedDateTime", "_value": "2020-10-25T02:30+01:00[Europe/Berlin]"}
    point = {"$type": "Point", "_value": "SRID=4326;POINT (13.4 52.5)"}
    api.query("CREATE (:Stored {at: $at, place: $place})", {"at": typed, "place": point}, accept=TYPED)
    rows = api.query("MATCH (s:Stored) RETURN s.at, s.place", accept=TYPED)["data"]["values"]
    assert rows == [[typed, point]]


@pytest.mark.parametrize("version", ["", ".v1.0", ".v1.1"])
def test_every_version_of_typed_json_is_served(api, version):
    accept = f"application/vnd.neo4j.query{version}"
    response = api.post("", {"statement": "RETURN 1"}, {"Accept": accept, "Content-Type": accept})
    assert (response.status_code, response.headers["Content-Type"]) == (202, accept)
    assert response.json()["data"]["values"] == [[{"$type": "Integer", "_value": "1"}]]


def test_events_come_in_order(api):
    events = api.events("UNWIND [1, 2] AS x CREATE (n:Event {x: x}) RETURN x", includeCounters=True)
    assert events[:3] == [
        {"$event": "Header", "_body": {"fields": ["x"]}},
        {"$event": "Record", "_body": [1]},
        {"$event": "Record", "_body": [2]},
    ]
    summary = events[3]
    assert len(events) == 4 and summary["$event"] == "Summary"
    assert summary["_body"]["counters"]["nodesCreated"] == 2 and len(summary["_body"]["bookmarks"]) == 1
    typed = api.events("RETURN 1", accept=TYPED_LINES)
    assert typed[1] == {"$event": "Record", "_body": [{"$type": "Integer", "_value": "1"}]}


def test_an_error_is_an_event_too(api):
    response = api.post("", {"statement": "RETRUN 1"}, {"Accept": LINES})
    assert response.status_code == 400
    event = json.loads(response.text)
    assert event["$event"] == "Error" and event["_body"][0]["code"] == "Neo.ClientError.Statement.SyntaxError"


def test_a_stream_begins_long_before_it_ends_and_stops_when_nobody_listens(api):
    response = api.post(
        "",
        {"statement": "UNWIND range(1, 1000000000000) AS x RETURN x", "txMetadata": {"name": "endless"}},
        {"Accept": LINES},
        stream=True,
    )
    lines = response.iter_lines()
    assert json.loads(next(lines))["$event"] == "Header"
    for expected in range(1, 10_000):
        assert json.loads(next(lines))["_body"] == [expected]
    running = "SHOW TRANSACTIONS YIELD metaData, transactionId WHERE metaData.name = 'endless' RETURN transactionId"
    assert len(api.values(running)) == 1
    response.close()
    deadline = time.monotonic() + 30
    while api.values(running):
        assert time.monotonic() < deadline, "the statement goes on though nobody listens"
        time.sleep(0.05)


def test_a_long_document_is_complete(api):
    document = api.query("UNWIND range(1, 300000) AS x RETURN x, 'text ' + x AS text")
    values = document["data"]["values"]
    assert len(values) == 300_000 and values[-1] == [300_000, "text 300000"]
    assert document["bookmarks"]


def test_http_2_is_spoken_over_tls(api, server):
    import socket

    context = server.tls_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = int(server.addresses["https"].rsplit(":", 1)[1])
    with socket.create_connection(("localhost", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == "h2"


def test_counters_are_told_when_asked_for(api):
    assert "counters" not in api.query("CREATE (:Counted)", includeCounters=False)
    counters = api.query("CREATE (:Counted {x: 1})-[:R]->(:Counted)", includeCounters=True)["counters"]
    assert counters == {
        "containsUpdates": True,
        "nodesCreated": 2,
        "nodesDeleted": 0,
        "propertiesSet": 1,
        "relationshipsCreated": 1,
        "relationshipsDeleted": 0,
        "labelsAdded": 2,
        "labelsRemoved": 0,
        "indexesAdded": 0,
        "indexesRemoved": 0,
        "constraintsAdded": 0,
        "constraintsRemoved": 0,
        "containsSystemUpdates": False,
        "systemUpdates": 0,
    }


def test_bookmarks_are_given_and_taken(api, server):
    first = api.query("CREATE (:Marked)")["bookmarks"]
    assert len(first) == 1
    assert api.values("MATCH (m:Marked) RETURN count(m)", bookmarks=first) == [[1]]
    # Those of Bolt are the same.
    with server.driver() as driver, driver.session() as session:
        session.run("CREATE (:Marked)").consume()
        over_bolt = list(session.last_bookmarks().raw_values)
    assert api.values("MATCH (m:Marked) RETURN count(m)", bookmarks=over_bolt) == [[2]]
    response = api.post("", {"statement": "RETURN 1", "bookmarks": ["FB:kcwQ"]})
    error(response, 400, "ClientError.Transaction.InvalidBookmark")


def test_a_bookmark_of_the_future_is_waited_for(server, api):
    prefix, commit = api.query("CREATE (:Future)")["bookmarks"][0].rsplit(":", 1)
    ahead = f"{prefix}:{int(commit) + 1}"
    import threading

    found = []
    waiting = threading.Thread(
        target=lambda: found.extend(Api(server).values("MATCH (f:Future) RETURN count(f)", bookmarks=[ahead]))
    )
    waiting.start()
    time.sleep(0.3)
    assert not found
    api.query("CREATE (:Future)")
    waiting.join(30)
    assert found == [[2]]


def test_reading_transactions_do_not_write(api):
    response = api.post("", {"statement": "CREATE (:Forbidden)", "accessMode": "Read"})
    error(response, 400, "ClientError.Statement.AccessMode")
    assert api.values("MATCH (f:Forbidden) RETURN count(f)", accessMode="READ") == [[0]]


def test_plans_are_told(api):
    explained = api.query("EXPLAIN MATCH (n:Person) RETURN n.name")
    assert explained["queryPlan"]["operatorType"] == "ProduceResults@neo4j"
    assert explained["data"]["values"] == [] and "profiledQueryPlan" not in explained
    profiled = api.query("PROFILE UNWIND [1, 2] AS x RETURN x")
    assert profiled["profiledQueryPlan"]["records"] == 2 and profiled["data"]["values"] == [[1], [2]]


def test_notifications_are_told_and_filtered(api):
    statement = "MATCH (n:NoSuchLabel) RETURN n"
    notification = api.query(statement)["notifications"][0]
    assert notification["code"] == "Neo.ClientNotification.Statement.UnknownLabelWarning"
    assert notification["position"] == {"offset": 9, "line": 1, "column": 10}
    assert "notifications" not in api.query(statement, notificationsFilter={"minimumSeverity": "OFF"})
    assert "notifications" not in api.query(statement, notificationsFilter={"disabledClassifications": ["UNRECOGNIZED"]})
    assert "notifications" in api.query(statement, notificationsFilter={"disabledCategories": ["DEPRECATION"]})
    message = error(api.post("", {"statement": statement, "notificationsFilter": {"x": 1}}), 400, "ClientError.Request.InvalidFormat")
    assert "notificationsFilter.x" in message


def test_metadata_and_the_connection_are_shown_with_the_transaction(api):
    rows = api.values(
        "SHOW TRANSACTIONS YIELD metaData, connectionId, username WHERE metaData.app = 'shown' RETURN connectionId, username",
        txMetadata={"app": "shown"},
    )
    assert len(rows) == 1 and rows[0][0].startswith("http-") and rows[0][1] == "neo4j"


def test_a_statement_ends_when_its_time_is_over(api):
    body = {"statement": "UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x", "maxExecutionTime": 1}
    error(api.post("", body), 400, "ClientError.Transaction.TransactionTimedOut")


def test_calls_in_transactions_run_here(api):
    api.query("UNWIND range(1, 10) AS x CALL (x) { CREATE (:Batched {x: x}) } IN TRANSACTIONS OF 3 ROWS", txType="implicit")
    assert api.values("MATCH (b:Batched) RETURN count(b)") == [[10]]
    message = error(api.post("", {"statement": "RETURN 1", "txType": "Explicit"}), 400, "ClientError.Request.Invalid")
    assert "/tx" in message


@pytest.mark.parametrize(
    "statement, parameters, status, code",
    [
        ("RETRUN 1", {}, 400, "ClientError.Statement.SyntaxError"),
        ("RETURN x", {}, 400, "ClientError.Statement.SyntaxError"),
        ("RETURN $missing", {}, 400, "ClientError.Statement.ParameterMissing"),
        ("RETURN 1 / $x", {"x": 0}, 400, "ClientError.Statement.ArithmeticError"),
        ("CREATE (n {x: {}})", {}, 400, "ClientError.Statement.TypeError"),
        ("CALL no.such()", {}, 404, None),
    ],
)
def test_the_status_follows_the_error(api, statement, parameters, status, code):
    response = api.post("", {"statement": statement, "parameters": parameters})
    if code is None:
        assert response.status_code in (400, 404) and "Procedure" in response.text
    else:
        assert error(response, status, code)


def test_a_violated_constraint_is_a_conflict(api):
    api.query("CREATE CONSTRAINT only_one IF NOT EXISTS FOR (u:Unique) REQUIRE u.id IS UNIQUE")
    api.query("CREATE (:Unique {id: 1})")
    error(api.post("", {"statement": "CREATE (:Unique {id: 1})"}), 409, "ClientError.Schema.ConstraintValidationFailed")


def test_a_database_that_is_not_there_is_not_found(server):
    response = Api(server, database="nowhere").post("", {"statement": "RETURN 1"})
    error(response, 404, "ClientError.Database.DatabaseNotFound")
    assert Api(server, database="NEO4J").values("RETURN 1") == [[1]]
    odd = Api(server, database="%ff").post("", {"statement": "RETURN 1"})
    assert odd.status_code == 400


def test_commands_run_in_the_system_database(server):
    system = Api(server, database="system")
    summary = system.query("CREATE USER carl SET PASSWORD 'some-Horse-battery-9' CHANGE REQUIRED", includeCounters=True)
    assert summary["counters"]["containsSystemUpdates"] and summary["queryType"] == "s"
    assert ["carl"] in system.values("SHOW USERS YIELD user RETURN user")
    carl = Api(server, "carl", "some-Horse-battery-9")
    error(carl.post("", {"statement": "RETURN 1"}), 403, "ClientError.Security.CredentialsExpired")
    carl.base = carl.base.replace("/neo4j/", "/system/")
    carl.query("ALTER CURRENT USER SET PASSWORD FROM 'some-Horse-battery-9' TO 'new-Horse-battery-10'")
    assert Api(server, "carl", "new-Horse-battery-10").values("RETURN 1") == [[1]]
    system.query("DROP USER carl")
    assert Api(server, "carl", "new-Horse-battery-10").post("", {"statement": "RETURN 1"}).status_code == 401


def test_nobody_can_be_impersonated(api):
    response = api.post("", {"statement": "RETURN 1", "impersonatedUser": "ada"})
    assert "not available" in error(response, 403, "ClientError.Security.Forbidden")
    assert api.values("RETURN 1", impersonatedUser="neo4j") == [[1]]
