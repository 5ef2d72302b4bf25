"""The shell as a user and as a script use it: sources of statements, formats, parameters, transactions, exit codes.

Owns black-box checks of `bastide shell` against a running server.
"""

import csv
import io
import json
import subprocess

import pytest

from harness import BINARY, PASSWORD, Server

FAILED = 1
NO_CONNECTION = 2


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


def test_statements_come_from_arguments_a_file_and_a_pipe(server, tmp_path):
    file = tmp_path / "two.cypher"
    file.write_text("// a comment; with a semicolon\nRETURN 'a;b' AS text;\nRETURN\n  2 AS two\n;\n")
    for done in [
        server.shell("--format", "json", "-f", str(file)),
        server.shell("--format", "json", text=file.read_text()),
        server.shell("--format", "json", "RETURN 'a;b' AS text; RETURN 2 AS two"),
        server.shell("--format", "json", text=f":source {file}\n"),
    ]:
        assert done.returncode == 0, done.stderr
        assert [json.loads(line) for line in done.stdout.splitlines()] == [{"text": "a;b"}, {"two": 2}]


def test_plain_is_the_format_of_a_pipe_and_writes_values_as_cypher_does(server):
    done = server.shell("RETURN 1 AS one, 'a\"b' AS text, [1, 2.5, null, true] AS list, {k: 'v'} AS map")
    assert done.stdout == 'one, text, list, map\n1, "a\\"b", [1, 2.5, NULL, TRUE], {k: "v"}\n'


def test_csv_is_read_back_by_a_csv_reader(server):
    nasty = 'comma, "quote"\nline'
    done = server.shell("--format", "csv", "--param", f"{{text: {json.dumps(nasty)}}}", "RETURN $text AS text, null AS n, 1 AS i")
    assert list(csv.reader(io.StringIO(done.stdout))) == [["text", "n", "i"], [nasty, "", "1"]]


def test_json_is_one_object_a_row(server):
    done = server.shell("--format", "json", "UNWIND [1, 2.5, null, 'x', [1], {k: date('2024-01-02')}] AS v RETURN v")
    values = [json.loads(line)["v"] for line in done.stdout.splitlines()]
    assert values == [1, 2.5, None, "x", [1], {"k": "2024-01-02"}]


def test_verbose_is_a_table_and_says_what_changed(server):
    done = server.shell("--format", "verbose", "CREATE (n:Shown {x: 1}) RETURN n")
    assert "| (:Shown {x: 1}) |" in done.stdout and "1 row" in done.stdout
    assert "Added 1 node, set 1 property, added 1 label" in done.stdout


def test_parameters_are_expressions_and_may_depend_on_the_command_line_only(server):
    done = server.shell("--format", "json", "-P", "x => 1 + 1", "--param", "y: 'two'", "-P", "{z: [3]}", "RETURN $x, $y, $z")
    assert json.loads(done.stdout) == {"$x": 2, "$y": "two", "$z": [3]}
    done = server.shell("--format", "json", text=":param a => date('2024-01-02')\nRETURN $a.year AS year;\n")
    assert json.loads(done.stdout) == {"year": 2024}
    missing = server.shell("RETURN $nowhere AS x")
    assert missing.returncode == FAILED and "nowhere" in missing.stderr


def test_a_transaction_is_rolled_back_or_committed(server):
    script = """
        :begin
        CREATE (:Undone);
        MATCH (n:Undone) RETURN count(n) AS inside;
        :rollback
        :begin
        CREATE (:Done);
        :commit
        MATCH (n:Undone) RETURN count(n) AS undone;
        MATCH (n:Done) RETURN count(n) AS done;
    """
    done = server.shell("--format", "json", text=script)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == [{"inside": 1}, {"undone": 0}, {"done": 1}]


def test_a_transaction_left_open_at_the_end_is_not_committed(server):
    server.shell(text=":begin\nCREATE (:LeftOpen);\n")
    assert server.query("MATCH (n:LeftOpen) RETURN count(n) AS n") == [{"n": 0}]


