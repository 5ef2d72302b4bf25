"""What the tests of a running server's TLS share: certificates laid out, questions asked, and answers of several kinds.

Owns no test and no fixture. Both ends are strangers to each other: certificates are made by `openssl`, and clients are the official
driver, Python's `ssl` and `openssl s_client`.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import re
import shutil
import socket
import ssl
import time
import urllib.request

import neo4j
import pytest
from neo4j.auth_management import ClientCertificate, ClientCertificateProviders

from harness import PASSWORD
from harness.pki import SERVER_NAMES, openssl

SECONDS_MAX = 30
CONFIGURATION_REFUSED = 3
HOST = "127.0.0.1"
SCOPES = ("bolt", "https", "backup")
KEY_PASSWORD = "Planted-Walrus-6120"
OTHER_KEY_PASSWORD = "Planted-Heron-7741"
WRONG_KEY_PASSWORD = "Planted-Lemur-3308"
RULES = "email:*@people.test=*;dns:reports.people.test=reporting;cn:ghost=nobody-of-that-name"
USERS = ("ada", "reporting", "suspended", "changing", "both")


def lay_out(home, scope, identity, trusted=(), revoked=(), key=None):
    """Fills the folder of a policy and returns the settings that switch it on."""
    folder = home / "certificates" / scope
    for name, files in (("trusted", trusted), ("revoked", revoked)):
        (folder / name).mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, folder / name / file.name)
    install(folder, identity, key)
    return {f"dbms.ssl.policy.{scope}.enabled": "true"}


def install(folder, identity, key=None):
    """Puts key and chain into place, each in one step."""
    for source, name, mode in ((key or identity.key, "private.key", 0o400), (identity.chain, "public.crt", 0o644)):
        file = folder / f"{name}.new"
        shutil.copyfile(source, file)
        file.chmod(mode)
        file.rename(folder / name)


def encrypted(identity, password):
    """The key of an identity under a password."""
    file = identity.key.with_suffix(f".{password}.key")
    openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", identity.key, "-passout", f"pass:{password}", "-out", file)
    return file


def folder_of(server, scope):
    return server.home / "certificates" / scope


def port_of(server, scope):
    return int(server.addresses[scope].rsplit(":", 1)[1])


def until(condition, seconds=SECONDS_MAX):
    """Waits for what happens soon."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.05)
    return found


def events(server, action):
    lines = (server.home / "logs/audit.log").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["action"] == action]


def certificate_logins(server, identity):
    """The logins by the certificate of `identity`. Good ones are written a moment later, so ask `until` for them."""
    found = [event["details"] | event for event in events(server, "login") if event["details"].get("method") == "certificate"]
    return [event for event in found if event["fingerprint"].replace(":", "").lower() == identity.fingerprint()]


def driver(server, identity=None, auth=("neo4j", PASSWORD)):
    """The official driver, showing the certificate of `identity`."""
    options = {"max_transaction_retry_time": 0}
    if identity:
        own = ClientCertificate(certfile=identity.chain, keyfile=identity.key)
        options["client_certificate"] = ClientCertificateProviders.static(own)
    trusted = neo4j.TrustCustomCAs(str(server.authority))
    return neo4j.GraphDatabase.driver(
        f"bolt://localhost:{server.port}", auth=auth, encrypted=True, trusted_certificates=trusted, **options
    )


def run(server, text, identity=None, auth=("neo4j", PASSWORD), database="system", **parameters):
    with driver(server, identity, auth) as connected:
        return [row.data() for row in connected.execute_query(text, parameters, database_=database).records]


def refusal(server, text, **parameters):
    """The message with which a statement is refused."""
    with pytest.raises(neo4j.exceptions.Neo4jError) as caught:
        run(server, text, **parameters)
    return caught.value.message


def set_value(server, name, value):
    run(server, "CALL dbms.setConfigValue($name, $value)", name=name, value=value)


def call_reload(server):
    [row] = run(server, "CALL dbms.security.reloadTLS()")
    return row["generation"]


def policies(server, **options):
    """The rows of SHOW TLS POLICIES with all columns, by scope."""
    return {row["scope"]: row for row in run(server, "SHOW TLS POLICIES YIELD *", **options)}


