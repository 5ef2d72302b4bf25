"""Backup and restore as an administrator does them: over mutual TLS from a server that is written to, cut, damaged, on a full disk.

Certificates are made by `openssl`, data by the official driver; nothing here knows how the product works inside.
"""

import contextlib
import json
import os
import pathlib
import pty
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import BINARY, PASSWORD, Server
from harness.pki import SERVER_NAMES, Pki, moment

ACCOUNTS = 20
FILLERS = 30_000
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    # A policy's certificate must be fit for a server, also where it is only shown as a client's.
    both = {"usage": "serverAuth,clientAuth", "names": SERVER_NAMES}
    issue = pki.intermediate.issue
    pki.takers = {
        "good": issue("good taker", **both),
        "expired": issue("expired taker", starts=moment(days=-20), ends=moment(days=-2), **both),
        "revoked": issue("revoked taker", **both),
        "wrong usage": issue("wrong usage taker", usage="serverAuth", names=SERVER_NAMES),
        "other authority": pki.stranger.issue("other taker", **both),
    }
    pki.takers_list = pki.intermediate.revocation_list(pki.folder / "takers.crl", [pki.takers["revoked"]], number=2)
    return pki


def lay_out(home, scope, identity, trusted=(), revoked=()):
    """Fills the folder of a policy and returns the settings that switch it on."""
    folder = home / "certificates" / scope
    shutil.rmtree(folder, ignore_errors=True)
    for name, files in (("trusted", trusted), ("revoked", revoked)):
        (folder / name).mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, folder / name / file.name)
    shutil.copyfile(identity.chain, folder / "public.crt")
    shutil.copyfile(identity.key, folder / "private.key")
    (folder / "private.key").chmod(0o400)
    return {f"dbms.ssl.policy.{scope}.enabled": "true"}


def make_server(pki, home, set_password=True):
    """A server with the backup channel, not started."""
    settings = {"server.backup.enabled": "true", "server.backup.listen_address": f"{HOST}:0"}
    for scope in ("bolt", "https"):
        settings |= lay_out(home, scope, pki.server)
    settings |= lay_out(home, "backup", pki.server, [pki.root.certificate], [pki.takers_list, pki.root_list])
    server = Server(home, settings, set_password=set_password)
    server.authority = pki.root.certificate
    return server


class Taker:
    """The home of an administrator who takes backups; no server runs there."""

    def __init__(self, pki, folder, identity):
        self.home, self.backups = folder / "taker", folder / "backups"
        (self.home / "conf").mkdir(parents=True)
        self.home.chmod(0o700)
        self.backups.mkdir(exist_ok=True)
        settings = lay_out(self.home, "backup", identity, [pki.root.certificate])
        conf = self.home / "conf/bastide.conf"
        conf.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        conf.chmod(0o600)

    def admin(self, *arguments, **options):
        command = [BINARY, "admin", "--home", self.home, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)

    def arguments(self, address, database="neo4j", folder=None):
        folder = folder or self.backups
        return ["database", "backup", "--from", address, "--to-path", folder, "--retries", "3", "--json", database]

    def back_up(self, address, database="neo4j", folder=None):
        """Takes a backup and returns its description, and what was said on standard error."""
        done = self.admin(*self.arguments(address, database, folder))
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["backups"], done.stderr

    def partials(self, folder=None):
        return sorted((folder or self.backups).glob("*.partial"))


@pytest.fixture(scope="module")
def bank(pki, tmp_path_factory):
    """A running server with accounts, a counter, and so much else that a backup has many frames."""
    server = make_server(pki, tmp_path_factory.mktemp("bank") / "home")
    with server:
        server.query("CREATE CONSTRAINT account IF NOT EXISTS FOR (a:Account) REQUIRE a.n IS UNIQUE")
        server.query("UNWIND range(1, $n) AS n CREATE (:Account {n: n, balance: 100})", n=ACCOUNTS)
        server.query("CREATE (:Counter {n: 0})")
        texts = [random.randbytes(150).hex() for _ in range(FILLERS)]
        server.query("UNWIND $texts AS text CREATE (:Filler {text: text})", texts=texts)
        yield server


def commits_before_transfers():
    return 4


