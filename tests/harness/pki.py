"""Makes keys, certificates and revocation lists with the `openssl` command, as an administrator would.

Owns files under one folder; nothing of it is made by the product's own code, so that both ends of a test never share a mistake.
Knows nothing of servers or settings.
"""

import dataclasses
import datetime
import pathlib
import shutil
import subprocess

ENCRYPTIONS = [
    ("aes-128-cbc", "hmacWithSHA1"),
    ("aes-128-cbc", "hmacWithSHA224"),
    ("aes-128-cbc", "hmacWithSHA256"),
    ("aes-128-cbc", "hmacWithSHA384"),
    ("aes-128-cbc", "hmacWithSHA512"),
    ("aes-256-cbc", "hmacWithSHA224"),
    ("aes-256-cbc", "hmacWithSHA256"),
    ("aes-256-cbc", "hmacWithSHA384"),
    ("aes-256-cbc", "hmacWithSHA512"),
    ("aes-256-cbc", "hmacWithSHA1"),
]
"""What the manual's page lists, and the one combination that it forgets."""

KEY_KINDS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa-1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["-algorithm", "ED25519"],
}

SERVER_NAMES = ["DNS:localhost", "DNS:*.bastide.test", "IP:127.0.0.1", "IP:::1"]
PKCS12_PASSWORD = "changeit"
COMMAND_SECONDS_MAX = 60


def openssl(*arguments, text=None, check=True):
    """Runs `openssl` and returns what became of it."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=COMMAND_SECONDS_MAX)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
    return done


def moment(**difference):
    """A time from now, as `openssl ca` writes it."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**difference)).strftime("%Y%m%d%H%M%SZ")


@dataclasses.dataclass(frozen=True)
class Identity:
    """A private key and its certificate; `chain` also holds the intermediate authorities, leaf first."""

    name: str
    key: pathlib.Path
    certificate: pathlib.Path
    chain: pathlib.Path

    @property
    def pkcs12(self):
        """The same for Java."""
        store = self.certificate.with_suffix(".p12")
        if not store.exists():
            openssl(
                "pkcs12", "-export", "-inkey", self.key, "-in", self.chain, "-out", store, "-name", "client",
                "-passout", f"pass:{PKCS12_PASSWORD}",
            )  # fmt: skip
        return store

    def fingerprint(self):
        """SHA-256 of the certificate, lower-case hexadecimal without colons."""
        line = openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256").stdout
        return line.split("=", 1)[1].strip().replace(":", "").lower()


def make_key(path, kind="p256"):
    """A new PKCS#8 key in PEM, readable by its owner only."""
    openssl("genpkey", *KEY_KINDS[kind], "-out", path)
    path.chmod(0o400)
    return path


def to_der(path, kind="x509"):
    """The same in DER, beside it."""
    out = path.with_suffix(path.suffix + ".der")
    openssl(kind, "-in", path, "-outform", "der", "-out", out)
    return out


