//! The smallest Bolt 5.4 client over TLS: log in, run, pull all.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bastide_bolt::{Dechunker, Dialect, MAGIC, Version, Writer, write_message};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::server::PASSWORD;

const VERSION_5_4: [u8; 4] = [0, 0, 4, 5];
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A client's TLS that trusts one authority. Sessions are not resumed, as each handshake is to be a whole one.
pub fn tls(authority: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// A whole TLS handshake with a server, and nothing after it.
pub fn handshake(address: &str, tls: &Arc<ClientConfig>) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from("localhost")?;
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut connection = ClientConnection::new(Arc::clone(tls), name)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

/// A logged-in connection.
pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    dechunker: Dechunker,
    dialect: Dialect,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Client {
    /// Connects and logs in.
    pub fn connect(address: &str, tls: &Arc<ClientConfig>) -> Result<Self> {
        let mut stream = handshake(address, tls)?;
        let mut hello = MAGIC.to_vec();
        hello.extend(VERSION_5_4);
        hello.extend([0; 12]);
        stream.write_all(&hello)?;
        let mut chosen = [0; 4];
        stream.read_exact(&mut chosen)?;
        ensure!(chosen == VERSION_5_4, "the server chose {chosen:?}");
        let mut client = Self {
            stream,
            dechunker: Dechunker::new(MESSAGE_BYTES_MAX),
            dialect: Dialect::new(Version { major: 5, minor: 4 }),
            input: Vec::new(),
            output: Vec::new(),
        };
        client.send(|writer| {
            writer.structure(0x01, 1);
            writer.map_header(2);
            writer.string("user_agent");
            writer.string("bench/1");
            writer.string("bolt_agent");
            writer.map_header(1);
            writer.string("product");
            writer.string("bench/1");
        });
        client.send(|writer| {
            writer.structure(0x6a, 1);
            writer.map_header(3);
            for (key, value) in [("scheme", "basic"), ("principal", "neo4j"), ("credentials", PASSWORD)] {
                writer.string(key);
                writer.string(value);
            }
        });
        client.flush()?;
        client.await_summaries(2)?;
        Ok(client)
    }

    /// Runs a statement with one integer parameter `x` and pulls all its rows; answers how many there were.
    pub fn run(&mut self, text: &str, x: i64) -> Result<usize> {
        self.send(|writer| {
            writer.structure(0x10, 3);
            writer.string(text);
            writer.map_header(1);
            writer.string("x");
            writer.integer(x);
            writer.map_header(0);
        });
        self.send(|writer| {
            writer.structure(0x3f, 1);
            writer.map_header(1);
            writer.string("n");
            writer.integer(-1);
        });
        self.flush()?;
        self.await_summaries(2)
    }

    fn send(&mut self, encode: impl FnOnce(&mut Writer<'_>)) {
        write_message(&mut self.output, self.dialect, encode);
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.output)?;
        self.stream.flush()?;
        self.output.clear();
        Ok(())
    }

    /// Reads until so many SUCCESS messages came; answers how many records came before them.
    fn await_summaries(&mut self, mut wanted: usize) -> Result<usize> {
        let mut records = 0;
        let mut buffer = [0; 16 << 10];
        while wanted > 0 {
            let mut rest = self.input.as_slice();
            let message = self.dechunker.feed(&mut rest)?;
            let consumed = self.input.len() - rest.len();
            self.input.drain(..consumed);
            match message {
                Some(message) => match message.get(1).copied() {
                    Some(0x71) => records += 1,
                    Some(0x70) => wanted -= 1,
                    _ => bail!("the server answered {}", String::from_utf8_lossy(&message)),
                },
                None => {
                    let count = self.stream.read(&mut buffer)?;
                    ensure!(count > 0, "the server closed the connection");
                    self.input
                        .extend(buffer.get(..count).context("a read is no longer than its buffer")?);
                }
            }
        }
        Ok(records)
    }
}