class Transfers:
    """Threads that move money for as long as the block lasts; each transfer is a commit with the next number."""

    def __init__(self, server, count=3):
        self.server, self.over, self.made = server, threading.Event(), 0
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(count)]

    def run(self, number):
        source = random.Random(number)
        with self.server.driver() as driver, driver.session() as session:
            while not self.over.is_set():
                start, end = source.sample(range(1, ACCOUNTS + 1), 2)
                session.execute_write(
                    lambda transaction, start=start, end=end: transaction.run(
                        "MATCH (c:Counter) SET c.n = c.n + 1 WITH c MATCH (a:Account {n: $start}), (b:Account {n: $end}) "
                        "SET a.balance = a.balance - 1, b.balance = b.balance + 1 CREATE (a)-[:PAID {n: c.n}]->(b)",
                        start=start,
                        end=end,
                    ).consume()
                )
                self.made += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def check_bank(server):
    """The database must be a state that was there; returns how many transfers it has."""
    numbers = [row["n"] for row in server.query("MATCH ()-[p:PAID]->() RETURN p.n AS n ORDER BY n")]
    assert numbers == list(range(1, len(numbers) + 1))
    [row] = server.query("MATCH (c:Counter) RETURN c.n AS n")
    assert row["n"] == len(numbers)
    [row] = server.query("MATCH (a:Account) RETURN sum(a.balance) AS sum, count(a) AS count")
    assert row == {"sum": 100 * ACCOUNTS, "count": ACCOUNTS}
    [row] = server.query("MATCH (f:Filler) RETURN count(f) AS count")
    assert row["count"] == FILLERS
    return len(numbers)


def restore(pki, home, file, key, database="neo4j", *more):
    """Restores into a home and returns its server, not started, and what became of it."""
    server = make_server(pki, home, set_password=False)
    arguments = ["database", "restore", f"--from-path={file}", "--encryption-key-file", key, "--json", *more, database]
    return server, server.admin(*map(str, arguments), check=False)