CONFIGURATION = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}/issued
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = {digest}
policy = any
unique_subject = no
copy_extensions = none
rand_serial = no
default_days = 30
default_crl_days = 30
crl_extensions = list
[any]
commonName = supplied
[list]
authorityKeyIdentifier = keyid
"""


class Authority:
    """A certificate authority with the files of `openssl ca`."""

    def __init__(self, folder, name, issuer=None, key_kind="p256"):
        self.folder, self.name, self.issuer = folder, name, issuer
        (folder / "issued").mkdir(parents=True)
        self.certificate, self.key = folder / "ca.crt", folder / "ca.key"
        self._prepare(folder)
        make_key(self.key, key_kind)
        self.count = 0
        extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash"]
        if issuer is None:
            command = ["req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", "30", "-out", self.certificate]
            openssl(*command, "-config", self._request_configuration(), *(part for line in extensions for part in ("-addext", line)))
        else:
            made = issuer.issue(name, key=self.key, extensions=extensions)
            shutil.copy(made.certificate, self.certificate)

    def _prepare(self, folder, digest="sha256"):
        (folder / "index.txt").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "crlnumber").write_text("01\n")
        (folder / "ca.cnf").write_text(CONFIGURATION.format(folder=folder, digest=digest))

    def _request_configuration(self):
        """A configuration without defaults, so that only the extensions asked for get in."""
        file = self.folder / "request.cnf"
        file.write_text("[req]\ndistinguished_name = dn\n[dn]\n")
        return file

    def chain_above(self):
        """The intermediate authorities from this one upwards, without the root."""
        return [] if self.issuer is None else [self.certificate, *self.issuer.chain_above()]

    def issue(
        self, name, usage="clientAuth", names=(), starts=None, ends=None, key=None, key_kind="p256", extensions=None, extra=(),
        digest="sha256", subject=None,
    ):  # fmt: skip
        """A certificate for `name`. Times are as [`moment`] gives them; `extensions` replaces the usual ones."""
        self.count += 1
        stem = self.folder / f"{self.count}-{name.replace(' ', '-').replace('*', 'star')}"
        key = key or make_key(stem.with_suffix(".key"), key_kind)
        request, certificate = stem.with_suffix(".csr"), stem.with_suffix(".crt")
        subject = subject or f"/CN={name}"
        openssl("req", "-new", "-key", key, "-subj", subject, "-config", self._request_configuration(), "-out", request)
        if extensions is None:
            extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "subjectKeyIdentifier=hash"]
            extensions += ["authorityKeyIdentifier=keyid"]
            extensions += [f"extendedKeyUsage={usage}"] if usage else []
            extensions += [f"subjectAltName={','.join(names)}"] if names else []
            extensions += extra
        file = stem.with_suffix(".ext")
        file.write_text("[wanted]\n" + "\n".join(extensions) + "\n")
        openssl(
            "ca", "-batch", "-notext", "-config", self.folder / "ca.cnf", "-md", digest if "ED25519" not in self._key_text() else "default",
            "-in", request, "-out", certificate, "-extfile", file, "-extensions", "wanted",
            "-startdate", starts or moment(days=-1), "-enddate", ends or moment(days=30),
        )  # fmt: skip
        return joined(name, key, certificate, self.chain_above())

    def _key_text(self):
        return openssl("pkey", "-in", self.key, "-noout", "-text").stdout.splitlines()[0]

    def revocation_list(self, file, revoked=(), number=1, starts=None, ends=None, form="PEM"):
        """A list made by `openssl ca -gencrl`, independent of all others of this authority."""
        work = self.folder / f"crl-{file.name}-{number}"
        shutil.rmtree(work, ignore_errors=True)
        (work / "issued").mkdir(parents=True)
        self._prepare(work)
        for source in ("index.txt", "ca.crt", "ca.key"):
            shutil.copy(self.folder / source, work / source)
        (work / "crlnumber").write_text(even_hexadecimal(number) + "\n")
        configuration = ["-config", work / "ca.cnf"]
        for identity in revoked:
            openssl("ca", *configuration, "-revoke", identity.certificate, "-crl_reason", "keyCompromise")
        made = work / "list.pem"
        times = ["-crl_lastupdate", starts or moment(hours=-1), "-crl_nextupdate", ends or moment(days=7)]
        openssl("ca", *configuration, "-gencrl", *times, "-out", made)
        openssl("crl", "-in", made, "-outform", form, "-out", file)
        return file


def even_hexadecimal(number):
    """A number as `openssl ca` wants it in its files."""
    text = f"{number:X}"
    return text.zfill(len(text) + len(text) % 2)


def joined(name, key, certificate, above=()):
    """An identity whose chain file is the certificate and those above it."""
    chain = certificate.with_suffix(".chain.crt")
    chain.write_bytes(b"".join(pathlib.Path(part).read_bytes() for part in [certificate, *above]))
    return Identity(name, key, certificate, chain)


def self_signed(folder, name, days=30, extensions=(), key_kind="p256", names=()):
    """What the plain `openssl req -x509` of every tutorial makes: by default a certificate that says it is an authority."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / name.replace(" ", "-")
    key, certificate = make_key(stem.with_suffix(".key"), key_kind), stem.with_suffix(".crt")
    additional = [*extensions, *([f"subjectAltName={','.join(names)}"] if names else [])]
    openssl(
        "req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", days, "-out", certificate,
        *(part for line in additional for part in ("-addext", line)),
    )  # fmt: skip
    return joined(name, key, certificate)


