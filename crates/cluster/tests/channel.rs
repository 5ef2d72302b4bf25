//! Two members on one machine: the hello, its checks and its limits.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bastide_cluster::*;
use bastide_tls::{Channel, Channels, ClientAuthentication, PeerCertificate, PolicyConfig, TlsVersion};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SHORT: Duration = Duration::from_millis(1_500);
const LONG: Duration = Duration::from_secs(20);

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A member's folder with a certificate for `name` and for loopback.
fn policy(folder: &Path, authority: &Issuer, name: &str) -> PolicyConfig {
    use std::os::unix::fs::PermissionsExt;
    let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    parameters.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    let folder = folder.join(name);
    let trusted = folder.join("trusted");
    std::fs::create_dir_all(&trusted).unwrap();
    std::fs::write(trusted.join("ca.crt"), authority.pem()).unwrap();
    std::fs::write(folder.join("public.crt"), certificate.pem()).unwrap();
    std::fs::write(folder.join("private.key"), key.serialize_pem()).unwrap();
    std::fs::set_permissions(folder.join("private.key"), std::fs::Permissions::from_mode(0o400)).unwrap();
    PolicyConfig {
        scope: "cluster",
        private_key: folder.join("private.key"),
        private_key_password: None,
        public_certificate: folder.join("public.crt"),
        trusted_directory: Some(trusted),
        revoked_directory: None,
        client_authentication: ClientAuthentication::Require,
        trust_all: false,
        verify_hostname: true,
        serves_both_ends: true,
        ciphers: None,
        versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        application_protocols: Vec::new(),
    }
}

fn channel(config: PolicyConfig) -> Arc<Channel> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let channels = Channels::load(vec![config], i64::try_from(now).unwrap()).unwrap();
    Arc::clone(channels.channel("cluster").unwrap())
}

