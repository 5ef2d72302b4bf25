"""The audit log holds what is promised, and tells where it was altered."""

import json

import pytest
from probes import audit_events, fresh_user, login_error, system

from harness import Server


@pytest.fixture(scope="module")
def audited():
    """The logs of a server that has stopped."""
    with Server() as server:
        fresh_user(server, "ada")
        login_error(server, "ada", "wrong-Password-entirely-4")
        for _ in range(3):
            server.query("RETURN 1")
        system(server, "DROP USER ada")
        assert server.stop() == 0
        yield server


def verify(server, lines=None):
    """Verifies the audit log as it is, or with other lines, which are put back afterwards."""
    log = server.home / "logs/audit.log"
    before = log.read_bytes()
    try:
        if lines is not None:
            log.write_bytes(lines)
        return server.admin("audit", "verify", check=False)
    finally:
        log.write_bytes(before)


def test_audit_holds_what_is_promised_and_verifies(audited):
    events = audit_events(audited)
    actions = {event["action"] for event in events}
    assert {"configuration", "server_started", "server_stopped", "user_created", "user_dropped"} <= actions
    assert any("login" in action for action in actions) and any("127.0.0.1" in json.dumps(event) for event in events)
    failed = [event for event in events if "login" in event["action"] and event["outcome"] != "success"]
    assert failed and "ada" in json.dumps(failed[0]) and "127.0.0.1" in json.dumps(failed[0])
    done = verify(audited)
    assert done.returncode == 0 and str(len(events)) in done.stdout


def test_audit_verify_names_the_altered_line(audited):
    lines = (audited.home / "logs/audit.log").read_bytes().splitlines(keepends=True)
    for place in (0, 3, len(lines) - 1):
        changed = list(lines)
        changed[place] = changed[place].replace(b"success", b"suxcess").replace(b"127.0.0.1", b"127.0.0.9")
        if changed == lines:
            changed[place] = changed[place].replace(b'"time"', b'"tyme"')
        assert changed != lines, lines[place]
        done = verify(audited, b"".join(changed))
        assert done.returncode != 0 and f"line {place + 1}" in done.stderr


def test_audit_verify_names_where_a_line_was_removed_or_the_end_cut(audited):
    lines = (audited.home / "logs/audit.log").read_bytes().splitlines(keepends=True)
    middle = verify(audited, b"".join(lines[:3] + lines[4:]))
    assert middle.returncode != 0 and "line 4" in middle.stderr
    first = verify(audited, b"".join(lines[1:]))
    assert first.returncode != 0 and "line 1" in first.stderr
    last = verify(audited, b"".join(lines[:-1]))
    assert last.returncode != 0 and f"line {len(lines)}" in last.stderr
    half = verify(audited, b"".join(lines)[:-20])
    assert half.returncode != 0 and f"line {len(lines)}" in half.stderr
    swapped = verify(audited, b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))
    assert swapped.returncode != 0 and "line 3" in swapped.stderr
    empty = verify(audited, b"")
    assert empty.returncode != 0