def self_signed_for(folder, name, starts, ends, extensions=()):
    """A self-signed certificate with given times, which `openssl req` cannot make and `openssl ca -selfsign` can."""
    authority = Authority(folder / name.replace(" ", "-"), f"{name} maker")
    key = make_key(authority.folder / "self.key")
    request, certificate = authority.folder / "self.csr", authority.folder / "self.crt"
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-config", authority._request_configuration(), "-out", request)
    file = authority.folder / "self.ext"
    file.write_text("[wanted]\n" + "\n".join(extensions or ["subjectKeyIdentifier=hash"]) + "\n")
    openssl(
        "ca", "-batch", "-notext", "-selfsign", "-keyfile", key, "-config", authority.folder / "ca.cnf", "-in", request,
        "-out", certificate, "-extfile", file, "-extensions", "wanted", "-startdate", starts, "-enddate", ends,
    )  # fmt: skip
    return joined(name, key, certificate)


class KeyFiles:
    """One private key in all the forms that `openssl` writes."""

    PASSWORD = "Lantern fjord 7 $# ü"

    def __init__(self, folder, kind):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.kind = folder, kind
        self.plain = make_key(folder / f"{kind}.key", kind)

    def _written(self, name, *arguments):
        file = self.folder / f"{self.kind}-{name}.key"
        if not file.exists():
            openssl(*arguments, "-in", self.plain, "-out", file)
            file.chmod(0o400)
        return file

    def encrypted(self, cipher, prf, password=PASSWORD):
        """PKCS#8 by PBES2, as the manual's command makes it."""
        command = ["pkcs8", "-topk8", "-v2", cipher, "-v2prf", prf, "-passout", f"pass:{password}"]
        return self._written(f"{cipher}-{prf}", *command)

    def scrypt(self):
        """PKCS#8 by PBES2 with scrypt."""
        return self._written("scrypt", "pkcs8", "-topk8", "-scrypt", "-passout", f"pass:{self.PASSWORD}")

    def pkcs12_pbe(self):
        """PKCS#8 by the old scheme of PKCS#12."""
        return self._written("pbe", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", f"pass:{self.PASSWORD}")

    def traditional(self):
        """PKCS#1 for RSA, SEC1 for EC."""
        return self._written("traditional", "pkey", "-traditional")

    def proc_type(self):
        """The old encrypted PEM with `Proc-Type` and `DEK-Info`."""
        return self._written("proc-type", "pkey", "-traditional", "-aes-256-cbc", "-passout", f"pass:{self.PASSWORD}")

    def der(self):
        """PKCS#8 in DER."""
        return self._written("der", "pkcs8", "-topk8", "-nocrypt", "-outform", "der")


class Pki:
    """What the tests share: a root, an intermediate authority, a server and clients good and bad."""

    def __init__(self, folder):
        self.folder = folder = pathlib.Path(folder)
        self.root = Authority(folder / "root", "Test Root")
        self.intermediate = Authority(folder / "intermediate", "Test Intermediate", self.root)
        self.stranger = Authority(folder / "stranger", "Stranger Root")
        self.server = self.intermediate.issue("server", usage="serverAuth,clientAuth", names=SERVER_NAMES)
        issue = self.intermediate.issue
        self.clients = {
            "none": None,
            "good": issue("good"),
            "expired": issue("expired", starts=moment(days=-20), ends=moment(days=-2)),
            "not yet valid": issue("not yet valid", starts=moment(days=2), ends=moment(days=20)),
            "revoked": issue("revoked"),
            "wrong usage": issue("wrong usage", usage="serverAuth"),
            "other authority": self.stranger.issue("other authority"),
            "pinned": self.stranger.issue("pinned"),
            "pinned self-signed": self_signed(folder / "pinned", "pinned self-signed"),
            "pinned expired": self_signed_for(folder / "pinned", "pinned expired", moment(days=-20), moment(days=-2)),
            "pinned revoked": self.stranger.issue("pinned revoked"),
            "pinned wrong usage": self.stranger.issue("pinned wrong usage", usage="serverAuth"),
            "namesake of pinned": self_signed(folder / "namesake", "pinned self-signed"),
        }
        self.intermediate_list = self.intermediate.revocation_list(folder / "intermediate.crl", [self.clients["revoked"]])
        self.root_list = self.root.revocation_list(folder / "root.crl")
        self.stranger_list = self.stranger.revocation_list(folder / "stranger.crl", [self.clients["pinned revoked"]])

    def pinned(self):
        """The leaf certificates that the matrix puts into `trusted_dir` beside the root."""
        return [identity.certificate for name, identity in self.clients.items() if name.startswith("pinned")]

    def lists(self):
        """The revocation lists that the matrix puts into `revoked_dir`."""
        return [self.intermediate_list, self.root_list, self.stranger_list]
