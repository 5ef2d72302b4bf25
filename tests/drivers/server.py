"""Starts a server for the driver suites of all languages, runs one command against it, and ends it.

Usage: server.py COMMAND [ARGUMENT ...]. The command finds BASTIDE_PORT, BASTIDE_PASSWORD and BASTIDE_CA in its environment,
and BASTIDE_OPTIONAL_PORT of a second server that also takes plain connections.
"""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import PASSWORD, Server  # noqa: E402

with Server() as server, Server(settings={"server.bolt.tls_level": "OPTIONAL"}) as optional:
    environment = {
        **os.environ,
        "BASTIDE_PORT": str(server.port),
        "BASTIDE_OPTIONAL_PORT": str(optional.port),
        "BASTIDE_PASSWORD": PASSWORD,
        "BASTIDE_CA": str(server.certificate_authority),
    }
    code = subprocess.run(sys.argv[1:], env=environment).returncode
    if code != 0:
        print(server.output()[-4000:], file=sys.stderr)
sys.exit(code)
