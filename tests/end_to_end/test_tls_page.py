"""Types what `docs/tls.md` says, as it stands there, into an empty folder.

Blocks marked `sh` go into one bash, `conf` blocks into `conf/bastide.conf`; comments say what must come back. The default
ports are free, since all of it happens in a network namespace of its own (which needs root, as other tests here do).
"""

import os
import re
import select
import subprocess
import textwrap
import time

from harness import BINARY, ROOT

PAGE = ROOT / "docs/tls.md"
SECONDS_MAX = 120
BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>sh|conf)\n(?P<text>.*?)^ *```\n(?P<comments>(?: *<!-- .*? -->\n)*)", re.M | re.S)
COMMENT = re.compile(r"<!-- (expect|expect-exit): (.*?) -->")


def steps(page):
    """Each block of the page: its line, its kind, its text, what must come back, and the exit code."""
    found = []
    for match in BLOCK.finditer(page):
        comments = COMMENT.findall(match["comments"])
        codes = [int(text) for kind, text in comments if kind == "expect-exit"]
        found.append({
            "line": page.count("\n", 0, match.start()) + 1,
            "kind": match["kind"],
            "text": textwrap.dedent(match["text"]),
            "expected": [text for kind, text in comments if kind == "expect"],
            "code": codes[0] if codes else 0,
        })
    return found


def with_settings(text, block):
    """A configuration file with the lines of `block` in place of those that set the same."""
    names = {line.split("=", 1)[0] for line in block.splitlines()}
    kept = [line for line in text.splitlines() if line.split("=", 1)[0] not in names]
    return "\n".join(kept + block.splitlines()) + "\n"


class Terminal:
    """One bash in a network namespace of its own."""

    def __init__(self, folder):
        self.folder = folder
        environment = {**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
        for name in ("BASTIDE_HOME", "NEO4J_PASSWORD", "NEO4J_ADDRESS"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            ["unshare", "--net", "bash", "--norc"], cwd=folder, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        output, code = self.type("ip link set lo up\numask 077\nshopt -s expand_aliases\nset -m\n")
        assert code == 0, f"no network namespace: {output}"

    def type(self, text):
        """Types lines; returns what came back, and the exit code of the first that failed."""
        (self.folder / "typed").write_text(text)
        self.process.stdin.write(b"failed=0; set -E; trap 'code=$?; [ $failed = 0 ] && failed=$code' ERR; source ./typed; trap - ERR; echo ===$failed\n")
        self.process.stdin.flush()
        output = b""
        deadline = time.monotonic() + SECONDS_MAX
        while not (end := re.search(rb"===(\d+)\n$", output)):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"nothing came back in {SECONDS_MAX} s: {output.decode(errors='replace')}"
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            assert read, f"bash ended: {output.decode(errors='replace')}"
            output += read
        return output[: end.start()].decode(errors="replace"), int(end[1])

    def close(self):
        """Ends what the page started, and bash."""
        self.process.stdin.write(b"kill $(jobs -p) 2> /dev/null; wait; exit\n")
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def test_the_page_about_tls_works_as_it_stands(tmp_path):
    conf = tmp_path / "bastide-home/conf/bastide.conf"
    terminal = Terminal(tmp_path)
    try:
        for step in steps(PAGE.read_text()):
            if step["kind"] == "conf":
                conf.touch(mode=0o600)
                conf.write_text(with_settings(conf.read_text(), step["text"]))
                continue
            output, code = terminal.type(step["text"])
            log = tmp_path / "server.log"
            told = f"docs/tls.md:{step['line']}: {output}\n{log.read_text() if log.exists() else ''}"
            assert code == step["code"], f"ended with {code}: {told}"
            for expected in step["expected"]:
                assert expected in output, f"`{expected}` is missing: {told}"
    finally:
        terminal.close()


def test_every_block_of_the_page_is_typed():
    page = PAGE.read_text()
    fences = [line.strip() for line in page.splitlines() if line.strip().startswith("```")]
    assert len(fences) == 2 * len(steps(page)) and set(fences) == {"```", "```sh", "```conf"}
