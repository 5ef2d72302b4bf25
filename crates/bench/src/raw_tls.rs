//! A bare TLS server that does handshakes and nothing else: what logins are measured against.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Starts as many threads as clients, each of which takes a connection after the other; they end with the process. Key and
/// certificate are those of the server that is measured, everything else is the library's default.
pub fn start(key: &Path, certificates: &Path, threads: usize) -> Result<String> {
    let chain = CertificateDer::pem_file_iter(certificates)?.collect::<Result<Vec<_>, _>>()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    for _ in 0..threads {
        let (listener, config) = (listener.try_clone()?, Arc::clone(&config));
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                // A client that breaks off has what it wanted.
                let _done = serve(socket, &config);
            }
        });
    }
    Ok(address)
}

fn serve(mut socket: TcpStream, config: &Arc<ServerConfig>) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut connection = ServerConnection::new(Arc::clone(config))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    let mut rest = [0; 64];
    while socket.read(&mut rest)? > 0 {}
    Ok(())
}
