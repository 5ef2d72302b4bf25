"""What the TLS tests share: one set of certificates for the session."""

import pytest

from harness import pki as certificates


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """All keys and certificates, made once."""
    return certificates.Pki(tmp_path_factory.mktemp("pki"))
