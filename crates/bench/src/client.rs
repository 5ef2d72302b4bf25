//! The smallest Bolt 5.4 client over TLS: log in, run, pull all.

use std::io::{BufReader, IoSlice, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bastide_bolt::{Dechunker, Dialect, MAGIC, Version, Writer, write_message};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::scanner::Scanner;
use crate::server::PASSWORD;

const VERSION_5_4: [u8; 4] = [0, 0, 4, 5];
const PULL_BUFFER_BYTES: usize = 256 << 10;
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

/// A socket read in large pieces: the library asks for 4 KiB at a time, which would cost a system call each.
struct ReadAhead(BufReader<TcpStream>);

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ReadAhead {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> std::io::Result<usize> {
        self.0.get_mut().write_vectored(pieces)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.get_mut().flush()
    }
}

/// A TLS connection that nothing was sent over yet.
pub struct Handshaken(StreamOwned<ClientConnection, TcpStream>);

/// A whole TLS handshake with a server, and nothing after it.
pub fn handshake(address: &str, tls: &Arc<ClientConfig>) -> Result<Handshaken> {
    let name = ServerName::try_from("localhost")?;
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut connection = ClientConnection::new(Arc::clone(tls), name)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    ensure!(
        connection.handshake_kind() == Some(HandshakeKind::Full),
        "the handshake was no whole one"
    );
    Ok(Handshaken(StreamOwned::new(connection, socket)))
}

/// Bytes both ways, in TLS or not.
trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// A logged-in connection.
pub struct Client {
    stream: Box<dyn Stream>,
    dechunker: Dechunker,
    dialect: Dialect,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Client {
    /// Connects through TLS and logs in.
    pub fn connect(address: &str, tls: &Arc<ClientConfig>) -> Result<Self> {
        Self::over(Box::new(handshake(address, tls)?.0))
    }

    /// Connects through TLS, logs in, and reads in pieces as large as without TLS.
    pub fn connect_to_pull(address: &str, tls: &Arc<ClientConfig>) -> Result<Self> {
        let StreamOwned { conn, sock } = handshake(address, tls)?.0;
        let socket = ReadAhead(BufReader::with_capacity(PULL_BUFFER_BYTES, sock));
        Self::over(Box::new(StreamOwned::new(conn, socket)))
    }

    /// Connects without TLS and logs in.
    pub fn connect_plain(address: &str) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        Self::over(Box::new(socket))
    }

    /// HELLO and LOGON go together, as drivers send them.
    fn over(mut stream: Box<dyn Stream>) -> Result<Self> {
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

    /// Pulls all rows of a statement with the parameters `x` and `text`, and reads no more of them than where each ends; answers
    /// how many rows there were and how many bytes they came in.
    pub fn pull_unread(&mut self, statement: &str, x: i64, text: &str) -> Result<(usize, usize)> {
        self.send(|writer| {
            writer.structure(0x10, 3);
            writer.string(statement);
            writer.map_header(2);
            writer.string("x");
            writer.integer(x);
            writer.string("text");
            writer.string(text);
            writer.map_header(0);
        });
        self.send(|writer| {
            writer.structure(0x3f, 1);
            writer.map_header(1);
            writer.string("n");
            writer.integer(-1);
        });
        self.flush()?;
        let mut scanner = Scanner::default();
        let mut buffer = vec![0; PULL_BUFFER_BYTES];
        let mut bytes = 0;
        while scanner.successes < 2 {
            let count = self.stream.read(&mut buffer)?;
            ensure!(count > 0, "the server closed the connection");
            bytes += count;
            scanner.take(buffer.get(..count).unwrap_or_default());
            ensure!(scanner.others == 0, "the server answered with a failure");
        }
        Ok((scanner.records, bytes))
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
