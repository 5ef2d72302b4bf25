//! The verbs of backups against a server with real TLS in the same process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::any::Any;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bastide_admin::{AdminArguments, Installation, Outcome, Place, Refusal};
use bastide_backup::{BackupServer, Config};
use bastide_database::{Configuration, Credentials, Dbms, NoAudit, Origin, Session, TransactionOptions};
use bastide_model::Map;
use bastide_secret::SecretString;
use bastide_settings::{Fault, LoadOptions, Settings, names};
use bastide_tls::{Channel, ClientAuthentication, Policy, PolicyConfig, TlsVersion};
use clap::Parser;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    admin: AdminArguments,
}

struct OnDisk(PathBuf);

impl Installation for OnDisk {
    fn check_configuration(&self, _place: Place<'_>) -> Result<Vec<Fault>, Refusal> {
        Ok(Vec::new())
    }

    fn set_initial_password(&self, _: Place<'_>, _: &SecretString, _: bool) -> Result<(), Refusal> {
        Ok(())
    }

    fn settings(&self, place: Place<'_>) -> Result<Settings, Refusal> {
        let options = LoadOptions {
            expand_commands: place.expand_commands,
            conf_must_exist: false,
        };
        Settings::load(&self.0, &self.0.join("conf/bastide.conf"), &[], options).map_err(Refusal::Configuration)
    }

    fn tls_policies(&self, _place: Place<'_>) -> Result<Vec<bastide_tls::PolicyConfig>, Refusal> {
        Ok(Vec::new())
    }

    fn lock(&self, _place: Place<'_>) -> Result<Box<dyn Any>, Refusal> {
        make_folder(&self.0.join("logs"));
        Ok(Box::new(()))
    }

    fn log_folder(&self, place: Place<'_>) -> Result<PathBuf, Refusal> {
        Ok(self.settings(place)?.path(names::SERVER_DIRECTORIES_LOGS))
    }
}

fn make_folder(path: &Path) {
    std::fs::create_dir_all(path).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn write(path: &Path, text: &str) {
    make_folder(path.parent().unwrap());
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

/// Lays out a policy's folder: a certificate by `issuer` for both ends, and whom to believe.
fn lay_out(folder: &Path, name: &str, issuer: &Authority, trusted: &Authority) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer.issuer).unwrap();
    write(&folder.join("private.key"), &key.serialize_pem());
    write(&folder.join("public.crt"), &certificate.pem());
    write(&folder.join("trusted/ca.crt"), &trusted.pem);
}

struct Server {
    dbms: Arc<Dbms>,
    address: SocketAddr,
    _server: BackupServer,
    runtime: Runtime,
}

fn server(folder: &Path) -> Server {
    let runtime = Runtime::new().unwrap();
    let configuration = Configuration {
        authentication_enabled: false,
        ..Configuration::in_memory()
    };
    let dbms = Dbms::open(configuration, Arc::new(NoAudit)).unwrap();
    let config = PolicyConfig {
        scope: "backup",
        private_key: folder.join("private.key"),
        private_key_password: None,
        public_certificate: folder.join("public.crt"),
        trusted_directory: Some(folder.join("trusted")),
        revoked_directory: None,
        client_authentication: ClientAuthentication::Require,
        trust_all: false,
        verify_hostname: true,
        serves_both_ends: false,
        ciphers: None,
        versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        application_protocols: Vec::new(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let channel = Channel::of(Policy::load(config, i64::try_from(now).unwrap()).unwrap());
    let (address, server) = runtime.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = BackupServer::start(vec![listener], channel, Config::default(), Arc::clone(&dbms)).unwrap();
        (address, server)
    });
    Server {
        dbms,
        address,
        _server: server,
        runtime,
    }
}

fn session(dbms: &Arc<Dbms>, runtime: &Runtime) -> Session {
    let credentials = Credentials {
        user: String::new(),
        password: SecretString::new(String::new()),
    };
    let origin = Origin {
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
        connection_id: "bolt-1".into(),
    };
    runtime.block_on(dbms.log_in(credentials, origin)).unwrap()
}

