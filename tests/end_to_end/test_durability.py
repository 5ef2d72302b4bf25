"""What is on the disk: damage is found and named, a torn tail is cut, nothing is in clear, a full disk is survived.

Owns black-box checks of stored data; knows of the storage format only which file is what (`docs/storage-format.md`).
"""

import contextlib
import shutil
import subprocess
import threading
import time

import neo4j
import pytest

from harness import PASSWORD, Server

DATA_REFUSED = 5
MARKER = "Zanzibar-marker-5e1f-in-clear"
MARKERS = ["Zanzibar", "HiddenLabel", "hiddenKey", "HIDDEN_TYPE", "HiddenUser"]
HANG_SECONDS = 30


def fill(server, rows=2000):
    server.query(
        "UNWIND range(1, $rows) AS i CREATE (a:HiddenLabel {hiddenKey: $marker + i})-[:HIDDEN_TYPE]->(:Other {i: i})",
        rows=rows,
        marker=MARKER,
    )


def count(server):
    return server.query("MATCH (n:HiddenLabel)-[:HIDDEN_TYPE]->(o:Other) RETURN count(n) AS n, sum(o.i) AS s")[0]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A stopped home with a checkpoint and, after it, a log."""
    folder = tmp_path_factory.mktemp("pristine")
    with contextlib.closing(Server(home=folder / "home", settings={"db.checkpoint.interval.time": "1s"})) as server:
        server.start()
        fill(server)
        chunks = server.home / "data/databases/neo4j/chunks"
        deadline = time.monotonic() + HANG_SECONDS
        while sum(file.stat().st_size for file in chunks.rglob("*") if file.is_file()) < 20_000:
            assert time.monotonic() < deadline, "no checkpoint was written"
            time.sleep(0.1)
        time.sleep(1.5)
        server.kill()
        server.settings["db.checkpoint.interval.time"] = "1h"
        server.start()
        fill(server, 10)
        server.kill()
        yield server


@pytest.fixture
def copy(pristine, tmp_path):
    """A copy of that home to damage."""
    home = tmp_path / "home"
    subprocess.run(["cp", "-a", "--sparse=always", pristine.home, home], check=True)
    server = Server(home=home, settings=pristine.settings, set_password=False)
    yield server
    server.close()


def database(server):
    return server.home / "data/databases/neo4j"


def flip(file, place):
    """Flips one bit; a negative place counts from the end."""
    with open(file, "r+b") as opened:
        opened.seek(place, 2 if place < 0 else 0)
        byte = opened.read(1)[0]
        opened.seek(-1, 1)
        opened.write(bytes([byte ^ 0x10]))


def segments(server):
    return sorted((database(server) / "log").glob("*.log"))


def written_bytes(file):
    return len(file.read_bytes().rstrip(b"\0"))


def refused_naming(server, *parts):
    code, text = server.fails_to_start()
    assert code == DATA_REFUSED, text
    for part in parts:
        assert str(part) in text, f"{part} is not named in: {text}"
    return text


def test_the_undamaged_copy_holds_everything(copy):
    copy.start()
    assert count(copy) == {"n": 2010, "s": 2000 * 2001 // 2 + 55}


@pytest.mark.parametrize("place", [3, 20, 50, 120, 130, 200, 500])
def test_a_flipped_bit_in_the_log_stops_the_start_and_names_the_file(copy, place):
    segment = segments(copy)[-1]
    flip(segment, place)
    refused_naming(copy, segment)


@pytest.mark.parametrize("place", [2, 60, 150, 280])
def test_a_flipped_bit_in_the_keys_stops_the_start_and_names_the_file(copy, place):
    flip(database(copy) / "keys", place)
    refused_naming(copy, database(copy) / "keys")


@pytest.mark.parametrize("place", [10, 100, "middle", -20])
def test_a_flipped_bit_in_a_chunk_object_is_found_and_named(copy, place):
    chunks = database(copy) / "chunks"
    objects = sorted((file for file in chunks.rglob("*.sst")), key=lambda file: file.stat().st_size)
    largest = objects[-1]
    flip(largest, largest.stat().st_size // 2 if place == "middle" else place)
    refused_naming(copy, largest.name)


@pytest.mark.parametrize("place", [5, 70, -5])
def test_a_flipped_bit_in_the_newest_manifest_is_found_and_named(copy, place):
    newest = sorted((database(copy) / "chunks/manifest").glob("*.manifest"))[-1]
    flip(newest, place)
    refused_naming(copy, newest.name)


def test_a_flipped_bit_in_the_mark_is_found_and_named(copy):
    mark = database(copy) / "log/mark"
    flip(mark, 10)
    flip(mark, 522)
    refused_naming(copy, mark)


def test_a_missing_log_segment_is_named(copy):
    segment = segments(copy)[-1]
    segment.unlink()
    refused_naming(copy, database(copy))


@pytest.mark.parametrize("name", ["keys", "log/mark"])
def test_a_missing_file_is_named(copy, name):
    (database(copy) / name).unlink()
    refused_naming(copy, database(copy) / name)


def test_a_missing_chunk_object_is_named(copy):
    objects = sorted((database(copy) / "chunks").rglob("*.sst"), key=lambda file: file.stat().st_size)
    objects[-1].unlink()
    refused_naming(copy, objects[-1].name)


def test_all_chunks_missing_is_no_loss_while_the_log_holds_everything(copy):
    shutil.rmtree(database(copy) / "chunks")
    copy.start()
    assert count(copy) == {"n": 2010, "s": 2000 * 2001 // 2 + 55}


def test_the_whole_log_missing_is_no_older_database(copy):
    shutil.rmtree(database(copy) / "log")
    refused_naming(copy, database(copy))


def test_a_database_in_the_place_of_another_is_refused(copy):
    databases = database(copy).parent
    (databases / "neo4j").rename(databases / "x")
    (databases / "system").rename(databases / "neo4j")
    (databases / "x").rename(databases / "system")
    code, _ = copy.fails_to_start()
    assert code == DATA_REFUSED


@pytest.mark.parametrize("name", ["system", "neo4j"])
def test_a_database_folder_that_is_gone_is_not_made_anew(copy, name):
    folder = database(copy).parent / name
    shutil.rmtree(folder)
    for _ in range(2):
        refused_naming(copy, folder)
    assert "first start" not in copy.output()


def test_users_that_are_gone_with_the_log_of_the_system_database_are_no_first_start(copy):
    folder = database(copy).parent / "system"
    shutil.rmtree(folder / "log")
    refused_naming(copy, folder)
    assert "first start" not in copy.output()


def test_the_key_file_of_another_home_is_refused_and_named(copy):
    with Server(set_password=False) as other:
        key = copy.home / "conf/encryption.key"
        key.unlink()
        shutil.copy(other.home / "conf/encryption.key", key)
        key.chmod(0o400)
    refused_naming(copy, key)


def test_a_lost_key_file_is_refused_and_named_and_not_made_anew(copy):
    key = copy.home / "conf/encryption.key"
    key.unlink()
    refused_naming(copy, key)
    assert not key.exists()


@pytest.mark.parametrize("garbage", [b"\x01" * 7, b"FRAM" + b"\x40\0\0\0" + b"\xab" * 300], ids=["bytes", "half a frame"])
def test_garbage_behind_the_last_frame_is_cut_with_a_warning(copy, garbage):
    segment = segments(copy)[-1]
    # The last byte of a frame may be zero, so the next multiple of 16 is where the next frame would begin.
    end = (written_bytes(segment) + 15) // 16 * 16
    with open(segment, "r+b") as opened:
        opened.seek(end)
        opened.write(garbage)
    copy.start()
    assert "WARN" in copy.output() and "cut off" in copy.output()
    assert count(copy)["n"] == 2010
    copy.query("CREATE (:After)")
    copy.kill()
    copy.start()
    assert copy.query("MATCH (n:After) RETURN count(n) AS n") == [{"n": 1}] and count(copy)["n"] == 2010


def test_an_acknowledged_commit_that_was_cut_off_is_missed_and_named(copy):
    segment = segments(copy)[-1]
    with open(segment, "r+b") as opened:
        opened.truncate(written_bytes(segment) - 20)
    refused_naming(copy, database(copy) / "log")


def test_nothing_stored_is_in_clear(copy):
    copy.start()
    with copy.driver() as driver:
        driver.execute_query(
            "CREATE USER HiddenUser SET PASSWORD 'Mellow-Tangent-Orbit-19'", database_="system"
        )
    copy.query("CREATE INDEX HiddenLabelIndex FOR (n:HiddenLabel) ON (n.hiddenKey)")
    assert copy.stop() == 0
    # The audit log says who was created; that is what it is for.
    files = [file for file in (copy.home / "data").rglob("*") if file.is_file()]
    files += [file for file in (copy.home / "logs").rglob("*") if file.is_file() and not file.name.startswith("audit")]
    assert sum(file.stat().st_size for file in files) > 100_000
    for file in files:
        content = file.read_bytes()
        for marker in [*MARKERS, PASSWORD, "Mellow-Tangent", "argon2"]:
            assert marker.encode() not in content and marker.encode("utf-16-le") not in content, (file, marker)


def test_a_restart_keeps_data_indexes_constraints_and_users(copy):
    copy.start()
    copy.query("CREATE INDEX byKey FOR (n:HiddenLabel) ON (n.hiddenKey)")
    copy.query("CREATE CONSTRAINT single FOR (n:Single) REQUIRE n.id IS UNIQUE")
    copy.query("CREATE (:Single {id: 1})")
    with copy.driver() as driver:
        driver.execute_query(
            "CREATE USER ada SET PASSWORD 'Mellow-Tangent-Orbit-19' CHANGE NOT REQUIRED", database_="system"
        )
    for end in [copy.stop, copy.kill]:
        before = count(copy)
        end()
        copy.start()
        assert count(copy) == before
        assert {"byKey", "single"} <= {row["name"] for row in copy.query("SHOW INDEXES")}
        assert "single" in {row["name"] for row in copy.query("SHOW CONSTRAINTS")}
        found = copy.query("MATCH (n:HiddenLabel {hiddenKey: $key}) RETURN count(n) AS n", key=f"{MARKER}7")
        assert found == [{"n": 2}]
        with pytest.raises(neo4j.exceptions.ConstraintError):
            copy.query("CREATE (:Single {id: 1})")
        with copy.driver("ada", "Mellow-Tangent-Orbit-19") as driver:
            driver.verify_connectivity()


def test_32_clients_incrementing_one_counter_lose_no_increment():
    clients, increments = 32, 10
    with Server() as server:
        server.query("CREATE (:Counter {value: 0})")
        failures = []

        def work():
            try:
                with server.driver(max_transaction_retry_time=0) as driver, driver.session() as session:
                    for _ in range(increments):
                        session.run("MATCH (c:Counter) SET c.value = c.value + 1").consume()
            except Exception as error:  # noqa: BLE001 - any failure is one
                failures.append(error)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        assert failures == []
        assert server.query("MATCH (c:Counter) RETURN c.value AS value") == [{"value": clients * increments}]


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """A file system of its own that fills up."""
    folder.mkdir(mode=0o700, parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_fails_writes_cleanly_and_writes_work_again_when_there_is_room(tmp_path):
    with small_disk(tmp_path / "disk", 200) as disk:
        settings = {"server.directories.data": str(disk / "data"), "db.checkpoint.interval.time": "1h"}
        server = Server(home=tmp_path / "home", settings=settings)
        try:
            server.start()
            server.query("CREATE (:First {text: 'kept'})")
            ballast = disk / "ballast"
            room = shutil.disk_usage(disk).free
            ballast.write_bytes(b"x" * max(room - 1_000_000, 0))
            acknowledged, error = 0, None
            with server.driver(max_transaction_retry_time=0) as driver, driver.session() as session:
                for _ in range(400):
                    try:
                        session.run("CREATE (:Load {text: $text})", text="y" * 1_000_000).consume()
                        acknowledged += 1
                    except neo4j.exceptions.Neo4jError as raised:
                        error = raised
                        break
            assert error is not None, "the disk never filled"
            assert error.code.startswith("Neo.") and "panic" not in error.message
            assert server.process.poll() is None
            assert server.query("MATCH (n:First) RETURN n.text AS text") == [{"text": "kept"}]
            assert server.query("MATCH (n:Load) RETURN count(n) AS n") == [{"n": acknowledged}]
            ballast.unlink()
            server.query("CREATE (:Load {text: 'after'})")
            assert server.query("MATCH (n:Load) RETURN count(n) AS n") == [{"n": acknowledged + 1}]
            server.kill()
            server.start()
            assert server.query("MATCH (n:Load) RETURN count(n) AS n") == [{"n": acknowledged + 1}]
        finally:
            server.close()