class Proxy:
    """Passes connections on and cuts them after so many bytes from the server; afterwards it passes all."""

    def __init__(self, target, cuts=(), port=0):
        host, port_of_target = target.rsplit(":", 1)
        self.target, self.cuts, self.listener = (host, int(port_of_target)), list(cuts), socket.create_server((HOST, port))
        self.address = f"{HOST}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                limit = self.cuts.pop(0) if self.cuts else None
                server = socket.create_connection(self.target)
                threading.Thread(target=self.pump, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self.pump, args=(server, client, limit), daemon=True).start()

    @staticmethod
    def pump(source, target, limit):
        with contextlib.suppress(OSError):
            while limit != 0 and (data := source.recv(min(65_536, limit or 65_536))):
                target.sendall(data)
                limit = None if limit is None else limit - len(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        # Without this the thread that accepts keeps the port.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_a_backup_under_writes_restores_in_another_home_with_data_users_and_constraints(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    with Transfers(bank) as transfers:
        time.sleep(0.5)
        taken, said = taker.back_up(bank.addresses["backup"], "*")
        before = transfers.made
        time.sleep(0.3)
    assert transfers.made > before > 0
    assert "KEEP A COPY" in said
    files = {backup["database"]: backup for backup in taken}
    assert sorted(files) == ["neo4j", "system"] and taker.partials() == []
    assert all(oct(pathlib.Path(backup["file"]).stat().st_mode & 0o777) == "0o600" for backup in taken)
    key = taker.home / "conf/backup.key"
    assert oct(key.stat().st_mode & 0o777) == "0o400"

    table = taker.admin("backup", "inspect", taker.backups)
    assert table.returncode == 0 and "HIGHEST TX" in table.stdout and table.stderr == ""
    home = tmp_path / "other" / "home"
    for database in ("system", "neo4j"):
        server, done = restore(pki, home, files[database]["file"], key, database)
        assert done.returncode == 0, done.stderr
    with server:
        transfers = check_bank(server)
        assert files["neo4j"]["highest_tx"] == commits_before_transfers() + transfers
        with pytest.raises(Exception, match="already exists"):
            server.query("CREATE (:Account {n: 1})")
        server.query("CREATE (:Account {n: 1000})")
    server.stop()
    log = (bank.home / "logs").glob("*")
    audited = "".join(file.read_text(errors="replace") for file in log if file.is_file())
    assert "backup_started" in audited and "backup_ended" in audited and "CN=good taker" in audited


def test_only_a_good_certificate_of_the_servers_authority_takes_backups(pki, bank, tmp_path):
    for name in ("expired", "revoked", "wrong usage", "other authority"):
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        taker = Taker(pki, folder, pki.takers[name])
        done = taker.admin(*taker.arguments(bank.addresses["backup"]))
        assert done.returncode != 0, name
        assert list(taker.backups.iterdir()) == [], name
        said = {"expired": "expired", "revoked": "Revoked"}.get(name, "the server ended the connection at once")
        assert said in done.stderr, (name, done.stderr)
    host, port = bank.addresses["backup"].rsplit(":", 1)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(pki.root.certificate))
        context.minimum_version = context.maximum_version = version
        with pytest.raises(OSError), socket.create_connection((host, int(port)), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as stream:
                request = b'{"request":"list","protocol":1}'
                stream.sendall(b"R" + len(request).to_bytes(4, "big") + request)
                assert stream.recv(100) == b"", "nobody is answered without a certificate"
                raise OSError("closed")


def test_strangers_who_stay_silent_keep_nobody_out_and_do_not_fill_the_log(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    host, port = bank.addresses["backup"].rsplit(":", 1)
    lines = bank.output().count("a backup connection ended")
    strangers = []
    try:
        for number in range(400):
            stranger = socket.create_connection((host, int(port)), timeout=10, source_address=(f"127.0.1.{number % 16 + 1}", 0))
            stranger.sendall(b"\x16\x03\x01\x02\x00\x01")
            strangers.append(stranger)
        taken, _ = taker.back_up(bank.addresses["backup"])
        assert taken[0]["sound"]
    finally:
        for stranger in strangers:
            stranger.close()
    time.sleep(1)
    assert bank.output().count("a backup connection ended") - lines < 30


def test_a_server_that_cannot_be_believed_gets_no_connection(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    lay_out(taker.home, "backup", pki.takers["good"], [pki.stranger.certificate])
    done = taker.admin(*taker.arguments(bank.addresses["backup"]))
    assert done.returncode == 1 and "secure connection" in done.stderr, done.stderr
    lay_out(taker.home, "backup", pki.takers["good"], [pki.root.certificate])
    port = bank.addresses["backup"].rsplit(":", 1)[1]
    proxy = Proxy(bank.addresses["backup"])
    other_name = f"127.0.0.2:{proxy.address.rsplit(':', 1)[1]}"
    proxy.close()
    listener = socket.create_server(("127.0.0.2", int(other_name.rsplit(":", 1)[1])))
    proxy.listener = listener
    threading.Thread(target=proxy.accept, daemon=True).start()
    done = taker.admin(*taker.arguments(other_name))
    assert done.returncode == 1 and "secure connection" in done.stderr, done.stderr
    proxy.close()
    done = taker.admin(*taker.arguments(f"localhost:{port}"))
    assert done.returncode == 0, done.stderr


def test_a_cut_backup_goes_on_by_itself_and_in_the_next_run(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    proxy = Proxy(bank.addresses["backup"], cuts=[1_500_000, 900_000, 2_000_000])
    taken, said = taker.back_up(proxy.address)
    assert taken[0]["resumed"] >= 2 and "trying again" in said, said
    proxy.cuts = [1_200_000, 0, 0, 0, 0]
    done = taker.admin(*taker.arguments(proxy.address))
    assert done.returncode == 1 and "lost" in done.stderr, done.stderr
    [partial] = taker.partials()
    with Transfers(bank, 1):
        time.sleep(0.5)
    proxy.cuts = []
    taken, said = taker.back_up(proxy.address)
    assert taken[0]["resumed"] == 1 and taken[0]["file"] == str(partial).removesuffix(".partial"), said
    assert taker.partials() == []
    server, done = restore(pki, tmp_path / "restored" / "home", taken[0]["file"], taker.home / "conf/backup.key")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["commit"] == taken[0]["highest_tx"]
    proxy.close()


def test_a_client_that_is_killed_leaves_a_part_that_the_next_run_goes_on_with(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    taker.admin("database", "backup", "--from", "127.0.0.1:1", "--to-path", taker.backups, "neo4j")
    command = [BINARY, "admin", "--home", taker.home, *map(str, taker.arguments(bank.addresses["backup"]))]
    resumed = 0
    for _ in range(12):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wanted = sum(file.stat().st_size for file in taker.partials()) + random.randrange(200_000, 1_500_000)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            if sum(file.stat().st_size for file in taker.partials()) >= wanted:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.0005)
        process.wait()
        if process.returncode == 0:
            break
        resumed += 1
        assert len(taker.partials()) <= 1
    taken, _ = taker.back_up(bank.addresses["backup"])
    assert resumed > 0
    inspected = taker.admin("backup", "inspect", taker.backups, "--json")
    assert inspected.returncode == 0, inspected.stderr
    assert all(backup["sound"] for backup in json.loads(inspected.stdout)["backups"])


def test_a_server_that_was_restarted_takes_the_backup_anew_and_says_so(pki, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    server = make_server(pki, tmp_path / "server" / "home")
    with server:
        texts = [random.randbytes(150).hex() for _ in range(10_000)]
        server.query("UNWIND $texts AS text CREATE (:Filler {text: text})", texts=texts)
        proxy = Proxy(server.addresses["backup"], cuts=[1_200_000, 0, 0, 0, 0])
        assert taker.admin(*taker.arguments(proxy.address)).returncode == 1
        assert len(taker.partials()) == 1
        server.stop()
        server.start()
        port = int(proxy.address.rsplit(":", 1)[1])
        proxy.close()
        proxy = Proxy(server.addresses["backup"], port=port)
        taken, said = taker.back_up(proxy.address)
        assert "starting anew" in said and taken[0]["resumed"] == 0 and taker.partials() == []
        proxy.close()


def test_damage_is_named_and_nothing_damaged_is_restored(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    taken, _ = taker.back_up(bank.addresses["backup"])
    good = pathlib.Path(taken[0]["file"])
    content, key = good.read_bytes(), taker.home / "conf/backup.key"
    bad = taker.backups / "bad.backup"
    place = len(content) // 2
    cases = {
        "flipped": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
        "cut": content[:place],
        "longer": content + b"\0",
        "empty": b"",
    }
    home = tmp_path / "restored" / "home"
    for name, altered in cases.items():
        bad.write_bytes(altered)
        inspected = taker.admin("backup", "inspect", taker.backups)
        assert inspected.returncode == 1 and "bad.backup" in inspected.stderr and good.name in inspected.stdout, name
        _, done = restore(pki, home, bad, key)
        assert done.returncode == 1 and "nothing was restored" in done.stderr, (name, done.stderr)
        assert not (home / "data/databases/neo4j").exists(), name
    other_key = tmp_path / "other.key"
    fresh = Taker(pki, tmp_path / "fresh", pki.takers["good"])
    fresh.admin("database", "backup", "--from", bank.addresses["backup"], "--to-path", fresh.backups, "neo4j")
    shutil.copy(fresh.home / "conf/backup.key", other_key)
    _, done = restore(pki, home, good, other_key)
    assert done.returncode == 1 and "backup key" in done.stderr, done.stderr


def test_a_full_disk_is_told_and_what_is_there_is_gone_on_with(pki, bank, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], capture_output=True).returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    try:
        taker = Taker(pki, tmp_path, pki.takers["good"])
        done = taker.admin(*taker.arguments(bank.addresses["backup"], folder=small))
        assert done.returncode == 1 and "No space left" in done.stderr and "goes on with it" in done.stderr, done.stderr
        assert len(taker.partials(small)) == 1 and list(small.glob("*.backup")) == []
        # Not even a header finds room: nothing is left that nobody can go on with.
        done = taker.admin(*taker.arguments(bank.addresses["backup"], database="system", folder=small))
        assert done.returncode == 1 and "No space left" in done.stderr, done.stderr
        assert len(taker.partials(small)) == 1, os.listdir(small)
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        taken, _ = taker.back_up(bank.addresses["backup"], folder=small)
        assert taken[0]["resumed"] == 1 and taken[0]["sound"]
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_running_server_is_not_restored_over_and_a_killed_restore_leaves_old_or_new(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    taken, _ = taker.back_up(bank.addresses["backup"])
    file, key = taken[0]["file"], taker.home / "conf/backup.key"
    arguments = ["database", "restore", f"--from-path={file}", "--encryption-key-file", str(key), "--overwrite-destination", "neo4j"]
    server = make_server(pki, tmp_path / "server" / "home")
    outcomes = set()
    with server:
        server.query("CREATE (:Old)")
        done = server.admin(*arguments, check=False)
        assert done.returncode == 1 and "is running" in done.stderr, done.stderr
        assert server.query("MATCH (o:Old) RETURN count(o) AS n") == [{"n": 1}]
        server.stop()
        begun = time.monotonic()
        scratch, done = restore(pki, tmp_path / "timing" / "home", file, key)
        length = time.monotonic() - begun
        for number in range(10):
            process = subprocess.Popen([BINARY, "admin", "--home", server.home, *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            time.sleep(length * (number + 1) / 9 * random.uniform(0.8, 1.1))
            process.send_signal(signal.SIGKILL)
            process.wait()
            server.start()
            rows = server.query("MATCH (n) RETURN count(n) AS n, sum(CASE WHEN n:Old THEN 1 ELSE 0 END) AS old")
            is_new = rows[0]["old"] == 0
            assert rows[0]["n"] == (FILLERS + ACCOUNTS + 1 if is_new else 1), rows
            outcomes.add(is_new)
            assert not [name for name in os.listdir(server.home / "data/databases") if name.startswith(".restore")]
            server.stop()
            if is_new:
                break
        done = server.admin(*arguments, check=False)
        assert done.returncode == 0, done.stderr
        server.start()
        check_bank(server)
    print("kills left", outcomes)


def test_a_disk_that_is_full_during_a_restore_leaves_what_was_there(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    taken, _ = taker.back_up(bank.addresses["backup"])
    arguments = [
        "database", "restore", f"--from-path={taken[0]['file']}", "--encryption-key-file",
        str(taker.home / "conf/backup.key"), "--overwrite-destination", "neo4j",
    ]  # fmt: skip
    server = make_server(pki, tmp_path / "server" / "home")
    with server:
        server.query("CREATE (:Old)")
        server.stop()
        databases = server.home / "data/databases"
        aside = tmp_path / "aside"
        shutil.copytree(databases, aside)
        mount = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=700", "tmpfs", databases]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("a file system cannot be mounted here")
        try:
            shutil.copytree(aside, databases, dirs_exist_ok=True)
            statistics = os.statvfs(databases)
            used = (statistics.f_blocks - statistics.f_bfree) * statistics.f_frsize
            for room in (64 << 10, 1 << 20, 3 << 20):
                subprocess.run(["mount", "-o", f"remount,size={used + room}", databases], check=True)
                done = server.admin(*arguments, check=False)
                assert done.returncode == 1 and "nothing was restored" in done.stderr, (room, done.stdout, done.stderr)
                assert "space" in done.stderr.lower(), done.stderr
                assert sorted(os.listdir(databases)) == ["neo4j", "system"], room
            subprocess.run(["mount", "-o", "remount,size=300m", databases], check=True)
            server.start()
            assert server.query("MATCH (n) RETURN count(n) AS n, sum(CASE WHEN n:Old THEN 1 ELSE 0 END) AS old") == [{"n": 1, "old": 1}]
            server.stop()
            done = server.admin(*arguments, check=False)
            assert done.returncode == 0, done.stderr
            server.start()
            check_bank(server)
            server.stop()
        finally:
            subprocess.run(["umount", databases], check=True)


def test_two_first_backups_at_one_time_share_the_key_that_stays(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    command = [BINARY, "admin", "--home", taker.home, *taker.arguments(bank.addresses["backup"], database="*")]
    # The server sends four at most, and may still be sending to a client of an earlier test that was killed.
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(process.communicate(timeout=120), process.returncode) for process in processes]
    files = []
    for (out, errors), code in ends:
        assert code == 0, errors
        files += [backup["file"] for backup in json.loads(out)["backups"]]
    assert sum("made the backup key" in errors for (_, errors), _ in ends) == 1
    assert len(set(files)) == len(files) == 6
    inspected = taker.admin("backup", "inspect", "--json", taker.backups)
    assert inspected.returncode == 0 and all(backup["sound"] for backup in json.loads(inspected.stdout)["backups"])


def test_progress_is_drawn_on_a_terminal_only(pki, bank, tmp_path):
    taker = Taker(pki, tmp_path, pki.takers["good"])
    _, said = taker.back_up(bank.addresses["backup"])
    assert "%" not in said
    inner, outer = pty.openpty()
    command = [BINARY, "admin", "--home", taker.home, *map(str, taker.arguments(bank.addresses["backup"]))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=outer)
    os.close(outer)
    shown = b""
    with contextlib.suppress(OSError):
        while data := os.read(inner, 65_536):
            shown += data
    assert process.wait() == 0
    assert b"neo4j" in shown and b"%" in shown and b"iB/s" in shown, shown[-500:]
