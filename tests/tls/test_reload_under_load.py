"""Certificates replaced every second while drivers open, query and close: no query may fail.

Owns the load and the count; `BASTIDE_RELOAD_SECONDS` sets how long (8 if not set). Times are printed, never asserted.
"""

import dataclasses
import functools
import os
import random
import threading
import time

import neo4j
import pytest
from scopes import lay_out, policy
from test_reload import CHANNELS, Held, call_reload, folder_of, renewed, replace, served_certificate

from harness import PASSWORD, Server

SECONDS = int(os.environ.get("BASTIDE_RELOAD_SECONDS", "8"))
TURN_SECONDS = 10
CONNECTIONS = 32
FAULTY_SHARE = 0.3


@dataclasses.dataclass
class Tally:
    """What the drivers met."""

    seconds: list
    failures: list

    def add(self, other):
        self.seconds += other.seconds
        self.failures += other.failures

    def percentile(self, share):
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def load(server, meanwhile):
    """Runs the drivers in threads for the time that `meanwhile` takes."""
    tally, done = Tally([], []), threading.Event()

    def client(number):
        count = 0
        while not done.is_set():
            count += 1
            started = time.perf_counter()
            try:
                with server.driver() as driver, driver.session() as session:
                    expected = number * 1_000_000 + count
                    assert session.run("RETURN $value AS value", value=expected).single()["value"] == expected
                tally.seconds.append(time.perf_counter() - started)
            except Exception as error:
                tally.failures.append(repr(error))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    finally:
        done.set()
        for thread in threads:
            thread.join(timeout=120)
    return tally


def break_a_file(server, chance):
    """Throws in one of the ways in which a renewal goes wrong; returns what puts it right again."""
    channel = chance.choice(CHANNELS)
    folder = folder_of(server, channel)
    file = folder / chance.choice(["public.crt", "private.key", "trusted/junk.crt"])
    before = file.read_bytes() if file.exists() else None
    damaged = folder / "damaged"
    damaged.write_bytes(b"-----BEGIN CERTIFICATE-----\nbroken\n" if before is None else before[: len(before) // 2])
    damaged.chmod(0o400)
    damaged.rename(file)

    def repair():
        if before is None:
            file.unlink()
        else:
            whole = folder / "whole"
            whole.write_bytes(before)
            whole.chmod(0o400)
            whole.rename(file)

    return repair


def test_no_query_fails_while_certificates_are_replaced_every_second(pki):
    server = Server(set_password=False, settings={"server.https.enabled": "true"})
    for channel in CHANNELS:
        lay_out(server.home, channel, pki.server, [pki.root.certificate])
        server.settings |= policy(channel)
    server.authority = pki.root.certificate
    server.admin("dbms", "set-initial-password", PASSWORD)
    chance = random.Random(11)
    # Nothing but the reloads is to cost time while it is measured.
    renewals = [renewed(pki, f"renewal-{number}") for number in range(SECONDS)]
    fingerprints = [identity.fingerprint() for identity in renewals]
    refusals, served = [], []
    quiet, busy = Tally([], []), Tally([], [])

    def renew(identities):
        for identity in identities:
            next_second = time.monotonic() + 1
            if chance.random() < FAULTY_SHARE:
                repair = break_a_file(server, chance)
                serving = served_certificate(server, "bolt", pki)
                with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
                    call_reload(server)
                refusals.append(caught.value.message)
                assert served_certificate(server, "bolt", pki) == serving
                repair()
            replace(server, identity)
            call_reload(server)
            served.append(served_certificate(server, "bolt", pki))
            time.sleep(max(0, next_second - time.monotonic()))

    with server:
        held = Held(server, pki, "1.3")
        try:
            held.log_in()
            # By turns, so that a machine that gets busier or idler does not decide.
            for first in range(0, SECONDS, TURN_SECONDS):
                turn = renewals[first : first + TURN_SECONDS]
                quiet.add(load(server, functools.partial(time.sleep, len(turn))))
                busy.add(load(server, functools.partial(renew, turn)))
            assert held.answers("CREATE (:Held)"), "the connection of before lives on"
        finally:
            held.close()
        for name, tally in (("without", quiet), ("with", busy)):
            print(
                f"{name} reloads: {len(tally.seconds)} queries, {len(tally.failures)} failed, "
                f"median {tally.percentile(0.5):.1f} ms, p99 {tally.percentile(0.99):.1f} ms, longest {tally.percentile(1):.1f} ms"
            )
        print(f"{len(served)} reloads, {len(refusals)} refused")
        assert not quiet.failures and not busy.failures, (quiet.failures[:3], busy.failures[:3])
        assert served == fingerprints
        assert len(busy.seconds) > CONNECTIONS
        assert all(str(server.home) in message for message in refusals)
        assert "panicked" not in server.output()
