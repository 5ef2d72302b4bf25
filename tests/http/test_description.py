"""The OpenAPI document held against the running server by schemathesis.

Owns which checks are on. Every path is asked with data that fits the description and data that does not; every status, media type,
header and body that comes back must be described.
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from api import LINES, TYPED
from harness import PASSWORD

SECONDS_MAX = 15
CHECKS_NOT_MADE = {
    # Knows DELETE as the only end of what was made; use_after_free, which needs no more than that, is on.
    "ensure_resource_availability": "a transaction also ends with its commit, and with a statement that fails",
    # A statement is any text; the description cannot say which texts are Cypher.
    "positive_data_acceptance": "most texts are no statements, and are answered 400",
    # Needs two users and resources that one of them owns; test_transactions.py does this with transactions.
    "object_level_authorization": "is tested with real transactions of two users",
}


# Links lead from one document to the next request; lines have no such place.
PHASES = {"application/json": "all", TYPED: "all", LINES: "examples,coverage,fuzzing"}


@pytest.mark.parametrize("accept", PHASES)
def test_the_server_is_as_described(server, accept):
    folder = pathlib.Path(__file__).parent
    address = server.addresses["http"]
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(folder / "schemathesis.toml"),
        "run",
        f"http://{address}/openapi.json",
        "--auth",
        f"neo4j:{PASSWORD}",
        "--header",
        f"Accept: {accept}",
        "--checks",
        "all",
        "--exclude-checks",
        ",".join(CHECKS_NOT_MADE),
        *([] if PHASES[accept] == "all" else ["--phases", PHASES[accept]]),
        "--max-examples",
        "20",
        "--max-time",
        str(SECONDS_MAX),
        "--generation-database",
        "none",
        "--suppress-health-check",
        "all",
        "--no-color",
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(folder / "schemathesis_hooks.py")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=server.home, env=environment)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    asked, passed = map(int, re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups())
    assert asked == passed > 100, done.stdout[-5_000:]
    assert server.process.poll() is None
    assert "panicked" not in server.output()
