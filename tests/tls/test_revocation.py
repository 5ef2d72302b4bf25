"""What `revoked_dir` does: which of several lists counts, what an expired or forged one does, and what else may lie there.

Owns black-box checks of revocation at the start and at the handshake; lists are made by `openssl ca -gencrl`.
"""

import itertools
import shutil

import pytest
from tls_clients import REFUSED, SERVED, Case, ask_with_s_client

from harness import pki as certificates
from harness.pki import moment

VERSIONS = ("1.2", "1.3")


class Scene:
    """An authority, an intermediate one below it, three clients; fresh for each module, so that lists do not mix."""

    def __init__(self, folder):
        self.folder = folder
        self.root = certificates.Authority(folder / "root", "Revocation Root")
        self.intermediate = certificates.Authority(folder / "intermediate", "Revocation Intermediate", self.root)
        self.forger = certificates.Authority(folder / "forger", "Revocation Intermediate")
        self.honest = self.intermediate.issue("honest")
        self.thief = self.intermediate.issue("thief")
        self.root_list = self.root.revocation_list(folder / "root.crl")

    def intermediate_as_identity(self):
        """The intermediate authority as something that can be revoked."""
        authority = self.intermediate
        return certificates.Identity("intermediate", authority.key, authority.certificate, authority.certificate)

    def made_list(self, name, revoked=(), authority=None, **options):
        """A list of the intermediate authority, if not of another."""
        return (authority or self.intermediate).revocation_list(self.folder / name, revoked, **options)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("revocation"))


@pytest.fixture
def start(scene, bolt_server):
    """Starts a server that trusts the root and has the given files in `revoked_dir`, in this order of their names."""

    def make(*revoked, run=True):
        server = bolt_server(trusted=[scene.root.certificate], revoked=revoked, client_auth="REQUIRE")
        return server.start() if run else server

    return make


def outcomes(server, pki, *identities):
    """What each client meets, in both versions, which must agree."""
    found = []
    for identity in identities:
        both = {
            ask_with_s_client(Case(identity.name, "bolt", server.port, version, identity, pki.root.certificate))[0] for version in VERSIONS
        }
        assert len(both) == 1, f"the versions disagree about {identity.name}"
        found.append(both.pop())
    return found


def lists_old_and_new(scene):
    old = scene.made_list("old.crl", number=4, starts=moment(hours=-5))
    new = scene.made_list("new.crl", [scene.thief], number=5, starts=moment(hours=-1))
    return old, new


@pytest.mark.parametrize("order", list(itertools.permutations(("old", "new", "root"))))
def test_the_newest_list_counts_whatever_the_order_of_the_files(order, scene, pki, start):
    old, new = lists_old_and_new(scene)
    server = start(*({"old": old, "new": new, "root": scene.root_list}[name] for name in order))
    assert outcomes(server, pki, scene.honest, scene.thief) == [SERVED, REFUSED]


@pytest.mark.parametrize("turned", [False, True])
def test_a_newer_list_may_let_a_client_in_again(turned, scene, pki, start):
    old = scene.made_list("held.crl", [scene.thief], number=4, starts=moment(hours=-5))
    new = scene.made_list("released.crl", number=5, starts=moment(hours=-1))
    server = start(*((new, old) if turned else (old, new)), scene.root_list)
    assert outcomes(server, pki, scene.thief) == [SERVED]


@pytest.mark.parametrize("turned", [False, True])
def test_an_expired_list_beside_a_valid_one_does_not_count(turned, scene, pki, start):
    expired = scene.made_list("gone.crl", number=9, starts=moment(hours=-9), ends=moment(hours=-2))
    valid = scene.made_list("valid.crl", [scene.thief], number=5, starts=moment(hours=-10))
    server = start(*((expired, valid) if turned else (valid, expired)), scene.root_list)
    assert outcomes(server, pki, scene.honest, scene.thief) == [SERVED, REFUSED]


def test_a_list_of_the_future_does_not_count(scene, pki, start):
    future = scene.made_list("future.crl", number=9, starts=moment(hours=9))
    valid = scene.made_list("valid.crl", [scene.thief], number=5)
    server = start(future, valid, scene.root_list, run=False)
    try:
        server.start()
    except AssertionError:
        assert "future.crl" in server.output()
        return
    assert outcomes(server, pki, scene.honest, scene.thief) == [SERVED, REFUSED]


