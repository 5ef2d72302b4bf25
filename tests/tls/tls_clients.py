"""Four TLS clients that have nothing in common with the server: `openssl s_client`, Python, Node and Java.

Each takes a list of cases and says for each whether the server served it. A client counts as served only when it read an answer of
the protocol after the handshake, because in TLS 1.3 a client finishes its handshake before the server has looked at its certificate.
"""

import dataclasses
import json
import os
import pathlib
import select
import socket
import ssl
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
SECONDS_MAX = 15
PROGRAM_SECONDS_MAX = 180

BOLT = (bytes.fromhex("6060b017" + "00000405" + "00000004" * 3), 4)
HTTPS = (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 12)
BACKUP_GREETING = b'{"request":"list","protocol":1}'
BACKUP = (b"R" + len(BACKUP_GREETING).to_bytes(4, "big") + BACKUP_GREETING, 5)
QUESTIONS = {"bolt": BOLT, "https": HTTPS, "backup": BACKUP}
"""Per protocol: what a client sends after the handshake, and how many bytes of answer prove that it was served."""

SERVED, REFUSED = "served", "refused"


@dataclasses.dataclass(frozen=True)
class Case:
    """One connection to make. `identity` may be `None`; `version` is `1.2` or `1.3`."""

    name: str
    protocol: str
    port: int
    version: str
    identity: object
    authority: pathlib.Path
    own_choice: bool = False
    """Whether a Java client lets its stock key manager choose, which heeds the server's list of authorities."""

    def as_json(self):
        """What the Java and Node programs read."""
        question, enough = QUESTIONS[self.protocol]
        return {
            "name": self.name,
            "port": self.port,
            "version": f"TLSv{self.version}",
            "authority": str(self.authority),
            "key": str(self.identity.key) if self.identity else "",
            "chain": str(self.identity.chain) if self.identity else "",
            "pkcs12": str(self.identity.pkcs12) if self.identity else "",
            "own_choice": self.own_choice,
            "question": question.hex(),
            "enough": enough,
        }


def s_client_command(case, *options):
    """`openssl s_client`, verifying chain and name of the server."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{case.port}", "-servername", "localhost", "-quiet"]
    command += ["-CAfile", case.authority, "-verify_return_error", "-verify_hostname", "localhost"]
    command += [f"-tls{case.version.replace('.', '_')}"]
    if case.identity:
        command += ["-cert", case.identity.certificate, "-key", case.identity.key, "-cert_chain", case.identity.chain]
    return [str(part) for part in [*command, *options]]


def read_answer(stream, enough, seconds=SECONDS_MAX):
    """Reads from a pipe until there is enough, or its end."""
    answer, deadline = b"", time.monotonic() + seconds
    while len(answer) < enough:
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(f"neither an answer nor an end within {seconds} s")
        piece = os.read(stream.fileno(), 4096)
        if not piece:
            break
        answer += piece
    return answer


def ask_with_s_client(case, *options):
    """Served or refused, and what `s_client` said of it."""
    question, enough = QUESTIONS[case.protocol]
    process = subprocess.Popen(
        s_client_command(case, *options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        try:
            process.stdin.write(question)
            process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = read_answer(process.stdout, enough)
    finally:
        process.kill()
        said = process.communicate()[1].decode(errors="replace")
    return (SERVED if len(answer) >= enough else REFUSED), said


def python_context(case):
    """A context of the one version, with the client's certificate."""
    context = ssl.create_default_context(cafile=str(case.authority))
    context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{case.version.replace('.', '_')}"]
    if case.identity:
        context.load_cert_chain(case.identity.chain, case.identity.key)
    return context


@dataclasses.dataclass(frozen=True)
class Met:
    """What a Python client saw of a connection that was served."""

    version: str
    application_protocol: str | None
    session: object
    resumed: bool


def ask_with_python(case, session=None, context=None):
    """Served or refused, and the error's text or what was met."""
    question, enough = QUESTIONS[case.protocol]
    context = context or python_context(case)
    try:
        with socket.create_connection(("127.0.0.1", case.port), timeout=SECONDS_MAX) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                connection.sendall(question)
                answer = b""
                while len(answer) < enough:
                    piece = connection.recv(4096)
                    if not piece:
                        return REFUSED, "end of stream"
                    answer += piece
                met = Met(connection.version(), connection.selected_alpn_protocol(), connection.session, connection.session_reused)
                return SERVED, met
    except ssl.SSLCertVerificationError as error:
        raise AssertionError(f"the client refused the server: {error}") from error
    except TimeoutError:
        raise
    except OSError as error:
        return REFUSED, str(error)


def outcomes_of_program(command, cases):
    """Runs a program that reads cases as JSON lines and writes outcomes as JSON lines."""
    lines = "".join(json.dumps(case.as_json()) + "\n" for case in cases)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=PROGRAM_SECONDS_MAX)
    outcomes = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        outcomes[answer["name"]] = (answer["outcome"], answer["said"])
    if done.returncode != 0 or len(outcomes) != len(cases):
        raise AssertionError(f"{command} ended with {done.returncode} after {len(outcomes)} cases: {done.stderr}")
    return outcomes


def run_s_client(cases, _work):
    """Every case by `openssl s_client`."""
    return {case.name: ask_with_s_client(case) for case in cases}


def run_python(cases, _work):
    """Every case by Python's `ssl`."""
    return {case.name: (answer[0], str(answer[1])) for case in cases for answer in [ask_with_python(case)]}


def run_node(cases, _work):
    """Every case by Node's `tls`."""
    return outcomes_of_program(["node", str(HERE / "clients/matrix.js")], cases)


def run_java(cases, work):
    """Every case by Java's `SSLSocket`; the program is compiled into the folder `work` once."""
    if not (work / "Matrix.class").exists():
        subprocess.run(["javac", "-d", str(work), str(HERE / "clients/Matrix.java")], check=True, timeout=PROGRAM_SECONDS_MAX)
    return outcomes_of_program(["java", "-Xshare:auto", "-cp", str(work), "Matrix"], cases)


CLIENTS = {"s_client": run_s_client, "python": run_python, "node": run_node, "java": run_java}
