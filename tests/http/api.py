"""A client of the Query API for the tests: requests with a user, answers as they came.

Owns how a request is sent; knows nothing of what a test asks.
"""

import json

import requests

from harness import PASSWORD

TYPED = "application/vnd.neo4j.query.v1.1"
LINES = "application/jsonl"
TYPED_LINES = "application/vnd.neo4j.query.v1.1+jsonl"


class Api:
    """One user of one server."""

    def __init__(self, server, user="neo4j", password=PASSWORD, plain=False, database="neo4j"):
        scheme, address = ("http", server.addresses["http"]) if plain else ("https", server.addresses["https"])
        self.root = f"{scheme}://localhost:{address.rsplit(':', 1)[1]}"
        self.base = f"{self.root}/db/{database}/query/v2"
        self.session = requests.Session()
        # Certificates named by the environment would be trusted instead of the server's own.
        self.session.trust_env = False
        self.session.verify = str(server.certificate_authority)
        self.session.auth = (user, password) if user is not None else None

    def post(self, path="", body=None, headers=None, **options):
        """Sends a body as JSON, or as it is if it is bytes."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        if data is None:
            headers.pop("Content-Type")
        return self.session.post(self.base + path, data=data, headers=headers, timeout=60, **options)

    def query(self, statement, parameters=None, accept=None, path="", **fields):
        """Runs a statement that is expected to work, and returns the answer's document."""
        body = {"statement": statement, "parameters": parameters or {}, **fields}
        headers = {"Accept": accept} if accept else {}
        if accept == TYPED:
            headers["Content-Type"] = TYPED
        response = self.post(path, body, headers)
        assert response.status_code == 202, response.text
        return response.json()

    def values(self, statement, parameters=None, **fields):
        """The rows of a statement."""
        return self.query(statement, parameters, **fields)["data"]["values"]

    def events(self, statement, parameters=None, accept=LINES, path="", **fields):
        """The events of a streamed answer."""
        response = self.post(path, {"statement": statement, "parameters": parameters or {}, **fields}, {"Accept": accept})
        assert response.headers["Content-Type"] == accept
        return [json.loads(line) for line in response.text.splitlines()]

    def open(self, **fields):
        """Opens a transaction and returns the path of it."""
        response = self.post("/tx", fields)
        assert response.status_code == 202, response.text
        return "/tx/" + response.json()["transaction"]["id"]

    def delete(self, path):
        """Rolls a transaction back."""
        return self.session.delete(self.base + path, timeout=60)


def error(response, status, code):
    """Checks that a request failed in one way, and returns the message."""
    assert response.status_code == status, (response.status_code, response.text)
    errors = response.json()["errors"]
    assert [error["code"] for error in errors] == [f"Neo.{code}"], errors
    return errors[0]["message"]
