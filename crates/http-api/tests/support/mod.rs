//! A listener over a database in memory, and requests written by hand.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bastide_database::{Configuration, Dbms, NoAudit};
use bastide_http_api::{Config, Discovery, HttpLimits, HttpServer, QueryConfig, QueryLimits};
use bastide_secret::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// `neo4j:secret`, encoded.
pub const BASIC: &str = "Basic bmVvNGo6Y29ycmVjdC1Ib3JzZS1iYXR0ZXJ5LTc=";
const PASSWORD: &str = "correct-Horse-battery-7";

pub struct Running {
    pub server: HttpServer,
    pub dbms: Arc<Dbms>,
    pub ready: Arc<AtomicBool>,
}

pub async fn start(limits: HttpLimits, query: QueryLimits) -> Running {
    let dbms = Dbms::open(Configuration::in_memory(), Arc::new(NoAudit)).unwrap();
    let credential = Dbms::hash_password(&SecretString::new(PASSWORD.to_owned())).unwrap();
    dbms.create_first_user("neo4j", credential, false).unwrap();
    let ready = Arc::new(AtomicBool::new(true));
    let is_ready = Arc::clone(&ready);
    let config = Config {
        discovery: Discovery {
            bolt_routing: Some("neo4j+s://localhost:7687".to_owned()),
            bolt_direct: Some("bolt+s://localhost:7687".to_owned()),
            neo4j_version: "5.26.0".to_owned(),
            neo4j_edition: "community".to_owned(),
        },
        ready: Arc::new(move || is_ready.load(Ordering::Relaxed)),
        security_contact: Some("mailto:security@example.com".to_owned()),
        https_address: Some("localhost:7473".to_owned()),
        http_address: Some("localhost:7474".to_owned()),
        strict_transport_security: Some("max-age=1".to_owned()),
        limits,
        query: QueryConfig {
            dbms: Arc::clone(&dbms),
            authentication_enabled: true,
            certificate_identity: None,
            limits: query,
        },
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = HttpServer::start(vec![(listener, None)], &Arc::new(config)).unwrap();
    Running { server, dbms, ready }
}

impl Running {
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.local_addresses().first().unwrap())
            .await
            .unwrap()
    }

    /// Sends a request and reads until the connection ends.
    pub async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_end(stream).await
    }

    pub async fn get(&self, path: &str) -> String {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ))
        .await
    }

    /// Posts to the Query API of the default database.
    pub async fn post(&self, path: &str, body: &str) -> String {
        self.ask(&post(path, body, "application/json")).await
    }

    /// Waits until no transaction runs.
    pub async fn is_quiet(&self) {
        for _ in 0..600 {
            if self.dbms.running_transactions() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} transactions are still running", self.dbms.running_transactions());
    }
}

/// A request that ends its connection.
pub fn post(path: &str, body: &str, accept: &str) -> String {
    let length = body.len();
    format!(
        "POST /db/neo4j/query/v2{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {BASIC}\r\n\
         Accept: {accept}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

pub async fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // Some refusals reset the connection after their answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// The id of the transaction that an answer tells of.
pub fn transaction_id(answer: &str) -> String {
    let (_, rest) = answer
        .split_once("\"transaction\":{\"id\":\"")
        .unwrap_or_else(|| panic!("no transaction in {answer}"));
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}
