"""Reading certificates again: each way of asking for it, faults of several channels, and others served meanwhile."""

import os
import signal
import threading
import time

import pytest
from running import (
    KEY_PASSWORD,
    SCOPES,
    all_serve,
    call_reload,
    encrypted,
    events,
    folder_of,
    generation,
    install,
    policies,
    put_back,
    refusal,
    renewed,
    run,
    served,
    until,
    who_am_i,
)

from harness import PASSWORD


def by_procedure(server):
    call_reload(server)


def by_signal(server):
    server.process.send_signal(signal.SIGHUP)


def by_content(_server):
    pass


@pytest.mark.parametrize(("way", "trigger"), [(by_procedure, None), (by_signal, "SIGHUP"), (by_content, "files have changed")])
def test_every_way_of_reloading_replaces_all_channels_once_and_is_audited(way, trigger, server, pki):
    new = renewed(pki, f"renewed {way.__name__}")
    before, known = generation(server), len(events(server, "tls_policies_reloaded"))
    with put_back(server, pki):
        key = encrypted(new, KEY_PASSWORD)
        for scope in SCOPES:
            install(folder_of(server, scope), new, key if scope == "bolt" else None)
        way(server)
        until(lambda: all_serve(server, pki, new))
        # The watch looks once a second and waits for files to rest: whoever came first, it must not do it again.
        time.sleep(2.5)
        assert generation(server) == before + 1
        found = events(server, "tls_policies_reloaded")[known:]
        assert all(event["outcome"] == "success" for event in found)
        done = [event for event in found if "generation" in event["details"]]
        assert [event["details"]["generation"] for event in done] == [str(before + 1)]
        assert done[0]["details"].get("trigger") == trigger
        assert done[0].get("user") == (None if trigger else "neo4j")


@pytest.mark.parametrize("way", [by_procedure, by_signal, by_content])
def test_faults_of_several_channels_are_all_told_and_nothing_changes(way, server, pki):
    before, known = generation(server), len(events(server, "tls_policies_reloaded"))
    with put_back(server, pki):
        (folder_of(server, "bolt") / "public.crt").write_bytes(pki.server.chain.read_bytes()[:300])
        folder_of(server, "https").chmod(0o777)
        (folder_of(server, "https") / "private.key").chmod(0o644)
        note, pipe = (folder_of(server, "backup") / "trusted" / name for name in ("note.txt", "pipe"))
        note.write_text("remember the milk")
        os.mkfifo(pipe)
        try:
            if way is by_procedure:
                message = refusal(server, "CALL dbms.security.reloadTLS()")
            else:
                way(server)
                until(lambda: any(event["outcome"] == "failure" for event in events(server, "tls_policies_reloaded")[known:]))
                message = policies(server)["bolt"]["lastReloadError"]
            for wanted in ("bolt/public.crt", "certificates/https`", "https/private.key", "backup/trusted/note.txt", "backup/trusted/pipe"):
                assert wanted in message, f"{wanted} is not in: {message}"
            assert "milk" not in message
            assert all_serve(server, pki, pki.server) and generation(server) == before
            [failed] = [event for event in events(server, "tls_policies_reloaded")[known:] if event["outcome"] == "failure"]
            assert "bolt/public.crt" in failed["details"]["reason"]
            assert "bolt/public.crt" in server.output()
        finally:
            note.unlink()
            pipe.unlink()
            folder_of(server, "https").chmod(0o755)
    assert policies(server)["bolt"]["lastReloadError"] is None


@pytest.mark.parametrize("way", [by_procedure, by_signal])
def test_others_are_served_while_a_reload_takes_its_time(way, slow, pki):
    before = generation(slow)
    slow.hold.touch()
    reloading = threading.Thread(target=way, args=(slow,))
    try:
        reloading.start()
        time.sleep(0.3)
        for _ in range(3):
            assert run(slow, "RETURN 1 AS one", database="neo4j") == [{"one": 1}]
            assert served(slow, pki, "https") == pki.server.fingerprint()
        assert who_am_i(slow, pki, auth=("neo4j", PASSWORD)) == "neo4j"
        assert generation(slow) == before, "the reload was over before others were served"
    finally:
        slow.hold.unlink()
        reloading.join()
    until(lambda: generation(slow) == before + 1)


def test_a_command_for_a_password_that_fails_is_one_reason_among_others(slow, pki):
    secret = slow.home.parent / "password"
    secret.rename(secret.with_suffix(".away"))
    chain = folder_of(slow, "https") / "public.crt"
    chain.rename(chain.with_suffix(".away"))
    try:
        message = refusal(slow, "CALL dbms.security.reloadTLS()")
        assert "dbms.ssl.policy.bolt.private_key_password" in message and "https/public.crt" in message
    finally:
        secret.with_suffix(".away").rename(secret)
        chain.with_suffix(".away").rename(chain)
    call_reload(slow)
