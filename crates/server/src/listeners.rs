//! Binding the connectors' addresses, before anything that takes long.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use bastide_settings::ListenAddress;
use tokio::net::TcpListener;

/// Tries to find one port that is free on all addresses of a host.
const PORT_TRIES: usize = 16;
/// Addresses of one host that are listened on.
const ADDRESSES_MAX: usize = 16;

/// Binds every address of the host, IPv4 first: a client that resolves `localhost` to `::1` must not meet somebody else
/// there. With port 0 all get the same port.
pub(crate) async fn bind(address: &ListenAddress) -> io::Result<Vec<TcpListener>> {
    let addresses = resolve(address)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for _ in 0..PORT_TRIES {
        match bind_all(&addresses).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port == 0 => last = error,
            outcome => return outcome,
        }
    }
    Err(last)
}

fn resolve(address: &ListenAddress) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = if address.host.eq_ignore_ascii_case("localhost") {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        loopback
            .into_iter()
            .map(|host| SocketAddr::new(host, address.port))
            .collect()
    } else {
        (address.host.as_str(), address.port).to_socket_addrs()?.collect()
    };
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    Ok(addresses)
}

async fn bind_all(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = None;
    for address in addresses {
        let address = SocketAddr::new(address.ip(), port.unwrap_or(address.port()));
        match TcpListener::bind(address).await {
            Ok(listener) => {
                port = Some(listener.local_addr()?.port());
                listeners.push(listener);
            }
            // Machines without IPv6 have no `::1`.
            Err(error) if !listeners.is_empty() && is_missing(&error) => {
                tracing::debug!(%address, %error, "an address of the host is not there");
            }
            Err(error) => return Err(error),
        }
    }
    if listeners.is_empty() {
        return Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    }
    Ok(listeners)
}

fn is_missing(error: &io::Error) -> bool {
    let unsupported = error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    unsupported || error.kind() == io::ErrorKind::AddrNotAvailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_bound_on_one_port_ipv4_first() {
        let address = ListenAddress {
            host: "localhost".to_owned(),
            port: 0,
        };
        let listeners = bind(&address).await.unwrap();
        let bound: Vec<_> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap())
            .collect();
        assert!(bound[0].is_ipv4() && bound.iter().all(|address| address.ip().is_loopback()));
        assert!(bound.iter().all(|address| address.port() == bound[0].port()));
        let again = ListenAddress {
            host: "127.0.0.1".to_owned(),
            port: bound[0].port(),
        };
        assert_eq!(bind(&again).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