struct Answer {
    outcome: Outcome,
    output: String,
    errors: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {} {}", self.output, self.errors))
    }
}

fn run(home: &Path, words: &[&str]) -> Answer {
    let words = std::iter::once(&"admin").chain(words);
    let arguments = CommandLine::try_parse_from(words).unwrap().admin;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let installation = OnDisk(home.to_owned());
    let outcome = bastide_admin::run(&arguments, &installation, &mut output, &mut errors).unwrap();
    Answer {
        outcome,
        output: String::from_utf8(output).unwrap(),
        errors: String::from_utf8(errors).unwrap(),
    }
}

/// A server with ten nodes, and the home of who takes its backups.
struct Stage {
    scratch: tempfile::TempDir,
    server: Server,
    home: PathBuf,
    backups: PathBuf,
}

fn stage(client_issuer: &Authority, authority: &Authority) -> Stage {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("server");
    lay_out(&folder, "the server", authority, authority);
    let server = server(&folder);
    let statement = "UNWIND range(1, 10) AS n CREATE (:Number {n: n})";
    let writer = session(&server.dbms, &server.runtime);
    writer
        .run(statement, &Map::new(), TransactionOptions::default())
        .unwrap()
        .finish()
        .unwrap();
    let (home, backups) = (scratch.path().join("home"), scratch.path().join("backups"));
    write(&home.join("conf/bastide.conf"), "dbms.ssl.policy.backup.enabled=true\n");
    lay_out(&home.join("certificates/backup"), "the taker", client_issuer, authority);
    make_folder(&home.join("certificates/backup/revoked"));
    make_folder(&backups);
    Stage {
        scratch,
        server,
        home,
        backups,
    }
}

impl Stage {
    fn back_up(&self, host: &str, more: &[&str]) -> Answer {
        let from = format!("{host}:{}", self.server.address.port());
        let backups = self.backups.to_str().unwrap();
        let words = ["database", "backup", "--from", &from, "--to-path", backups, "neo4j"];
        run(&self.home, &[&words[..], more].concat())
    }
}

#[test]
fn a_backup_is_taken_inspected_and_restored_into_a_fresh_home() {
    let authority = authority("authority");
    let stage = stage(&authority, &authority);
    let first = stage.back_up("127.0.0.1", &[]);
    assert_eq!(first.outcome, Outcome::Done, "{}", first.errors);
    assert!(first.output.contains("backed up neo4j at commit 1"), "{}", first.output);
    let key = stage.home.join("conf/backup.key");
    assert!(
        first.errors.contains("KEEP A COPY") && first.errors.contains("conf/backup.key"),
        "{}",
        first.errors
    );
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o400);
    let second = stage.back_up("localhost", &["--json"]);
    assert_eq!((second.outcome, second.errors.as_str()), (Outcome::Done, ""));
    let file = second.json()["backups"][0]["file"].as_str().unwrap().to_owned();
    assert_eq!(Path::new(&file).metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let inspected = run(&stage.home, &["backup", "inspect", stage.backups.to_str().unwrap()]);
    assert_eq!((inspected.outcome, inspected.errors.as_str()), (Outcome::Done, ""));
    for column in ["FILE", "DATABASE ID", "HIGHEST TX", "neo4j", ".backup"] {
        assert!(inspected.output.contains(column), "{}", inspected.output);
    }
    let inspected = run(&stage.home, &["backup", "inspect", &file, "--json"]).json();
    assert_eq!(
        (
            &inspected["backups"][0]["highest_tx"],
            &inspected["backups"][0]["sound"]
        ),
        (&1.into(), &true.into())
    );

    let fresh = stage.scratch.path().join("fresh");
    let from = format!("--from-path={file}");
    let without_key = run(&fresh, &["database", "restore", &from, "neo4j"]);
    assert_eq!(without_key.outcome, Outcome::Failed);
    assert!(
        without_key.errors.contains("--encryption-key-file"),
        "{}",
        without_key.errors
    );
    assert!(!fresh.join("data").exists());
    let words = [
        "database",
        "restore",
        &from,
        "--encryption-key-file",
        key.to_str().unwrap(),
        "neo4j",
    ];
    let restored = run(&fresh, &words);
    assert_eq!(restored.outcome, Outcome::Done, "{}", restored.errors);
    assert!(
        restored.output.contains("commit 1, 10 nodes, 0 relationships"),
        "{}",
        restored.output
    );
    assert!(
        restored.errors.contains("made the encryption key"),
        "{}",
        restored.errors
    );
    let again = run(&fresh, &words);
    assert!(again.errors.contains("--overwrite-destination"), "{}", again.errors);
    let replaced = run(&fresh, &[&words[..], &["--overwrite-destination", "--json"]].concat());
    assert_eq!(
        (&replaced.json()["replaced"], &replaced.json()["nodes"]),
        (&true.into(), &10.into())
    );
    let audited = std::fs::read_to_string(fresh.join("logs").join(bastide_audit::LOG_FILE_NAME)).unwrap();
    assert_eq!(audited.matches("database_restored").count(), 3, "{audited}");
}

