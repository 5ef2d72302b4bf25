"""Teaches schemathesis to read the media types of the Query API.

Owns how an answer becomes the value that its schema is held against.
"""

import json

import schemathesis

VERSIONS = ("", ".v1.0", ".v1.1")


@schemathesis.deserializer(*(f"application/vnd.neo4j.query{version}" for version in VERSIONS))
def read_typed_json(_context, response):
    """Typed JSON is JSON."""
    return json.loads(response.text)


@schemathesis.deserializer("application/jsonl", *(f"application/vnd.neo4j.query{version}+jsonl" for version in VERSIONS))
def read_events(_context, response):
    """Events are a text of lines, each of which must be JSON with its two fields."""
    for line in response.text.splitlines():
        assert set(json.loads(line)) == {"$event", "_body"}, line
    return response.text
