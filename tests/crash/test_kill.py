"""kill -9 in the middle of a write load: what was acknowledged is there, and nothing is half-done.

Each cycle starts the server on the same home, lets 16 clients write, kills the process, starts it again and compares.
`BASTIDE_KILLS` says how many cycles are run.
"""

import os
import random
import threading
import time

import neo4j

from harness import Server

CLIENTS = 16
CYCLES = int(os.environ.get("BASTIDE_KILLS", "20"))
# Three entities a transaction: a torn one would show as fewer.
WRITE = """CREATE (a:Entry {client: $client, sequence: $sequence})-[:NEXT {sequence: $sequence}]->
           (b:Shadow {client: $client, sequence: $sequence})"""


class Writer(threading.Thread):
    """Writes until its connection breaks, and remembers what was acknowledged and what was only sent."""

    def __init__(self, server, client, first):
        super().__init__(daemon=True)
        self.server, self.client, self.sequence = server, client, first
        self.acknowledged = first - 1

    def run(self):
        try:
            with self.server.driver(max_transaction_retry_time=0) as driver, driver.session() as session:
                while True:
                    session.run(WRITE, client=self.client, sequence=self.sequence).consume()
                    self.acknowledged = self.sequence
                    self.sequence += 1
        except (neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError, OSError):
            return


def counts(server):
    """What is there of each client. Sequences run from 0 without gaps, so numbers say as much as lists would."""
    query = """MATCH (e:Entry) OPTIONAL MATCH (e)-[r:NEXT {sequence: e.sequence}]->(s:Shadow {sequence: e.sequence})
               RETURN e.client AS client, count(*) AS entries, count(DISTINCT e.sequence) AS sequences,
                      max(e.sequence) AS last, count(s) AS whole"""
    found = {row["client"]: row for row in server.query(query)}
    loose = server.query("MATCH (s:Shadow) WHERE NOT (s)<-[:NEXT]-(:Entry) RETURN count(s) AS n")[0]["n"]
    return found, loose


def test_nothing_acknowledged_is_lost_and_nothing_is_half_done():
    server = Server()
    chance = random.Random(7)
    lost, phantom, torn, total = [], [], [], 0
    first = {client: 0 for client in range(CLIENTS)}
    try:
        server.start()
        for _ in range(CYCLES):
            writers = [Writer(server, client, first[client]) for client in range(CLIENTS)]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.5, 1.5))
            server.kill()
            for writer in writers:
                writer.join(timeout=30)
                assert not writer.is_alive()
            server.start()
            found, loose = counts(server)
            torn.extend([loose] if loose else [])
            for writer in writers:
                row = found.get(writer.client, {"entries": 0, "sequences": 0, "last": -1, "whole": 0})
                torn.extend([(writer.client, row)] if row["whole"] != row["entries"] else [])
                # Without gaps, and as far as was acknowledged.
                is_whole = row["sequences"] == row["last"] + 1 and row["last"] >= writer.acknowledged
                lost.extend([] if is_whole else [(writer.client, writer.acknowledged, row)])
                # The one that was under way may be there or not; anything beyond was never sent, nothing is there twice.
                is_sent = row["last"] <= writer.sequence and row["entries"] == row["sequences"]
                phantom.extend([] if is_sent else [(writer.client, writer.sequence, row)])
                first[writer.client] = row["last"] + 1
            total = sum(first.values())
        assert server.stop() == 0
    finally:
        server.close()
    print(f"{CYCLES} kills, {total} commits, {len(lost)} lost, {len(phantom)} phantom, {len(torn)} torn")
    assert (lost, phantom, torn) == ([], [], [])
    assert total > CYCLES * CLIENTS
