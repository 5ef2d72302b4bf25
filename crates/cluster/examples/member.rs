//! A member of a cluster without a database: listens, dials, and answers on its standard output what became of it.
//!
//! Takes a command a line, in JSON, and answers each with a line of JSON; tests drive it so. What comes over a connection that was
//! accepted is sent back. Commands:
//!
//! ```text
//! {"do": "dial", "host": "two.test", "address": "10.0.0.2:6000", "keep": "a"}   connects, sends and awaits 64 KiB
//! {"do": "say", "kept": "a"}                                                   the same over a connection that was kept
//! {"do": "reload"}                                                             reads keys and certificates again
//! {"do": "events"}                                                             what happened since it was last asked
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use bastide_cluster::{
    ClusterConfig, ClusterDialler, ClusterEvents, ClusterLimits, ClusterListener, Direction, MemberConnection,
    MemberName, NotEstablished,
};
use bastide_tls::{Channels, ClientAuthentication, PeerCertificate, PolicyConfig, TlsVersion};
use clap::Parser;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SAID_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 16 * 1024;

/// One member.
#[derive(Parser)]
struct Arguments {
    /// Its name, which its certificate must vouch for.
    #[arg(long)]
    name: String,
    /// Where it listens.
    #[arg(long)]
    listen: SocketAddr,
    /// Holds `private.key`, `public.crt`, `trusted` and `revoked`.
    #[arg(long)]
    folder: PathBuf,
    /// Whether names must be in certificates.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    verify_hostname: bool,
}

impl Arguments {
    fn policy(&self) -> PolicyConfig {
        PolicyConfig {
            scope: "cluster",
            private_key: self.folder.join("private.key"),
            private_key_password: None,
            public_certificate: self.folder.join("public.crt"),
            trusted_directory: Some(self.folder.join("trusted")),
            revoked_directory: Some(self.folder.join("revoked")),
            client_authentication: ClientAuthentication::Require,
            trust_all: false,
            verify_hostname: self.verify_hostname,
            serves_both_ends: true,
            ciphers: None,
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            application_protocols: Vec::new(),
        }
    }
}

fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

/// Keeps what it is told until it is asked.
#[derive(Default)]
struct Notes(Mutex<Vec<Value>>);

impl Notes {
    fn add(&self, event: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClusterEvents for Notes {
    fn joined(&self, direction: Direction, peer: SocketAddr, member: &MemberName, certificate: &PeerCertificate) {
        self.add(json!({
            "event": "joined", "direction": direction.name(), "peer": peer.ip().to_string(), "member": member.as_str(),
            "subject": certificate.summary.subject,
        }));
    }

    fn refused(&self, direction: Direction, peer: SocketAddr, reason: &NotEstablished) {
        self.add(json!({
            "event": "refused", "direction": direction.name(), "peer": peer.ip().to_string(), "reason": reason.to_string(),
        }));
    }

    fn left(&self, direction: Direction, peer: SocketAddr, member: &MemberName) {
        self.add(json!({
            "event": "left", "direction": direction.name(), "peer": peer.ip().to_string(), "member": member.as_str(),
        }));
    }
}

struct Member {
    arguments: Arguments,
    channels: Channels,
    dialler: ClusterDialler,
    notes: Arc<Notes>,
    kept: HashMap<String, MemberConnection>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let channels = Channels::load(vec![arguments.policy()], now()?).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(lines.join("\n"))
    })?;
    let channel = channels.channel("cluster").context("the policy was just loaded")?;
    let config = ClusterConfig {
        name: MemberName::new(&arguments.name)?,
        limits: ClusterLimits::default(),
    };
    let notes = Arc::new(Notes::default());
    let socket = TcpListener::bind(arguments.listen).await?;
    let mut listener = ClusterListener::start(socket, Arc::clone(channel), config.clone(), Arc::clone(&notes) as _)?;
    let dialler = ClusterDialler::new(Arc::clone(channel), config, Arc::clone(&notes) as _);
    println!("{}", json!({"listening": listener.local_address().to_string()}));
    tokio::spawn(async move {
        while let Some(connection) = listener.accept().await {
            tokio::spawn(send_back(connection));
        }
    });
    let mut member = Member {
        arguments,
        channels,
        dialler,
        notes,
        kept: HashMap::new(),
    };
    // Blocks one of the runtime's threads, and the others go on.
    while let Some(line) = tokio::task::block_in_place(|| std::io::stdin().lines().next()) {
        let answer = member
            .perform(&serde_json::from_str(&line?)?)
            .await
            .unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
        println!("{answer}");
    }
    Ok(())
}

impl Member {
    async fn perform(&mut self, command: &Value) -> Result<Value> {
        let text = |key: &str| {
            command
                .get(key)
                .and_then(Value::as_str)
                .with_context(|| format!("no `{key}`"))
        };
        match text("do")? {
            "dial" => {
                let mut connection = self.dialler.dial(text("host")?, text("address")?.parse()?).await?;
                say(&mut connection).await?;
                let answer = json!({
                    "member": connection.member().as_str(),
                    "subject": connection.certificate().summary.subject,
                });
                if let Ok(name) = text("keep") {
                    self.kept.insert(name.to_owned(), connection);
                } else {
                    connection.shutdown().await?;
                }
                Ok(answer)
            }
            "say" => {
                let connection = self.kept.get_mut(text("kept")?).context("no such connection")?;
                say(connection).await?;
                Ok(json!({"said": SAID_BYTES}))
            }
            "reload" => {
                let generation = self.channels.reload(vec![self.arguments.policy()], now()?)?;
                Ok(json!({"generation": generation}))
            }
            "events" => Ok(json!({"events": self.notes.take()})),
            other => bail!("`{other}` is no command"),
        }
    }
}

/// Sends bytes and awaits the same back.
async fn say(connection: &mut MemberConnection) -> Result<()> {
    let said: Vec<u8> = (0..=u8::MAX).cycle().take(SAID_BYTES).collect();
    let mut heard = vec![0; SAID_BYTES];
    let (mut reading, mut writing) = tokio::io::split(connection);
    let sending = async {
        writing.write_all(&said).await?;
        writing.flush().await
    };
    tokio::try_join!(sending, async { reading.read_exact(&mut heard).await.map(drop) })?;
    ensure!(heard == said, "other bytes came back");
    Ok(())
}

async fn send_back(mut connection: MemberConnection) -> Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match connection.read(&mut buffer).await? {
            0 => return Ok(connection.shutdown().await?),
            count => {
                connection.write_all(buffer.get(..count).unwrap_or_default()).await?;
                connection.flush().await?;
            }
        }
    }
}
