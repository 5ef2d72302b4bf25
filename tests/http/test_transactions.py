"""Explicit transactions: opening, running, committing, rolling back, and keeping others out.

Owns what a client of `POST /db/{db}/query/v2/tx` sees; that they expire is tested beside the code, with shorter times.
"""

import datetime
import time

from api import LINES, Api, error
from harness import Server

NOT_FOUND = (404, "ClientError.Transaction.TransactionNotFound")


def test_a_transaction_sees_its_own_changes_and_commits(api):
    opened = api.query("CREATE (:Kept {x: 1}) RETURN 1", path="/tx", includeCounters=True)
    transaction = opened["transaction"]
    assert opened["data"]["values"] == [[1]] and opened["counters"]["nodesCreated"] == 1 and "bookmarks" not in opened
    assert len(transaction["id"]) == 32 and int(transaction["id"], 16)
    expires = datetime.datetime.fromisoformat(transaction["expires"].replace("Z", "+00:00"))
    left = (expires - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert 30 < left <= 61
    path = "/tx/" + transaction["id"]
    assert api.values("MATCH (k:Kept) RETURN count(k)", path=path) == [[1]]
    assert api.values("MATCH (k:Kept) RETURN count(k)") == [[0]]
    committed = api.query("MATCH (k:Kept) SET k.x = 2", path=path + "/commit")
    assert len(committed["bookmarks"]) == 1 and "transaction" not in committed
    assert api.values("MATCH (k:Kept) RETURN k.x", bookmarks=committed["bookmarks"]) == [[2]]
    error(api.post(path, {"statement": "RETURN 1"}), *NOT_FOUND)
    error(api.post(path + "/commit"), *NOT_FOUND)


def test_a_transaction_rolls_back(api):
    path = api.open(statement="CREATE (:Undone)")
    response = api.delete(path)
    assert (response.status_code, response.json()) == (200, {})
    assert api.values("MATCH (u:Undone) RETURN count(u)") == [[0]]
    error(api.delete(path), *NOT_FOUND)


def test_bodies_may_be_empty(api):
    opened = api.post("/tx")
    assert opened.status_code == 202 and set(opened.json()) == {"transaction"}
    path = "/tx/" + opened.json()["transaction"]["id"]
    kept = api.post(path, {})
    assert set(kept.json()) == {"transaction"}
    committed = api.post(path + "/commit", {"statement": ""})
    assert committed.status_code == 202 and set(committed.json()) == {"bookmarks"}


def test_a_failed_statement_ends_the_transaction(api):
    path = api.open(statement="CREATE (:Failed)")
    error(api.post(path, {"statement": "RETURN 1 / 0"}), 400, "ClientError.Statement.ArithmeticError")
    error(api.post(path + "/commit"), *NOT_FOUND)
    assert api.values("MATCH (f:Failed) RETURN count(f)") == [[0]]
    opened = api.post("/tx", {"statement": "RETRUN 1"})
    error(opened, 400, "ClientError.Statement.SyntaxError")


def test_a_request_that_cannot_be_read_leaves_the_transaction_alone(api):
    path = api.open(statement="CREATE (:Survivor)")
    error(api.post(path, b"{"), 400, "ClientError.Request.InvalidFormat")
    error(api.post(path, {"statement": "RETURN 1", "accessMode": "Read"}), 400, "ClientError.Request.Invalid")
    for field in ({"bookmarks": ["x"]}, {"txMetadata": {"a": 1}}, {"maxExecutionTime": 1}, {"txType": "Implicit"}):
        message = error(api.post(path, {"statement": "RETURN 1", **field}), 400, "ClientError.Request.Invalid")
        assert next(iter(field)) in message
    assert api.values("MATCH (s:Survivor) RETURN count(s)", path=path + "/commit") == [[1]]


def test_options_belong_to_the_opening(api):
    path = api.open(accessMode="Read", txMetadata={"app": "options"}, maxExecutionTime=30, txType="Explicit")
    shown = api.values("SHOW TRANSACTIONS YIELD metaData WHERE metaData.app = 'options' RETURN count(*)")
    assert shown == [[1]]
    error(api.post(path, {"statement": "CREATE (:Refused)"}), 400, "ClientError.Statement.AccessMode")


def test_streams_work_in_transactions(api):
    events = api.events("CREATE (s:Streamed) RETURN s.x", path="/tx")
    assert [event["$event"] for event in events] == ["Header", "Record", "Summary"]
    path = "/tx/" + events[-1]["_body"]["transaction"]["id"]
    events = api.events("", path=path + "/commit")
    assert [event["$event"] for event in events] == ["Header", "Summary"]
    assert len(events[-1]["_body"]["bookmarks"]) == 1
    assert api.values("MATCH (s:Streamed) RETURN count(s)") == [[1]]


def test_ids_are_unlike_each_other(api):
    paths = {api.open() for _ in range(20)}
    assert len(paths) == 20
    for path in paths:
        api.delete(path)


def test_the_transaction_of_another_user_looks_as_if_it_were_not_there(api, ada):
    path = api.open(statement="CREATE (:Private)")
    unknown = ada.post("/tx/" + "0" * 32, {"statement": "RETURN 1"})
    for response in (
        ada.post(path, {"statement": "RETURN 1"}),
        ada.post(path + "/commit"),
        ada.delete(path),
        Api.post(Elsewhere(api), path, {"statement": "RETURN 1"}),
    ):
        assert (response.status_code, response.text) == (unknown.status_code, unknown.text)
    assert api.values("MATCH (p:Private) RETURN count(p)", path=path + "/commit") == [[1]]


class Elsewhere(Api):
    """The same user at another database."""

    def __init__(self, api):
        self.base = api.base.replace("/neo4j/", "/system/")
        self.session = api.session


def test_two_requests_in_one_transaction_do_not_wait_for_each_other(api):
    path = api.open()
    body = {"statement": "UNWIND range(1, 1000000000000) AS x RETURN x"}
    first = api.post(path, body, {"Accept": LINES}, stream=True)
    # Kept, because an iterator that is dropped closes the connection.
    lines = first.iter_lines()
    next(lines)
    code = "ClientError.Transaction.TransactionAccessedConcurrently"
    error(api.post(path, {"statement": "RETURN 1"}), 409, code)
    error(api.post(path + "/commit"), 409, code)
    error(api.delete(path), 409, code)
    first.close()


def test_a_client_that_goes_away_within_a_transaction_rolls_it_back(api):
    path = api.open(statement="CREATE (:Abandoned)")
    body = {"statement": "UNWIND range(1, 1000000000000) AS x RETURN x"}
    response = api.post(path, body, {"Accept": LINES}, stream=True)
    next(response.iter_lines())
    response.close()
    deadline = time.monotonic() + 30
    while (answer := api.post(path)).status_code == 409:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    error(answer, *NOT_FOUND)
    assert api.values("MATCH (a:Abandoned) RETURN count(a)") == [[0]]


def test_dropping_a_user_ends_the_transactions_of_that_user(server):
    system = Api(server, database="system")
    system.query("CREATE USER eve SET PASSWORD 'eves-Horse-battery-11' CHANGE NOT REQUIRED")
    eve = Api(server, "eve", "eves-Horse-battery-11")
    path = eve.open(statement="CREATE (:Evil)")
    system.query("DROP USER eve")
    system.query("CREATE USER eve SET PASSWORD 'eves-Horse-battery-11' CHANGE NOT REQUIRED")
    response = eve.post(path + "/commit")
    assert response.status_code in (401, 404), response.text
    assert eve.values("MATCH (e:Evil) RETURN count(e)") == [[0]]
    system.query("DROP USER eve")


def test_conflicts_are_told_as_conflicts(api):
    api.query("CREATE (:Fought {x: 0})")
    paths = [api.open() for _ in range(2)]
    statuses = []
    for path in paths:
        statuses.append(api.post(path, {"statement": "MATCH (f:Fought) SET f.x = f.x + 1"}).status_code)
    for path in paths:
        statuses.append(api.post(path + "/commit").status_code)
    assert 409 in statuses, statuses
    assert api.values("MATCH (f:Fought) RETURN f.x") == [[1]]


def test_stopping_the_server_rolls_transactions_back():
    with Server() as server:
        api = Api(server)
        api.query("CREATE (:Committed)")
        api.open(statement="CREATE (:Uncommitted)")
        assert server.stop() == 0
        server.start()
        assert Api(server).values("MATCH (n) RETURN labels(n)") == [[["Committed"]]]
