"""The commands of docs/query-api.md, run as they stand there."""

import os
import re
import subprocess

from api import Api
from harness import PASSWORD, ROOT


def test_the_commands_of_the_page_work(server):
    page = (ROOT / "docs/query-api.md").read_text()
    commands = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    assert len(commands) == 5
    environment = {
        **os.environ,
        "BASE": Api(server).root,
        "CA": str(server.certificate_authority),
        "USER_AND_PASSWORD": f"neo4j:{PASSWORD}",
    }
    script = "set -euo pipefail\n" + "\n".join(commands)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ('"values":[["Alice"]]', "2024-02-29", '"_body":[3]', "bookmarks", '"openapi":"3.1'):
        assert part in done.stdout