def generation(server):
    return policies(server)["bolt"]["generation"]


def context(pki, identity=None, version=None):
    made = ssl.create_default_context(cafile=str(pki.root.certificate))
    if version:
        made.minimum_version = made.maximum_version = version
    if identity:
        made.load_cert_chain(identity.chain, identity.key)
    return made


def served(server, pki, scope):
    """SHA-256 of the certificate that a new connection is shown."""
    identity = pki.taker if scope == "backup" else None
    with socket.create_connection((HOST, port_of(server, scope)), timeout=SECONDS_MAX) as plain:
        with context(pki, identity).wrap_socket(plain, server_hostname="localhost") as connection:
            return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()


def all_serve(server, pki, identity):
    return all(served(server, pki, scope) == identity.fingerprint() for scope in SCOPES)


def renewed(pki, name, **options):
    return pki.intermediate.issue(name, "serverAuth,clientAuth", SERVER_NAMES, **options)


class Query:
    """The Query API over one connection of HTTPS, which may end with a refusal."""

    def __init__(self, server, pki, identity=None):
        self.connection = http.client.HTTPSConnection(
            "localhost", port_of(server, "https"), timeout=SECONDS_MAX, context=context(pki, identity)
        )

    def ask(self, statement, auth=None, path="", more=None):
        """Status, JSON and headers of the answer."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", **(more or {})}
        if auth:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        self.connection.request("POST", f"/db/neo4j/query/v2{path}", json.dumps({"statement": statement}), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body else {}, answer.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def who_am_i(server, pki, identity=None, auth=None):
    """The user that HTTPS takes the client for, or what it says instead."""
    with Query(server, pki, identity) as query:
        status, answer, headers = query.ask("SHOW CURRENT USER YIELD user", auth)
        if status == 202:
            return answer["data"]["values"][0][0]
        assert status != 401 or headers["WWW-Authenticate"].startswith("Basic")
        return status, answer["errors"][0]["code"]


def assert_no_secret(server):
    """Nothing below the home but the configuration file knows the planted passwords, nor does what was printed."""
    conf = server.home / "conf/bastide.conf"
    texts = {file: file.read_bytes() for file in server.home.rglob("*") if file.is_file() and file != conf}
    texts["printed"] = server.output().encode()
    for file, text in texts.items():
        for secret in (KEY_PASSWORD, OTHER_KEY_PASSWORD, WRONG_KEY_PASSWORD, PASSWORD):
            assert secret.encode() not in text, f"{secret} is in {file}"


@contextlib.contextmanager
def put_back(server, pki):
    """Brings the first certificates and settings back afterwards."""
    try:
        yield
    finally:
        for row in run(server, "SHOW SETTINGS YIELD name WHERE name STARTS WITH 'dbms.ssl.policy.'"):
            if not row["name"].endswith((".enabled", ".private_key_password")):
                set_value(server, row["name"], "") if row["name"].split(".")[3] in SCOPES else None
        set_value(server, "dbms.ssl.policy.bolt.private_key_password", KEY_PASSWORD)
        for scope in SCOPES:
            folder = folder_of(server, scope)
            install(folder, pki.server, encrypted(pki.server, KEY_PASSWORD) if scope == "bolt" else None)
        call_reload(server)
        assert all_serve(server, pki, pki.server)


def metrics(server):
    """Every figure, by its name and its labels."""
    with urllib.request.urlopen(f"http://{server.addresses['metrics']}/metrics", timeout=SECONDS_MAX) as answer:
        text = answer.read().decode()
    labels = re.compile(r'(\w+)="([^"]*)"')
    return {(match["name"], *sorted(labels.findall(match["labels"] or ""))): float(match["value"]) for match in METRIC.finditer(text)}


def attempt(server, pki, scope, identity=None, version=None, made=None):
    """One connection that says something and waits for an answer; whether it was served."""
    try:
        with socket.create_connection((HOST, port_of(server, scope)), timeout=SECONDS_MAX) as plain:
            with (made or context(pki, identity, version)).wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return bool(connection.recv(1))
    except OSError:
        return False


METRIC = re.compile(r'^bastide_(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$', re.M)