#[test]
fn a_damaged_backup_is_named_with_its_place_and_not_restored() {
    let authority = authority("authority");
    let stage = stage(&authority, &authority);
    let file = stage.back_up("127.0.0.1", &["--json"]).json()["backups"][0]["file"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut bytes = std::fs::read(&file).unwrap();
    let place = bytes.len() - 200;
    bytes[place] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let inspected = run(&stage.home, &["backup", "inspect", stage.backups.to_str().unwrap()]);
    assert_eq!((inspected.outcome, inspected.output.as_str()), (Outcome::Failed, ""));
    assert!(
        inspected.errors.contains("BAD") && inspected.errors.contains("at byte"),
        "{}",
        inspected.errors
    );
    assert!(inspected.errors.contains(&file));
    let restored = run(
        &stage.home,
        &["database", "restore", &format!("--from-path={file}"), "neo4j"],
    );
    assert_eq!(restored.outcome, Outcome::Failed);
    assert!(
        restored.errors.contains("nothing was restored") && restored.errors.contains("damaged"),
        "{}",
        restored.errors
    );
    assert!(!stage.home.join("data/databases/neo4j").exists());
}

#[test]
fn a_taker_whom_the_server_does_not_believe_gets_nothing() {
    let (authority, stranger) = (authority("authority"), authority("stranger"));
    let stage = stage(&stranger, &authority);
    let refused = stage.back_up("127.0.0.1", &[]);
    assert_eq!(refused.outcome, Outcome::Failed);
    assert!(
        refused.errors.contains("the backup was not taken"),
        "{}",
        refused.errors
    );
    assert_eq!(std::fs::read_dir(&stage.backups).unwrap().count(), 0);
}

#[test]
fn a_server_of_another_name_or_authority_is_not_believed() {
    let (authority, other) = (authority("authority"), authority("other"));
    let stage = stage(&authority, &authority);
    let refused = stage.back_up("127.0.0.2", &[]);
    assert!(
        refused.outcome == Outcome::Failed && refused.errors.contains("secure connection"),
        "{}",
        refused.errors
    );
    write(&stage.home.join("certificates/backup/trusted/ca.crt"), &other.pem);
    let refused = stage.back_up("127.0.0.1", &[]);
    assert!(
        refused.outcome == Outcome::Failed && refused.errors.contains("secure connection"),
        "{}",
        refused.errors
    );
}

#[test]
fn what_is_missing_is_told_before_anything_is_made() {
    let authority = authority("authority");
    let stage = stage(&authority, &authority);
    write(&stage.home.join("conf/bastide.conf"), "");
    let refused = stage.back_up("127.0.0.1", &[]);
    assert!(
        refused.errors.contains("dbms.ssl.policy.backup.enabled=true"),
        "{}",
        refused.errors
    );
    let words = [
        "database",
        "backup",
        "--from",
        "127.0.0.1",
        "--to-path",
        "/nowhere",
        "neo4j",
    ];
    assert!(run(&stage.home, &words).errors.contains("/nowhere"));
    assert!(!stage.home.join("conf/backup.key").exists());
    let nobody = run(&stage.home, &["backup", "inspect", "/nowhere"]);
    assert_eq!(nobody.outcome, Outcome::Failed);
}
