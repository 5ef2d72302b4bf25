"""Starts the server as a user would and hands out what a client needs.

Owns processes, homes and ports of the tests; knows nothing of what a test asks. Every process it starts it ends by its own id.
"""

import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import time

import neo4j

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = pathlib.Path(os.environ.get("BASTIDE_BINARY", TARGET / "release/bastide"))
PASSWORD = "correct-Horse-battery-7"
START_SECONDS_MAX = 60


def shared_folder():
    """Where test data lies beside the project; says so clearly when it does not."""
    folder = pathlib.Path(os.environ.get("BASTIDE_SHARED", ROOT / "../shared")).resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"test data is expected at {folder}; set BASTIDE_SHARED")
    return folder


class Server:
    """One server on a home of its own, every listener on a free port of loopback."""

    def __init__(self, home=None, settings=None, set_password=True):
        self.temporary = None if home else tempfile.TemporaryDirectory(prefix="bastide-test-")
        self.home = pathlib.Path(home or self.temporary.name) / "home" if not home else pathlib.Path(home)
        self.settings = {
            "server.bolt.listen_address": "127.0.0.1:0",
            "server.https.listen_address": "127.0.0.1:0",
            "server.backup.enabled": "false",
            **(settings or {}),
        }
        self.process = None
        self.log = None
        self.addresses = {}
        self.authority = None
        if set_password:
            self.admin("dbms", "set-initial-password", PASSWORD)

    def write_settings(self):
        """Writes `conf/bastide.conf`, 0600, as the server demands."""
        conf = self.home / "conf"
        conf.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        file = conf / "bastide.conf"
        file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        file.chmod(0o600)

    def admin(self, *arguments, check=True):
        """Runs `bastide admin`."""
        self.write_settings()
        command = [BINARY, "admin", "--home", self.home, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} failed with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def spawn(self, *arguments, prefix=()):
        """Starts the process, by way of the command `prefix` if given, and does not wait for it to be ready."""
        self.write_settings()
        (self.home / "run/bastide.json").unlink(missing_ok=True)
        self.log = open(self.home.parent / f"{self.home.name}-server.log", "ab")
        self.process = subprocess.Popen(
            [*prefix, BINARY, "start", "--home", self.home, *arguments], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL
        )

    def start(self, *arguments, prefix=()):
        """Starts the server and waits until it says that it is ready."""
        self.spawn(*arguments, prefix=prefix)
        deadline = time.monotonic() + START_SECONDS_MAX
        ready = self.home / "run/bastide.json"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.output()}")
            if ready.exists():
                try:
                    self.addresses = json.loads(ready.read_text())
                    return self
                except json.JSONDecodeError:
                    pass
            time.sleep(0.02)
        raise AssertionError(f"the server was not ready in {START_SECONDS_MAX} s:\n{self.output()}")

    def output(self):
        """Everything that the server printed."""
        return (self.home.parent / f"{self.home.name}-server.log").read_text(errors="replace")

    def fails_to_start(self, *arguments):
        """Starts a server that is expected to refuse; returns its exit code and everything it ever printed."""
        self.spawn(*arguments)
        deadline = time.monotonic() + START_SECONDS_MAX
        while self.process.poll() is None:
            if (self.home / "run/bastide.json").exists() or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server started, but should have refused:\n{self.output()}")
            time.sleep(0.02)
        return self.process.returncode, self.output()

    def kill(self):
        """Ends the process as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self):
        """Asks the process to end, and returns its exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)
        return self.process.returncode if self.process else None

    def close(self):
        """Ends everything and removes the home."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=30)
        if self.log:
            self.log.close()
        if self.temporary:
            self.temporary.cleanup()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    @property
    def port(self):
        """The port of Bolt."""
        return int(self.addresses["bolt"].rsplit(":", 1)[1])

    @property
    def certificate_authority(self):
        """The file that clients may trust: `authority` if a test set it, otherwise the one made at the first start."""
        return self.authority or self.home / "certificates/development-ca.crt"

    def tls_context(self):
        """What a client needs to verify the server."""
        return ssl.create_default_context(cafile=str(self.certificate_authority))

    def driver(self, user="neo4j", password=PASSWORD, scheme="bolt", **options):
        """The official driver, verifying the certificate by the development authority."""
        return neo4j.GraphDatabase.driver(
            f"{scheme}://localhost:{self.port}",
            auth=(user, password),
            encrypted=True,
            trusted_certificates=neo4j.TrustCustomCAs(str(self.certificate_authority)),
            **options,
        )

    def shell(self, *arguments, text=None, password=PASSWORD, user="neo4j", timeout=60):
        """Runs `bastide shell` on this server's home and returns what became of it."""
        command = [BINARY, "shell", "--home", self.home, "-u", user, *arguments]
        environment = {**os.environ, "NEO4J_PASSWORD": password, "NO_COLOR": "1"}
        stdin = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, **stdin)

    def query(self, text, **parameters):
        """Runs one statement and returns its rows as dictionaries."""
        with self.driver() as driver:
            return [record.data() for record in driver.execute_query(text, parameters).records]
