"""Starting and stopping: what stops a start, how it is said, and what a clean end leaves behind.

Owns black-box checks of `bastide start` and `bastide admin`; knows nothing of how settings are read.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import neo4j
import pytest

from harness import BINARY, PASSWORD, Server

CONFIGURATION_REFUSED = 3
IN_USE = 4
DATA_REFUSED = 5


@pytest.fixture
def fresh():
    """A server that was never started."""
    server = Server(set_password=False)
    yield server
    server.close()


@pytest.fixture
def stopped():
    """A server that was started once and has stopped."""
    server = Server().start()
    assert server.stop() == 0
    yield server
    server.close()


def run(*arguments, **options):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60, **options)


def test_the_first_start_prints_a_strong_password_once_and_it_works(fresh):
    fresh.start()
    password = re.search(r"Password +(\S+)", fresh.output()).group(1)
    assert len(set(password)) > 8 and len(password) >= 20
    with fresh.driver(password=password) as driver:
        driver.verify_connectivity()
    for part in ["neo4j+s://localhost:", "development-ca.crt", "bastide shell", "import neo4j", "neo4j-driver"]:
        assert part in fresh.output()
    assert fresh.stop() == 0
    before = len(fresh.output())
    fresh.start()
    assert "Password" not in fresh.output()[before:] and password not in fresh.output()[before:]
    for file in fresh.home.rglob("*"):
        if file.is_file():
            assert password.encode() not in file.read_bytes(), file


def test_what_the_first_start_creates_is_for_its_owner_only(fresh):
    fresh.start()
    for path in fresh.home.rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode & 0o077 == 0, path
        if path.name in ("private.key", "encryption.key"):
            assert mode == 0o400, path


def test_the_ready_file_says_pid_and_addresses_and_goes_with_a_clean_stop(fresh):
    fresh.start()
    ready = json.loads((fresh.home / "run/bastide.json").read_text())
    assert ready["pid"] == fresh.process.pid and ready["http"] is None and ready["backup"] is None
    assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", ready["bolt"]) and re.fullmatch(r"127\.0\.0\.1:\d+", ready["https"])
    assert ready["version"] in run("--version").stdout
    assert fresh.stop() == 0
    assert not (fresh.home / "run/bastide.json").exists()


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_running_transaction_end_and_then_stops_cleanly(fresh, name):
    fresh.admin("dbms", "set-initial-password", PASSWORD)
    fresh.start()
    with fresh.driver() as driver, driver.session() as session:
        transaction = session.begin_transaction()
        transaction.run("CREATE (:Kept)").consume()
        fresh.process.send_signal(name)
        time.sleep(0.3)
        transaction.run("CREATE (:Kept)").consume()
        transaction.commit()
    assert fresh.process.wait(timeout=30) == 0
    fresh.start()
    assert fresh.query("MATCH (n:Kept) RETURN count(n) AS n") == [{"n": 2}]


def test_a_transaction_that_outlasts_the_grace_period_is_undone_and_the_stop_is_clean(fresh):
    fresh.settings["db.shutdown_transaction_end_timeout"] = "1s"
    fresh.admin("dbms", "set-initial-password", PASSWORD)
    fresh.start()
    with fresh.driver() as driver, driver.session() as session:
        transaction = session.begin_transaction()
        transaction.run("CREATE (:Lost)").consume()
        fresh.process.send_signal(signal.SIGTERM)
        assert fresh.process.wait(timeout=30) == 0
        with pytest.raises((neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError)):
            transaction.commit()
    fresh.start()
    assert fresh.query("MATCH (n:Lost) RETURN count(n) AS n") == [{"n": 0}]


def test_a_second_server_on_the_same_home_is_refused(fresh):
    fresh.start()
    second = run("start", "--home", fresh.home)
    assert second.returncode == IN_USE and str(fresh.home) in second.stdout + second.stderr
    assert (fresh.home / "run/bastide.json").exists() and fresh.process.poll() is None


def test_an_address_in_use_is_named(fresh):
    with Server() as other:
        fresh.settings["server.bolt.listen_address"] = f"127.0.0.1:{other.port}"
        code, text = fresh.fails_to_start()
        assert code == IN_USE and str(other.port) in text and "server.bolt.listen_address" in text


# Configuration


def test_all_faults_of_the_configuration_are_in_one_report_with_line_and_nearest_name(fresh):
    fresh.settings = {
        "server.bolt.listen_adress": "127.0.0.1:0",
        "dbms.ssl.policy.bolt.tls_version": "TLSv1.2",
        "server.bolt.tls_level": "SOMETIMES",
        "db.transaction.timeout": "5 parsecs",
        "dbms.security.auth_max_failed_attempts": "-1",
    }
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED
    for line in range(1, 6):
        assert f"bastide.conf:{line}" in text, line
    assert "`server.bolt.listen_address`" in text and "`dbms.ssl.policy.bolt.tls_versions`" in text
    assert "REQUIRED" in text and "parsecs" in text
    assert not (fresh.home / "data/databases").exists()


def test_a_setting_written_twice_is_a_fault(fresh):
    fresh.write_settings()
    conf = fresh.home / "conf/bastide.conf"
    conf.write_text("server.bolt.tls_level=REQUIRED\nserver.bolt.tls_level=DISABLED\n")
    done = run("start", "--home", fresh.home)
    assert done.returncode == CONFIGURATION_REFUSED and "bastide.conf:2" in done.stdout + done.stderr


def test_contradictions_are_faults(fresh):
    fresh.settings |= {"server.bolt.tls_level": "DISABLED", "server.bolt.listen_address": "0.0.0.0:0"}
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED and "server.bolt.tls_level" in text
    fresh.settings |= {"server.http.enabled": "true", "server.http.listen_address": "0.0.0.0:0"}
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED and "server.http.plaintext_off_loopback_enabled" in text


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_development_certificates_do_not_serve_other_machines(fresh, address):
    fresh.settings["server.bolt.listen_address"] = address
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED
    assert "server.bolt.listen_address" in text and "development certificates" in text
    assert "dbms.ssl.policy.bolt.enabled=true" in text and "public.crt" in text


def test_development_certificates_do_not_serve_other_machines_on_a_later_start_either(stopped):
    stopped.settings["server.https.listen_address"] = "0.0.0.0:0"
    code, text = stopped.fails_to_start()
    assert code == CONFIGURATION_REFUSED and "server.https.listen_address" in text


def test_a_command_is_a_fault_without_and_a_value_with_the_flag(fresh):
    fresh.settings["db.transaction.timeout"] = "$(echo 77s)"
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED and "--expand-commands" in text and "bastide.conf:4" in text
    fresh.admin("--expand-commands", "dbms", "set-initial-password", PASSWORD)
    fresh.start("--expand-commands")
    rows = fresh.query("SHOW SETTINGS 'db.transaction.timeout'")
    assert rows[0]["value"].startswith(("77", "1m17"))


def test_a_failing_command_and_a_conf_that_others_write_are_faults(fresh):
    fresh.settings["db.transaction.timeout"] = "$(echo hidden-output; exit 3)"
    code, text = fresh.fails_to_start("--expand-commands")
    assert code == CONFIGURATION_REFUSED and "db.transaction.timeout" in text and "hidden-output" not in text.replace(
        "echo hidden-output", ""
    )
    fresh.settings["db.transaction.timeout"] = "$(echo 77s)"
    fresh.write_settings()
    conf = fresh.home / "conf/bastide.conf"
    conf.chmod(0o666)
    done = run("start", "--home", fresh.home, "--expand-commands")
    assert done.returncode == CONFIGURATION_REFUSED and "bastide.conf" in done.stdout + done.stderr


def test_validate_config_reports_faults_by_its_exit_code(fresh):
    assert fresh.admin("server", "validate-config").returncode == 0
    fresh.settings["server.bolt.listen_adress"] = "127.0.0.1:0"
    done = fresh.admin("server", "validate-config", check=False)
    assert done.returncode == CONFIGURATION_REFUSED
    assert "server.bolt.listen_address" in done.stdout + done.stderr and "bastide.conf:4" in done.stdout + done.stderr
    assert not (fresh.home / "data").exists()


def test_wrong_command_lines_are_told_apart_from_failures():
    assert run("start", "--hoem", "x").returncode == 2
    assert run("nonsense").returncode == 2
    assert run("--version").returncode == 0 and run("--help").returncode == 0


# Permissions


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("certificates/bolt/private.key", 0o440),
        ("certificates/https/private.key", 0o404),
        ("conf/encryption.key", 0o440),
        ("data", 0o750),
        ("logs", 0o705),
    ],
)
def test_what_others_may_read_stops_the_start_and_is_named(stopped, path, mode):
    (stopped.home / path).chmod(mode)
    code, text = stopped.fails_to_start()
    assert code in (CONFIGURATION_REFUSED, DATA_REFUSED) and str(stopped.home / path) in text and "chmod" in text


def test_public_certificates_and_their_folders_may_be_read_by_others(stopped):
    for path in ["certificates", "certificates/bolt", "certificates/https"]:
        (stopped.home / path).chmod(0o755)
    for path in ["certificates/bolt/public.crt", "certificates/https/public.crt", "certificates/development-ca.crt"]:
        (stopped.home / path).chmod(0o644)
    stopped.start()


# Certificates


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def install(server, scope, *extra):
    """Installs a self-signed certificate for `scope` and switches its policy on."""
    folder = server.home / "certificates" / scope
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (server.home / "certificates").chmod(0o700)
    for name in ("trusted", "revoked"):
        (folder / name).mkdir(mode=0o700)
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "private.key",
        "-out", "public.crt", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", *extra, folder=folder,
    )  # fmt: skip
    (folder / "private.key").chmod(0o400)
    server.settings[f"dbms.ssl.policy.{scope}.enabled"] = "true"
    return folder


def test_installed_certificates_are_served(fresh):
    folder = install(fresh, "bolt", "-days", "10")
    fresh.settings["server.https.enabled"] = "false"
    fresh.start()
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"localhost:{fresh.port}", "-CAfile", folder / "public.crt", "-brief"],
        input="", capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert "Verification: OK" in shown.stdout + shown.stderr
    assert not (fresh.home / "certificates/development-ca.crt").exists()


def test_a_key_of_another_certificate_is_named(fresh):
    bolt, https = install(fresh, "bolt", "-days", "10"), install(fresh, "https", "-days", "10")
    (bolt / "private.key").unlink()
    shutil.copy(https / "private.key", bolt / "private.key")
    (bolt / "private.key").chmod(0o400)
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED and str(bolt) in text and "dbms.ssl.policy.bolt" in text
    assert "dbms.ssl.policy.https" not in text


def test_an_expired_and_a_missing_certificate_are_named_together(fresh):
    bolt = install(fresh, "bolt", "-days", "10")
    openssl("req", "-new", "-key", "private.key", "-subj", "/CN=localhost", "-out", "request", folder=bolt)
    openssl("x509", "-req", "-in", "request", "-signkey", "private.key", "-days", "-1", "-out", "public.crt", folder=bolt)
    https = install(fresh, "https", "-days", "10")
    (https / "public.crt").unlink()
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED
    assert str(bolt / "public.crt") in text and "expired" in text and str(https / "public.crt") in text


def test_certificate_and_key_in_each_others_place_are_named(fresh):
    bolt = install(fresh, "bolt", "-days", "10")
    fresh.settings["server.https.enabled"] = "false"
    (bolt / "private.key").rename(bolt / "x")
    (bolt / "public.crt").rename(bolt / "private.key")
    (bolt / "x").rename(bolt / "public.crt")
    (bolt / "private.key").chmod(0o400)
    (bolt / "public.crt").chmod(0o600)
    code, text = fresh.fails_to_start()
    assert code == CONFIGURATION_REFUSED and str(bolt / "private.key") in text and "PRIVATE KEY-----" not in text


# The initial password


def test_the_initial_password_is_set_before_the_first_start_only(fresh):
    assert fresh.admin("dbms", "set-initial-password", "sunshine", check=False).returncode == 1
    fresh.admin("dbms", "set-initial-password", PASSWORD)
    fresh.start()
    assert PASSWORD not in fresh.output() and fresh.query("RETURN 1 AS one") == [{"one": 1}]
    assert fresh.stop() == 0
    late = fresh.admin("dbms", "set-initial-password", "Mellow-Tangent-Orbit-19", check=False)
    assert late.returncode == 1 and "ALTER CURRENT USER" in late.stderr


def test_the_initial_password_is_read_from_standard_input_and_may_have_to_be_changed(fresh):
    fresh.write_settings()
    command = [BINARY, "admin", "--home", fresh.home, "dbms", "set-initial-password", "--require-password-change", "-"]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, capture_output=True, timeout=30)
    fresh.start()
    with fresh.driver() as driver, pytest.raises(neo4j.exceptions.ClientError) as caught:
        driver.execute_query("RETURN 1")
    assert caught.value.code == "Neo.ClientError.Security.CredentialsExpired"


def test_the_home_comes_from_the_environment_and_from_the_working_folder(tmp_path):
    named = run("admin", "server", "validate-config", env={**os.environ, "BASTIDE_HOME": str(tmp_path / "elsewhere")})
    assert named.returncode == 0
    conf = tmp_path / "bastide-home/conf"
    conf.mkdir(parents=True)
    (conf / "bastide.conf").write_text("server.nonsense=1\n")
    environment = {name: value for name, value in os.environ.items() if name != "BASTIDE_HOME"}
    default = run("admin", "server", "validate-config", cwd=tmp_path, env=environment)
    assert default.returncode == CONFIGURATION_REFUSED and "server.nonsense" in default.stdout + default.stderr


def test_connections_are_refused_while_a_stop_waits_for_transactions(fresh):
    fresh.admin("dbms", "set-initial-password", PASSWORD)
    fresh.start()
    with fresh.driver() as driver, driver.session() as session:
        transaction = session.begin_transaction()
        transaction.run("CREATE (:Kept)").consume()
        fresh.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", fresh.port), timeout=20).close()
        transaction.commit()
    assert fresh.process.wait(timeout=30) == 0