fn config(name: &str, limits: ClusterLimits) -> ClusterConfig {
    ClusterConfig {
        name: MemberName::new(name).unwrap(),
        limits,
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl ClusterEvents for Notes {
    fn joined(&self, direction: Direction, _: SocketAddr, member: &MemberName, _: &PeerCertificate) {
        let line = format!("{} {member}", direction.name());
        self.0.lock().unwrap().push(line);
    }

    fn refused(&self, direction: Direction, _: SocketAddr, reason: &NotEstablished) {
        let line = format!("{} refused: {reason}", direction.name());
        self.0.lock().unwrap().push(line);
    }

    fn left(&self, direction: Direction, _: SocketAddr, member: &MemberName) {
        let line = format!("{} gone: {member}", direction.name());
        self.0.lock().unwrap().push(line);
    }
}

impl Notes {
    /// Waits for a line that holds `text`.
    async fn holding(&self, text: &str) -> String {
        let found = async {
            loop {
                if let Some(line) = self.0.lock().unwrap().iter().find(|line| line.contains(text)) {
                    return line.clone();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, found)
            .await
            .unwrap_or_else(|_| panic!("`{text}` is not in {:?}", self.0.lock().unwrap()))
    }
}

/// A member that listens as `one.test`, and the channel of another, `two.test`.
struct Pair {
    folder: tempfile::TempDir,
    authority: Issuer,
    listener: ClusterListener,
    notes: Arc<Notes>,
    other: Arc<Channel>,
}

impl Pair {
    async fn new(limits: ClusterLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority();
        let notes = Arc::new(Notes::default());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = channel(policy(folder.path(), &authority, "one.test"));
        let listener =
            ClusterListener::start(socket, own, config("one.test", limits), Arc::clone(&notes) as _).unwrap();
        let other = channel(policy(folder.path(), &authority, "two.test"));
        Self {
            folder,
            authority,
            listener,
            notes,
            other,
        }
    }

    fn dialler(&self, name: &str) -> ClusterDialler {
        ClusterDialler::new(
            Arc::clone(&self.other),
            config(name, ClusterLimits::default()),
            Arc::new(NoEvents),
        )
    }

    async fn dial(&self) -> Result<MemberConnection, NotEstablished> {
        self.dialler("two.test")
            .dial("one.test", self.listener.local_address())
            .await
    }

    /// A connection of `two.test` after the TLS handshake, for hellos that are wrong.
    async fn after_handshake(&self) -> impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + use<> {
        let address = self.listener.local_address();
        let socket = TcpStream::connect(address).await.unwrap();
        self.other.connect(socket, "one.test", address, LONG).await.unwrap()
    }
}

fn frame(version: u16, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"BCLU".to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.push(kind);
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

#[tokio::test]
async fn both_ends_know_each_other_and_carry_data_both_ways() {
    let mut pair = Pair::new(ClusterLimits::default()).await;
    let mut dialled = pair.dial().await.unwrap();
    let mut accepted = pair.listener.accept().await.unwrap();
    assert_eq!(dialled.member().as_str(), "one.test");
    assert_eq!(accepted.member().as_str(), "two.test");
    assert!(accepted.certificate().summary.names.contains(&"two.test".to_owned()));
    let mut bytes = [0; 4];
    dialled.write_all(b"ping").await.unwrap();
    dialled.flush().await.unwrap();
    accepted.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
    accepted.write_all(b"pong").await.unwrap();
    accepted.flush().await.unwrap();
    dialled.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"pong");
    drop(accepted);
    pair.notes.holding("accepted two.test").await;
    pair.notes.holding("accepted gone: two.test").await;
}

#[tokio::test]
async fn a_member_that_calls_itself_what_its_certificate_does_not_is_refused_and_told_so() {
    let mut pair = Pair::new(ClusterLimits::default()).await;
    let address = pair.listener.local_address();
    let error = pair.dialler("three.test").dial("one.test", address).await.unwrap_err();
    assert!(matches!(error, NotEstablished::Refused(RefusalCode::Name)), "{error}");
    pair.notes
        .holding("accepted refused: the other side calls itself `three.test`")
        .await;
    // And the other way round: the listener is the liar.
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let own = channel(policy(pair.folder.path(), &pair.authority, "four.test"));
    let liar = config("five.test", ClusterLimits::default());
    let _listener = ClusterListener::start(socket, own, liar, Arc::clone(&pair.notes) as _).unwrap();
    let error = pair.dialler("two.test").dial("four.test", address).await.unwrap_err();
    assert!(
        matches!(&error, NotEstablished::NameNotCertified { name } if name.as_str() == "five.test"),
        "{error}"
    );
    pair.notes.holding("accepted refused: the other side refused").await;
    drop(pair.dial().await.unwrap());
    pair.listener.accept().await.unwrap();
}

#[tokio::test]
async fn bytes_that_are_not_returned_as_sent_are_refused() {
    let pair = Pair::new(ClusterLimits::default()).await;
    let mut stream = pair.after_handshake().await;
    let mut body = vec![0; 64];
    body.extend(b"two.test");
    stream.write_all(&frame(1, 2, &body)).await.unwrap();
    pair.notes.holding("did not return what it was sent").await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer[answer.len() - 10..], frame(1, 4, &[4]));
}

#[tokio::test]
async fn a_member_of_another_version_hears_so() {
    let pair = Pair::new(ClusterLimits::default()).await;
    let mut stream = pair.after_handshake().await;
    stream.write_all(&frame(9, 2, &[0; 72])).await.unwrap();
    pair.notes.holding("speaks version 9").await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer[answer.len() - 10..], frame(1, 4, &[1]));
}

#[tokio::test]
async fn an_endless_hello_a_hello_out_of_turn_and_garbage_are_refused() {
    let pair = Pair::new(ClusterLimits::default()).await;
    let mut long = frame(1, 2, &[0; 72]);
    long[7..9].copy_from_slice(&u16::MAX.to_be_bytes());
    for (bytes, reason) in [
        (long, "65535 bytes"),
        (frame(1, 3, &[0; 32]), "out of turn"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "does not begin like one"),
    ] {
        let mut stream = pair.after_handshake().await;
        stream.write_all(&bytes).await.unwrap();
        pair.notes.holding(reason).await;
    }
}

#[tokio::test]
async fn who_says_nothing_is_let_go_and_gives_its_place_back() {
    let limits = ClusterLimits {
        handshake_time_max: SHORT,
        hello_time_max: SHORT,
        handshakes_max: 2,
        handshakes_per_address_max: 2,
        ..ClusterLimits::default()
    };
    let mut pair = Pair::new(limits).await;
    let address = pair.listener.local_address();
    let _no_handshake = TcpStream::connect(address).await.unwrap();
    let _no_hello = pair.after_handshake().await;
    let _third = TcpStream::connect(address).await.unwrap();
    pair.notes.holding("2 handshakes of this address").await;
    pair.notes.holding("the handshake took too long").await;
    pair.notes.holding("the hello took too long").await;
    drop(pair.dial().await.unwrap());
    pair.listener.accept().await.unwrap();
}

#[tokio::test]
async fn strangers_who_take_all_places_do_not_keep_a_member_out() {
    let limits = ClusterLimits {
        handshake_time_max: LONG,
        hello_time_max: LONG,
        handshakes_max: 4,
        handshakes_per_address_max: 2,
        ..ClusterLimits::default()
    };
    let mut pair = Pair::new(limits).await;
    let address = pair.listener.local_address();
    let mut strangers = Vec::new();
    for host in 2..6 {
        for _ in 0..2 {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
            strangers.push(socket.connect(address).await.unwrap());
        }
    }
    drop(pair.dial().await.unwrap());
    pair.listener.accept().await.unwrap();
    pair.notes.holding("a newer one took its place").await;
}

#[tokio::test]
async fn a_full_listener_says_so_and_takes_the_next_when_one_has_gone() {
    let limits = ClusterLimits {
        connections_max: 1,
        ..ClusterLimits::default()
    };
    let mut pair = Pair::new(limits).await;
    let _dialled = pair.dial().await.unwrap();
    let accepted = pair.listener.accept().await.unwrap();
    let error = pair.dial().await.unwrap_err();
    assert!(matches!(error, NotEstablished::Refused(RefusalCode::Full)), "{error}");
    drop(accepted);
    pair.dial().await.unwrap();
}

#[tokio::test]
async fn plain_bytes_never_get_an_answer_in_clear() {
    let pair = Pair::new(ClusterLimits::default()).await;
    let mut socket = TcpStream::connect(pair.listener.local_address()).await.unwrap();
    let mut body = vec![0; 64];
    body.extend(b"two.test");
    socket.write_all(&frame(1, 2, &body)).await.unwrap();
    pair.notes.holding("is not as TLS has it").await;
    let mut answer = Vec::new();
    let _end = socket.read_to_end(&mut answer).await;
    assert!(!answer.windows(4).any(|window| window == b"BCLU"), "{answer:?}");
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let plain = tokio::spawn(async move {
        let (mut socket, _) = socket.accept().await.unwrap();
        socket.write_all(&frame(1, 1, &[0; 40])).await.unwrap();
        let mut heard = Vec::new();
        let _end = socket.read_to_end(&mut heard).await;
        heard
    });
    let error = pair.dialler("two.test").dial("one.test", address).await.unwrap_err();
    assert!(matches!(error, NotEstablished::Handshake(_)), "{error}");
    assert!(!plain.await.unwrap().windows(4).any(|window| window == b"BCLU"));
}

#[tokio::test]
async fn a_listener_does_not_start_on_a_policy_that_asks_one_end_only() {
    let folder = tempfile::tempdir().unwrap();
    for (name, asked) in [
        ("one.test", ClientAuthentication::None),
        ("two.test", ClientAuthentication::Optional),
    ] {
        let lax = PolicyConfig {
            client_authentication: asked,
            ..policy(folder.path(), &authority(), name)
        };
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let started = ClusterListener::start(
            socket,
            channel(lax),
            config(name, ClusterLimits::default()),
            Arc::new(NoEvents),
        );
        assert!(matches!(started, Err(StartError::NotMutual { scope: "cluster" })));
    }
}

#[tokio::test]
async fn a_connection_outlives_the_listener_that_accepted_it() {
    let mut pair = Pair::new(ClusterLimits::default()).await;
    let mut dialled = pair.dial().await.unwrap();
    let mut accepted = pair.listener.accept().await.unwrap();
    let address = pair.listener.local_address();
    let dialler = pair.dialler("two.test");
    drop(pair.listener);
    dialled.write_all(b"still").await.unwrap();
    dialled.flush().await.unwrap();
    let mut bytes = [0; 5];
    accepted.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"still");
    let refused = async {
        while dialler.dial("one.test", address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, refused).await.unwrap();
}
