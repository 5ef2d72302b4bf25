"""Lays out the folders of TLS policies on a server's home, as the manual tells users to.

Owns the layout and the settings' names; knows nothing of how certificates are made.
"""

import shutil

SCOPES = ("bolt", "https", "backup", "cluster")


def lay_out(home, scope, identity, trusted=(), revoked=(), key=None):
    """Fills `certificates/<scope>`: private key (0400), chain, trusted certificates, revocation lists."""
    folder = home / "certificates" / scope
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("trusted", "revoked"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(identity.chain, folder / "public.crt")
    place_key(key or identity.key, folder / "private.key")
    for number, file in enumerate(trusted):
        shutil.copyfile(file, folder / "trusted" / f"{number}-{file.name}")
    for number, file in enumerate(revoked):
        shutil.copyfile(file, folder / "revoked" / f"{number}-{file.name}")
    return folder


def place_key(source, target, mode=0o400):
    """Copies a key and makes it the owner's alone."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def policy(scope, **suffixes):
    """The settings of an enabled policy."""
    return {f"dbms.ssl.policy.{scope}.enabled": "true"} | {f"dbms.ssl.policy.{scope}.{name}": value for name, value in suffixes.items()}
