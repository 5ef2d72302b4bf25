"""The cluster's channel between members in network namespaces of their own, and who is kept out of it.

Every member is a process in a namespace, joined to the others by a bridge in one more; strangers are Python's `ssl` in a further
one, so that the refusals are proven with another TLS library on the other end. Needs root, as the namespaces do.
"""

import concurrent.futures
import ctypes
import itertools
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import struct
import subprocess
import time

import pytest

from harness import ROOT, TARGET
from harness import pki as certificates

PORT = 6000
MEMBERS = ["one", "two", "three"]
STRANGER = "stranger"
ADDRESSES = {name: f"10.86.0.{number}" for number, name in enumerate([*MEMBERS, STRANGER], 1)}
BOTH_USAGES = "serverAuth,clientAuth"
SECONDS_MAX = 15
MAGIC, VERSION = b"BCLU", 1
GREETING, ANSWER, CONFIRMATION, REFUSAL = range(1, 5)
REFUSED_FOR_NAME = bytes([2])
CLONE_NEWNET = 0x40000000


# --- The network ---


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=SECONDS_MAX)


class Network:
    """A namespace for each end and a bridge in one more; nothing of it touches the machine's own network."""

    def __init__(self):
        self.mark = f"bt{os.getpid()}"
        self.hub = f"{self.mark}-hub"
        self.made = []

    def build(self):
        self.add(self.hub)
        ip("-n", self.hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.hub, "link", "set", "bridge", "up")
        for number, (name, address) in enumerate(ADDRESSES.items()):
            namespace = self.of(name)
            self.add(namespace)
            ip("-n", self.hub, "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
            ip("-n", self.hub, "link", "set", f"port{number}", "master", "bridge", "up")
            ip("-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", namespace, "link", "set", "eth0", "up")
            ip("-n", namespace, "link", "set", "lo", "up")

    def add(self, namespace):
        ip("netns", "add", namespace)
        self.made.append(namespace)

    def of(self, name):
        return f"{self.mark}-{name}"

    def remove(self):
        for namespace in self.made:
            ip("netns", "delete", namespace)

    def inside(self, name, work):
        """Runs `work` in a thread that is in a namespace; what it opens stays there."""

        def enter():
            library = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{self.of(name)}") as namespace:
                if library.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return work()

        # The thread ends with the pool, so no other work ever runs in the namespace.
        pool = concurrent.futures.ThreadPoolExecutor(1)
        future = pool.submit(enter)
        pool.shutdown(wait=False)
        return future


@pytest.fixture(scope="module")
def network():
    made = Network()
    try:
        made.build()
        yield made
    finally:
        made.remove()


# --- The members ---


@pytest.fixture(scope="module")
def binary():
    """The example of the crate, built if it is not there: in one go with all crates, as their own tests have already built it."""
    named = os.environ.get("BASTIDE_CLUSTER_MEMBER")
    if named:
        return pathlib.Path(named)
    command = ["cargo", "build", "--quiet", "--release", "--workspace", "--example", "member"]
    subprocess.run(command, cwd=ROOT, check=True)
    return TARGET / "release/examples/member"


class Member:
    """A process in a namespace, driven by lines of JSON."""

    def __init__(self, network, binary, name, folder):
        self.name, self.folder = name, folder
        command = ["ip", "netns", "exec", network.of(name), binary, "--name", f"{name}.cluster.test"]
        command += ["--listen", f"{ADDRESSES[name]}:{PORT}", "--folder", folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = concurrent.futures.ThreadPoolExecutor(1)
        assert self.answer() == {"listening": f"{ADDRESSES[name]}:{PORT}"}

    def answer(self):
        line = self.reader.submit(self.process.stdout.readline).result(SECONDS_MAX)
        return json.loads(line or '{"error": "the member is gone"}')

    def do(self, what, **arguments):
        self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def dial(self, name, port=PORT, **arguments):
        return self.do("dial", host=f"{name}.cluster.test", address=f"{ADDRESSES.get(name, ADDRESSES[STRANGER])}:{port}", **arguments)

    def events(self, kind, count):
        """At least so many events of a kind since the last time; the two ends of a connection do not see them at the same moment."""
        found, deadline = [], time.monotonic() + SECONDS_MAX
        while len(found) < count and time.monotonic() < deadline:
            found += [event for event in self.do("events")["events"] if event["event"] == kind]
        return found

    def refusals(self, count=1):
        """Reasons why somebody was turned away since the last time."""
        return [event["reason"] for event in self.events("refused", count)]

    def close(self):
        self.process.stdin.close()
        self.process.wait(SECONDS_MAX)
        self.reader.shutdown()


class Cluster:
    """Three members with a certificate each, signed by the same authority, and a list of those that were revoked."""

    def __init__(self, folder, network, binary):
        self.folder = folder
        self.authority = certificates.Authority(folder / "authority", "Cluster Root")
        self.other_authority = certificates.Authority(folder / "other", "Other Root")
        self.identities = {name: self.issue(name) for name in MEMBERS}
        self.revoked = self.issue(STRANGER)
        self.list = self.authority.revocation_list(folder / "cluster.crl", [self.revoked])
        for name, identity in self.identities.items():
            self.lay_out(name, identity, [self.authority], [self.list])
        self.members = {name: Member(network, binary, name, folder / name) for name in MEMBERS}

    def issue(self, name, authority=None, usage=BOTH_USAGES, **more):
        return (authority or self.authority).issue(f"{name}.cluster.test", usage=usage, names=[f"DNS:{name}.cluster.test"], **more)

    def lay_out(self, name, identity, trusted, revoked):
        """Replaces what is in a member's folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        for kind, files in (("trusted", [authority.certificate for authority in trusted]), ("revoked", revoked)):
            (folder / kind).mkdir(parents=True)
            for number, file in enumerate(files):
                shutil.copyfile(file, folder / kind / f"{number}{file.suffix}")
        shutil.copyfile(identity.chain, folder / "public.crt")
        shutil.copyfile(identity.key, folder / "private.key")
        (folder / "private.key").chmod(0o400)

    def close(self):
        for member in self.members.values():
            member.close()


@pytest.fixture
def cluster(tmp_path, network, binary):
    made = Cluster(tmp_path, network, binary)
    try:
        yield made
    finally:
        made.close()


# --- Strangers: the same hello over another TLS library ---


def frame(kind, body):
    return struct.pack(">4sHBH", MAGIC, VERSION, kind, len(body)) + body


def read_frame(stream):
    """The next frame, or `None` if the other end has nothing to say."""
    head = stream.read(9)
    if len(head) < 9:
        return None
    magic, version, kind, length = struct.unpack(">4sHBH", head)
    assert (magic, version) == (MAGIC, VERSION), head
    return kind, stream.read(length)


def context_of(identity, authority, server_side):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    if identity:
        context.load_cert_chain(identity.chain, identity.key)
    return context


def dial_as_stranger(network, cluster, identity, member="one", claims=f"{STRANGER}.cluster.test", plain=False):
    """Dials a member; `member` if it took the stranger for one, otherwise what the stranger saw."""

    def work():
        try:
            connection = socket.create_connection((ADDRESSES[member], PORT), timeout=SECONDS_MAX)
            if not plain:
                context = context_of(identity, cluster.authority, server_side=False)
                connection = context.wrap_socket(connection, server_hostname=f"{member}.cluster.test")
            with connection, connection.makefile("rwb", buffering=0) as stream:
                if plain:
                    stream.write(frame(ANSWER, bytes(64) + claims.encode()))
                    first = stream.read(64)
                    assert not first or first[0] == 0x15, f"answered in clear: {first}"
                    return "closed"
                greeting = read_frame(stream)
                if greeting is None:
                    return "closed"
                nonce, name = greeting[1][:32], greeting[1][32:]
                assert greeting[0] == GREETING and name == f"{member}.cluster.test".encode()
                own = secrets.token_bytes(32)
                stream.write(frame(ANSWER, nonce + own + claims.encode()))
                last = read_frame(stream)
                return {(CONFIRMATION, own): "member", (REFUSAL, REFUSED_FOR_NAME): "refused for its name"}.get(last, "closed")
        except OSError as error:
            return "closed" if isinstance(error, ConnectionError) else str(error)

    return network.inside(STRANGER, work).result(2 * SECONDS_MAX)


def be_dialled_as_stranger(network, cluster, identity, host=STRANGER, member="one", claims=f"{STRANGER}.cluster.test", plain=False):
    """Listens and lets a member dial; returns what the member says of it."""
    ready = concurrent.futures.Future()

    def work():
        listening = socket.create_server((ADDRESSES[STRANGER], 0))
        ready.set_result(listening.getsockname()[1])
        listening.settimeout(SECONDS_MAX)
        with listening:
            connection, _ = listening.accept()
        connection.settimeout(SECONDS_MAX)
        try:
            if not plain:
                context = context_of(identity, cluster.authority, server_side=True)
                connection = context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rwb", buffering=0) as stream:
                own = secrets.token_bytes(32)
                stream.write(frame(GREETING, own + claims.encode()))
                if plain:
                    assert MAGIC not in stream.read(4096), "the member went on in clear"
                    return
                kind, body = read_frame(stream) or (None, b"")
                if kind != ANSWER or body[:32] != own:
                    return
                assert body[64:] == f"{member}.cluster.test".encode()
                stream.write(frame(CONFIRMATION, body[32:64]))
                for said in iter(lambda: stream.read(4096), b""):
                    stream.write(said)
        except OSError:
            return  # What the member says of it is what counts.

    serving = network.inside(STRANGER, work)
    said = cluster.members[member].dial(host, port=ready.result(SECONDS_MAX))
    serving.result(2 * SECONDS_MAX)
    return said


# --- The tests ---


def test_every_member_dials_every_other_and_both_know_whom_they_speak_to(cluster):
    for dialling, dialled in itertools.permutations(MEMBERS, 2):
        said = cluster.members[dialling].dial(dialled)
        assert said == {"member": f"{dialled}.cluster.test", "subject": f"CN={dialled}.cluster.test"}
    for name, member in cluster.members.items():
        joined = member.events("joined", 4)
        for direction in ("accepted", "dialled"):
            met = {(event["member"], event["peer"]) for event in joined if event["direction"] == direction}
            assert met == {(f"{other}.cluster.test", ADDRESSES[other]) for other in MEMBERS if other != name}


def strangers(cluster):
    """What a stranger shows, and what each end must say of it."""
    return {
        "another authority's": (cluster.issue(STRANGER, cluster.other_authority), "vouches", "vouches"),
        "revoked": (cluster.revoked, "revoked", "revoked"),
        "without clientAuth": (cluster.issue(STRANGER, usage="serverAuth"), "usage", "both usages"),
        "without serverAuth": (cluster.issue(STRANGER, usage="clientAuth"), "both usages", "usage"),
        "expired": (
            cluster.issue(STRANGER, starts=certificates.moment(days=-9), ends=certificates.moment(days=-1)),
            "expired",
            "expired",
        ),
    }


def test_a_stranger_with_a_members_certificate_is_taken_in_both_roles(network, cluster):
    """Without this, the refusals below would prove nothing."""
    identity = cluster.issue(STRANGER)
    assert dial_as_stranger(network, cluster, identity) == "member"
    assert be_dialled_as_stranger(network, cluster, identity)["member"] == f"{STRANGER}.cluster.test"


def test_certificates_that_are_no_members_are_refused_in_both_roles(network, cluster):
    for name, (identity, said_of_dialler, said_of_listener) in strangers(cluster).items():
        assert dial_as_stranger(network, cluster, identity) != "member", name
        reasons = cluster.members["one"].refusals()
        assert len(reasons) == 1 and said_of_dialler in reasons[0], (name, reasons)
        said = be_dialled_as_stranger(network, cluster, identity)
        assert said_of_listener in said["error"], (name, said)
        assert len(cluster.members["one"].refusals()) == 1, name
    assert dial_as_stranger(network, cluster, None) != "member"
    (reason,) = cluster.members["one"].refusals()
    assert "showed none" in reason
    assert cluster.members["two"].dial("one")["member"] == "one.cluster.test"


def test_a_certificate_for_another_name_is_refused_in_both_roles(network, cluster):
    identity = cluster.issue("elsewhere")
    assert dial_as_stranger(network, cluster, identity) == "refused for its name"
    (reason,) = cluster.members["one"].refusals()
    assert f"calls itself `{STRANGER}.cluster.test`" in reason
    assert "another name" in be_dialled_as_stranger(network, cluster, identity)["error"]
    # Nor may it be dialled under its own name and then call itself a member's.
    said = be_dialled_as_stranger(network, cluster, identity, host="elsewhere", claims="two.cluster.test")
    assert "calls itself `two.cluster.test`" in said["error"]
    assert dial_as_stranger(network, cluster, identity, claims="elsewhere.cluster.test") == "member"


def test_plain_tcp_is_refused_in_both_roles_and_hears_nothing(network, cluster):
    assert dial_as_stranger(network, cluster, None, plain=True) == "closed"
    (reason,) = cluster.members["one"].refusals()
    assert "TLS" in reason
    assert "TLS" in be_dialled_as_stranger(network, cluster, None, plain=True)["error"]


def test_certificates_are_replaced_while_members_are_connected(network, cluster):
    one, two = cluster.members["one"], cluster.members["two"]
    assert one.dial("two", keep="old")["subject"] == "CN=two.cluster.test"
    # First all trust both authorities and have both lists, then certificates of the new one are put in, then the old one goes.
    both = [cluster.authority, cluster.other_authority]
    new_list = cluster.other_authority.revocation_list(cluster.folder / "other.crl")
    for name, member in cluster.members.items():
        cluster.lay_out(name, cluster.identities[name], both, [cluster.list, new_list])
        assert member.do("reload") == {"generation": 2}
    renewed = {name: cluster.issue(name, cluster.other_authority, subject=f"/CN={name} renewed") for name in MEMBERS}
    for name, member in cluster.members.items():
        cluster.lay_out(name, renewed[name], both, [cluster.list, new_list])
        assert member.do("reload") == {"generation": 3}
        for dialling, dialled in itertools.permutations(MEMBERS, 2):
            assert cluster.members[dialling].dial(dialled)["member"] == f"{dialled}.cluster.test"
    for name, member in cluster.members.items():
        cluster.lay_out(name, renewed[name], [cluster.other_authority], [new_list])
        assert member.do("reload") == {"generation": 4}
    assert one.dial("two", keep="new")["subject"] == "CN=two renewed"
    assert one.do("say", kept="old") == one.do("say", kept="new") == {"said": 65536}
    assert dial_as_stranger(network, cluster, cluster.issue(STRANGER)) != "member"
    # A broken file changes nothing but what is said of it.
    (cluster.folder / "two/public.crt").write_text("-----BEGIN CERTIFICATE-----\nbroken\n")
    assert "public.crt" in two.do("reload")["error"]
    assert one.dial("two")["subject"] == "CN=two renewed"


def test_a_member_that_a_reload_revoked_cannot_come_back(cluster):
    one, two = cluster.members["one"], cluster.members["two"]
    assert two.dial("one", keep="before")["member"] == "one.cluster.test"
    revoked = cluster.authority.revocation_list(cluster.folder / "newer.crl", [cluster.identities["two"]], number=2)
    cluster.lay_out("one", cluster.identities["one"], [cluster.authority], [revoked])
    assert one.do("reload") == {"generation": 2}
    one.do("events")
    assert "refused" in two.dial("one")["error"]
    assert "revoked" in one.dial("two")["error"]
    reasons = one.refusals(2)
    assert len(reasons) == 2 and all("revoked" in reason for reason in reasons)