def test_an_expired_list_alone_lets_nobody_in_and_is_named(scene, pki, start):
    expired = scene.made_list("expired.crl", number=9, starts=moment(hours=-9), ends=moment(hours=-2))
    server = start(expired, scene.root_list, run=False)
    try:
        server.start()
    except AssertionError:
        pass
    else:
        assert outcomes(server, pki, scene.honest, scene.thief) == [REFUSED, REFUSED]
    assert "expired.crl" in server.output() and "expired" in server.output().replace("expired.crl", "")


def test_the_list_of_the_root_reaches_the_intermediate(scene, pki, start):
    from_root = scene.made_list("no-more.crl", [scene.intermediate_as_identity()], authority=scene.root, number=2)
    server = start(from_root, scene.made_list("clean.crl"))
    assert outcomes(server, pki, scene.honest, scene.thief) == [REFUSED, REFUSED]


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_lists_are_read_in_pem_and_der(form, scene, pki, start):
    revoking = scene.made_list(f"{form}.crl", [scene.thief], form=form)
    root_list = scene.made_list(f"root-{form}.crl", authority=scene.root, form=form)
    server = start(revoking, root_list)
    assert outcomes(server, pki, scene.honest, scene.thief) == [SERVED, REFUSED]


def test_one_file_may_hold_several_lists(scene, pki, start):
    file = scene.folder / "several.crl"
    file.write_bytes(scene.root_list.read_bytes() + scene.made_list("one.crl", [scene.thief]).read_bytes())
    assert outcomes(start(file), pki, scene.honest, scene.thief) == [SERVED, REFUSED]


@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize("lists", [False, True])
def test_a_certificate_dropped_into_the_folder_is_revoked(form, lists, scene, pki, start):
    file = scene.thief.certificate if form == "PEM" else certificates.to_der(scene.thief.certificate)
    beside = [scene.made_list("clean.crl"), scene.root_list] if lists else []
    server = start(file, *beside)
    assert outcomes(server, pki, scene.honest, scene.thief) == [SERVED, REFUSED]


def test_an_intermediate_certificate_dropped_into_the_folder_is_revoked(scene, pki, start):
    server = start(scene.intermediate.certificate)
    assert outcomes(server, pki, scene.honest, scene.thief) == [REFUSED, REFUSED]


def test_a_forged_list_does_not_let_a_revoked_client_in(scene, pki, start):
    forged = scene.made_list("forged.crl", authority=scene.forger, number=99)
    valid = scene.made_list("valid.crl", [scene.thief], number=5, starts=moment(hours=-5))
    for files in ((forged, valid), (valid, forged)):
        server = start(*files, scene.root_list, run=False)
        try:
            server.start()
        except AssertionError:
            assert "forged.crl" in server.output()
        else:
            assert outcomes(server, pki, scene.thief) == [REFUSED]


def test_an_empty_folder_revokes_nobody(scene, pki, start):
    assert outcomes(start(), pki, scene.honest, scene.thief) == [SERVED, SERVED]


def test_a_folder_that_is_missing_stops_the_start_and_is_named(start):
    server = start(run=False)
    folder = server.home / "certificates/bolt/revoked"
    shutil.rmtree(folder)
    code, output = server.fails_to_start()
    assert code > 0 and code != 101 and str(folder) in output


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", b"\x30\x82\x01\x00half"])
def test_anything_else_in_the_folder_stops_the_start(content, scene, start):
    file = scene.folder / "README.txt"
    file.write_bytes(content)
    server = start(scene.root_list, file, run=False)
    code, output = server.fails_to_start()
    assert code > 0 and code != 101 and "README.txt" in output


def test_a_private_key_in_the_folder_stops_the_start_and_is_not_shown(scene, start):
    server = start(scene.thief.key, run=False)
    code, output = server.fails_to_start()
    assert code > 0 and code != 101 and scene.thief.key.name in output
    assert scene.thief.key.read_text().splitlines()[1] not in output
