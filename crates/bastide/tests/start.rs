//! The binary as a user runs it: first start, stop, restart, and what it refuses.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;

const PASSWORD: &str = "correct-Horse-battery-7";
const PORTS: &str = "server.bolt.listen_address=127.0.0.1:0\nserver.https.listen_address=127.0.0.1:0\n";

struct Home {
    _scratch: tempfile::TempDir,
    path: PathBuf,
}

struct Server {
    process: Child,
    ready: Value,
}

impl Home {
    fn new(settings: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("home");
        let home = Self {
            _scratch: scratch,
            path,
        };
        home.write_settings(settings);
        home
    }

    fn write_settings(&self, settings: &str) {
        std::fs::create_dir_all(self.path.join("conf")).unwrap();
        let conf = self.path.join("conf/bastide.conf");
        std::fs::write(&conf, format!("{PORTS}{settings}")).unwrap();
        set_mode(&conf, 0o600);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bastide"));
        command
            .args(arguments)
            .arg("--home")
            .arg(&self.path)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self) -> Server {
        let output = std::fs::File::create(self.path.join("output")).unwrap();
        let mut command = self.command(&["start"]);
        let mut process = command.stdout(output).stderr(Stdio::null()).spawn().unwrap();
        let file = self.path.join("run/bastide.json");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(process.try_wait().unwrap().is_none(), "the server ended");
            assert!(Instant::now() < deadline, "the server is not ready");
            if let Ok(text) = std::fs::read_to_string(&file)
                && let Ok(ready) = serde_json::from_str::<Value>(&text)
                && ready["pid"] == process.id()
            {
                return Server { process, ready };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.path.join("output")).unwrap()
    }
}

impl Server {
    fn address(&self, connector: &str) -> SocketAddr {
        self.ready[connector].as_str().unwrap().parse().unwrap()
    }

    fn stop(mut self) -> i32 {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Speaks TLS, trusting only the development authority of the home.
fn exchange(home: &Home, address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let authority = home.path.join("certificates/development-ca.crt");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    stream.write_all(request).unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).unwrap();
    answer.truncate(length);
    answer
}

#[test]
fn a_first_start_prints_the_password_once_and_serves_tls_by_its_own_authority() {
    let home = Home::new("");
    let server = home.start();
    let printed = home.output();
    assert!(
        printed.contains("Password") && printed.contains("neo4j+s://localhost:"),
        "{printed}"
    );
    let handshake = [0x60, 0x60, 0xB0, 0x17, 0, 8, 8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(exchange(&home, server.address("bolt"), &handshake), [0, 0, 8, 5]);
    let request = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = text(&exchange(&home, server.address("https"), request));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(
        (&server.ready["http"], &server.ready["backup"]),
        (&Value::Null, &Value::Null)
    );
    // Plain Bolt gets no answer at all.
    let mut plain = TcpStream::connect(server.address("bolt")).unwrap();
    plain.write_all(&handshake).unwrap();
    let mut answer = Vec::new();
    // Closed or reset, as the bytes were not read.
    let _ = plain.read_to_end(&mut answer);
    assert_eq!(answer, [0_u8; 0]);

    assert_eq!(server.stop(), 0);
    assert!(!home.path.join("run/bastide.json").exists());
    let again = home.start();
    assert!(!home.output().contains("Password"));
    assert_eq!(again.stop(), 0);
    let audit = std::fs::read_to_string(home.path.join("logs/audit.log")).unwrap();
    assert!(
        audit.contains("connection_refused") && audit.contains("server_stopped"),
        "{audit}"
    );
    assert!(home.run(&["admin", "audit", "verify"]).status.success());
}

#[test]
fn a_password_set_before_the_first_start_is_not_printed_and_cannot_be_set_after_it() {
    let home = Home::new("");
    assert!(
        home.run(&["admin", "dbms", "set-initial-password", PASSWORD])
            .status
            .success()
    );
    assert_eq!(
        home.run(&["admin", "dbms", "set-initial-password", "password"])
            .status
            .code(),
        Some(1)
    );
    let server = home.start();
    let printed = home.output();
    assert!(
        !printed.contains(PASSWORD) && printed.contains("set-initial-password"),
        "{printed}"
    );
    assert!(!home.path.join("data/initial-password").exists());
    assert_eq!(server.stop(), 0);
    let late = home.run(&["admin", "dbms", "set-initial-password", PASSWORD]);
    assert_eq!(late.status.code(), Some(1));
    assert!(text(&late.stderr).contains("started on this home before"));
}

#[test]
fn loose_permissions_unavailable_settings_and_misspellings_stop_the_start_in_one_report() {
    let home = Home::new("server.bolt.telemetry.enabled=true\nserver.bolt.thread_pool_max_size=7\n");
    std::fs::create_dir(home.path.join("data")).unwrap();
    set_mode(&home.path.join("data"), 0o750);
    let refused = home.run(&["start"]);
    let report = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{report}");
    for part in [
        "bastide.conf:3: `server.bolt.telemetry.enabled`",
        "thread_pool_max_size",
        "group or others can read this data folder",
    ] {
        assert!(report.contains(part), "{part} is missing in {report}");
    }
    let validated = home.run(&["admin", "server", "validate-config"]);
    assert_eq!(validated.status.code(), Some(3));
    assert!(text(&validated.stderr).contains("server.bolt.telemetry.enabled"));
    home.write_settings("server.bolt.telemetry.enabled=false\n");
    set_mode(&home.path.join("data"), 0o700);
    let validated = home.run(&["admin", "server", "validate-config"]);
    assert!(
        text(&validated.stdout).contains("the configuration is valid"),
        "{validated:?}"
    );
}

#[test]
fn development_certificates_are_not_served_to_other_machines() {
    let home = Home::new(
        "server.http.enabled=true\nserver.http.listen_address=0.0.0.0:0\nserver.http.plaintext_off_loopback_enabled=true\n",
    );
    let refused = home.run(&["start"]);
    let report = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{report}");
    assert!(
        report.contains("only development certificates") && report.contains("install real certificates"),
        "{report}"
    );
    assert!(!home.path.join("certificates").exists());
}

#[test]
fn a_private_key_that_others_can_read_stops_the_start() {
    let home = Home::new("");
    assert_eq!(home.start().stop(), 0);
    let key = home.path.join("certificates/bolt/private.key");
    set_mode(&key, 0o440);
    set_mode(&home.path.join("certificates"), 0o755);
    set_mode(&home.path.join("certificates/bolt/public.crt"), 0o644);
    let refused = home.run(&["start"]);
    let report = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{report}");
    assert!(report.contains("1 fault") && report.contains("private.key"), "{report}");
    set_mode(&key, 0o400);
    assert_eq!(home.start().stop(), 0);
}

#[test]
fn a_home_has_one_server_and_a_killed_one_leaves_no_lock() {
    let home = Home::new("");
    let mut server = home.start();
    assert_eq!(home.run(&["start"]).status.code(), Some(4));
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    assert!(home.path.join("run/bastide.json").exists());
    assert_eq!(home.start().stop(), 0);
}
