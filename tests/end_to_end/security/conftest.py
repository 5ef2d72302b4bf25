"""The server that the tests of security attack; each file has one of its own."""

import pytest

from harness import Server


@pytest.fixture(scope="module")
def server():
    with Server(settings={"dbms.security.auth_max_failed_attempts": "1000"}) as running:
        yield running