def test_use_and_the_database_flag_choose_the_database(server):
    by_flag = server.shell("--format", "json", "-d", "system", "SHOW USERS YIELD user")
    by_command = server.shell("--format", "json", text=":use system\nSHOW USERS YIELD user;\n")
    assert json.loads(by_flag.stdout) == json.loads(by_command.stdout) == {"user": "neo4j"}
    unknown = server.shell("-d", "nowhere", "RETURN 1")
    assert unknown.returncode != 0 and "nowhere" in unknown.stderr


def test_a_syntax_error_shows_the_line_with_a_caret_under_the_place(server):
    done = server.shell(text="MATCH (n)\nRETRUN n;\n")
    assert done.returncode == FAILED and done.stdout == ""
    lines = done.stderr.splitlines()
    place = next(number for number, line in enumerate(lines) if line.endswith("RETRUN n"))
    assert lines[place + 1].index("^") == lines[place].index("RETRUN")
    assert "`RETURN`" in done.stderr and "Neo.ClientError.Statement.SyntaxError" in done.stderr


def test_the_first_failure_ends_a_script_unless_told_otherwise(server):
    script = "RETURN 1/0 AS x;\nRETURN 2 AS two;\n"
    first = server.shell("--format", "json", text=script)
    assert first.returncode == FAILED and "two" not in first.stdout and "<stdin>:1" in first.stderr
    end = server.shell("--format", "json", "--fail-at-end", text=script)
    assert end.returncode == FAILED and json.loads(end.stdout) == {"two": 2}


def test_exit_ends_a_script_with_success(server):
    done = server.shell("--format", "json", text="RETURN 1 AS one;\n:exit\nRETURN 2 AS two;\n")
    assert done.returncode == 0 and json.loads(done.stdout) == {"one": 1}


def test_help_and_unknown_commands(server):
    assert ":rollback" in server.shell(text=":help\n").stdout
    unknown = server.shell(text=":nonsense\n")
    assert unknown.returncode == FAILED and ":nonsense" in unknown.stderr


def test_failures_to_connect_have_a_code_of_their_own_and_say_what_to_do(server, tmp_path):
    wrong = server.shell("RETURN 1", password="wrong-Password-entirely-4")
    assert wrong.returncode == NO_CONNECTION and "unauthorized" in wrong.stderr
    assert "wrong-Password-entirely-4" not in wrong.stderr
    nobody = server.shell("-a", "bolt+s://localhost:1", "RETURN 1")
    assert nobody.returncode == NO_CONNECTION and "localhost:1" in nobody.stderr
    plain = server.shell("-a", f"bolt://localhost:{server.port}", "RETURN 1")
    assert plain.returncode == NO_CONNECTION and "bolt+s://" in plain.stderr
    missing = server.shell("-f", str(tmp_path / "missing.cypher"))
    assert missing.returncode == NO_CONNECTION and "missing.cypher" in missing.stderr


def test_certificates_are_checked_unless_told_otherwise(server, tmp_path):
    with Server() as other:
        address = f"localhost:{server.port}"
        ours, theirs = str(server.certificate_authority), str(other.certificate_authority)
        assert server.shell("-a", f"bolt+s://{address}", "--ca", ours, "RETURN 1").returncode == 0
        refused = server.shell("-a", f"bolt+s://{address}", "--ca", theirs, "RETURN 1")
        assert refused.returncode == NO_CONNECTION and "certificate" in refused.stderr
        assert server.shell("-a", f"neo4j+ssc://{address}", "RETURN 1").returncode == 0


def test_reading_mode_refuses_writes(server):
    done = server.shell("--access-mode", "read", "CREATE (:Forbidden)")
    assert done.returncode == FAILED and "AccessMode" in done.stderr
    assert server.query("MATCH (n:Forbidden) RETURN count(n) AS n") == [{"n": 0}]


def test_a_reader_that_goes_away_ends_the_shell_quietly(server):
    query = "UNWIND range(1, 300000) AS i RETURN i"
    done = subprocess.run(
        ["sh", "-c", '"$0" shell --home "$1" "$2" | head -n 2', str(BINARY), str(server.home), query],
        capture_output=True, text=True, timeout=60, env={"NEO4J_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout == "i\n1\n" and "panic" not in done.stderr
