"""The social network of snb-tiny: loaded through the driver with UNWIND $rows, then asked what it is made for.

Expected answers are worked out here from the CSV files themselves, independently of the server.
"""

import collections
import csv

import pytest

from harness import Server, shared_folder

BATCH = 1000


def table(name):
    path = shared_folder() / "data/snb-tiny/vanilla/dynamic" / f"{name}_0_0.csv"
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE))[1:]


def load(session, text, rows):
    for start in range(0, len(rows), BATCH):
        session.run(text, rows=rows[start : start + BATCH]).consume()


@pytest.fixture(scope="module")
def session():
    with Server() as server, server.driver() as driver, driver.session() as session:
        for label in ["Person", "Post", "Comment", "Forum"]:
            session.run(f"CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.id IS UNIQUE").consume()
        persons = [
            {"id": int(row[0]), "firstName": row[1], "lastName": row[2], "birthday": int(row[4])} for row in table("person")
        ]
        load(session, "UNWIND $rows AS r CREATE (p:Person) SET p = r", persons)
        load(
            session,
            """UNWIND $rows AS r MATCH (a:Person {id: r[0]}), (b:Person {id: r[1]})
               CREATE (a)-[:KNOWS {creationDate: r[2]}]->(b)""",
            [[int(value) for value in row] for row in table("person_knows_person")],
        )
        load(
            session,
            "UNWIND $rows AS r CREATE (:Post {id: r[0], length: r[1]})",
            [[int(row[0]), int(row[-1])] for row in table("post")],
        )
        load(
            session,
            "UNWIND $rows AS r MATCH (m:Post {id: r[0]}), (p:Person {id: r[1]}) CREATE (m)-[:HAS_CREATOR]->(p)",
            [[int(value) for value in row[:2]] for row in table("post_hasCreator_person")],
        )
        load(
            session,
            "UNWIND $rows AS r MATCH (p:Person {id: r[0]}), (m:Post {id: r[1]}) CREATE (p)-[:LIKES]->(m)",
            [[int(value) for value in row[:2]] for row in table("person_likes_post")],
        )
        yield session


@pytest.fixture(scope="module")
def friends():
    known = collections.defaultdict(set)
    for first, second, _ in table("person_knows_person"):
        known[int(first)].add(int(second))
        known[int(second)].add(int(first))
    return known


def rows(session, text, **parameters):
    return [tuple(record.values()) for record in session.run(text, parameters)]


def distances(friends, start):
    found, frontier = {start: 0}, [start]
    while frontier:
        following = []
        for person in frontier:
            for friend in friends[person]:
                if friend not in found:
                    found[friend] = found[person] + 1
                    following.append(friend)
        frontier = following
    return found


def most_connected(friends):
    return max(friends, key=lambda person: (len(friends[person]), person))


def test_everything_was_loaded(session):
    assert rows(session, "MATCH (p:Person) RETURN count(*)") == [(len(table("person")),)]
    assert rows(session, "MATCH ()-[k:KNOWS]->() RETURN count(k)") == [(len(table("person_knows_person")),)]
    assert rows(session, "MATCH (:Post)-[c:HAS_CREATOR]->() RETURN count(c)") == [(len(table("post_hasCreator_person")),)]


def test_friends_of_friends(session, friends):
    start = most_connected(friends)
    expected = sorted(person for person, distance in distances(friends, start).items() if distance == 2)
    found = rows(
        session,
        """MATCH (me:Person {id: $id})-[:KNOWS*2..2]-(other) WHERE other <> me AND NOT (me)-[:KNOWS]-(other)
           RETURN DISTINCT other.id AS id ORDER BY id""",
        id=start,
    )
    assert [person for (person,) in found] == expected and expected


def test_shortest_paths_have_the_length_of_a_breadth_first_search(session, friends):
    start = most_connected(friends)
    expected = distances(friends, start)
    found = rows(
        session,
        """MATCH (a:Person {id: $id}), (b:Person) WHERE a <> b
           MATCH p = shortestPath((a)-[:KNOWS*]-(b)) RETURN b.id, length(p)""",
        id=start,
    )
    assert dict(found) == {person: distance for person, distance in expected.items() if person != start}


def test_all_shortest_paths_are_counted(session, friends):
    start = most_connected(friends)
    far = distances(friends, start)
    target = max(far, key=lambda person: (far[person], person))
    ways = collections.Counter({start: 1})
    for distance in range(1, far[target] + 1):
        for person in [person for person, place in far.items() if place == distance]:
            ways[person] = sum(ways[friend] for friend in friends[person] if far.get(friend) == distance - 1)
    found = rows(
        session,
        "MATCH (a:Person {id: $a}), (b:Person {id: $b}) MATCH p = allShortestPaths((a)-[:KNOWS*]-(b)) RETURN count(p)",
        a=start,
        b=target,
    )
    assert found == [(ways[target],)]


def test_most_liked_authors(session):
    author = {int(post): int(person) for post, person, *_ in table("post_hasCreator_person")}
    likes = collections.Counter(author[int(row[1])] for row in table("person_likes_post"))
    expected = sorted(likes.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    found = rows(
        session,
        """MATCH (:Person)-[:LIKES]->(:Post)-[:HAS_CREATOR]->(author)
           RETURN author.id AS id, count(*) AS likes ORDER BY likes DESC, id LIMIT 10""",
    )
    assert found == expected


def test_aggregates_over_friends(session, friends):
    counts = [len(friends[int(row[0])]) for row in table("person")]
    found = rows(
        session,
        """MATCH (p:Person) OPTIONAL MATCH (p)-[k:KNOWS]-() WITH p, count(k) AS n
           RETURN min(n), max(n), sum(n), avg(n)""",
    )
    ((least, most, total, average),) = found
    assert (least, most, total) == (min(counts), max(counts), sum(counts))
    assert average == pytest.approx(total / len(counts))
