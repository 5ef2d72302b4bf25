//! An authority of the `openssl` command: it issues, revokes, and answers OCSP requests.

use std::path::{Path, PathBuf};

use crate::openssl::openssl;
use crate::policy::tests::now;
use crate::{ClientAuthentication, Policy, PolicyConfig, TlsVersion};

/// Kinds of keys by the options that make them.
pub(crate) const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
pub(crate) const P384: &str = "ec -pkeyopt ec_paramgen_curve:P-384";
pub(crate) const RSA: &str = "rsa:2048";
pub(crate) const ED25519: &str = "ed25519";

pub(crate) struct Authority {
    home: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new(key: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let authority = Self { home };
        authority.self_signed("ca", key);
        std::fs::write(authority.path("index.txt"), "").unwrap();
        authority
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Another authority of the same name.
    pub(crate) fn self_signed(&self, file: &str, key: &str) {
        let make = format!(
            "req -x509 -newkey {key} -nodes -keyout {file}.key -out {file}.crt -days 30 -subj /CN=authority \
             -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature"
        );
        openssl(self.folder(), &make);
    }

    /// Issues `{file}.crt` with `{file}.key`, signed by `{issuer}.key`.
    pub(crate) fn issue(&self, file: &str, issuer: &str, serial: u32, extensions: &str) {
        std::fs::write(self.path("extensions.cnf"), extensions).unwrap();
        let request = format!("req -new -newkey {P256} -nodes -keyout {file}.key -out {file}.csr -subj /CN={file}");
        openssl(self.folder(), &request);
        let sign = format!(
            "x509 -req -in {file}.csr -CA {issuer}.crt -CAkey {issuer}.key -set_serial {serial} -days 20 \
             -extfile extensions.cnf -out {file}.crt"
        );
        openssl(self.folder(), &sign);
    }

    /// Issues a server's certificate that names `responder`, with the authority's own appended to the file.
    pub(crate) fn issue_server(&self, file: &str, serial: u32, responder: &str, must_staple: bool) {
        let feature = if must_staple { "tlsfeature=status_request\n" } else { "" };
        let extensions = format!(
            "subjectAltName=DNS:localhost\nauthorityInfoAccess=caIssuers;URI:http://127.0.0.1:1/ca,OCSP;URI:{responder}\n{feature}"
        );
        self.issue(file, "ca", serial, &extensions);
        let leaf = std::fs::read(self.path(&format!("{file}.crt"))).unwrap();
        let authority = std::fs::read(self.path("ca.crt")).unwrap();
        std::fs::write(self.path(&format!("{file}.crt")), [leaf, authority].concat()).unwrap();
    }

    /// The authority's records: each serial number with `V`, or `R` and a reason. Others are unknown.
    pub(crate) fn record(&self, serials: &[(u32, &str)]) {
        let line = |(serial, status): &(u32, &str)| {
            let (letter, revoked) = match *status {
                "V" => ("V", String::new()),
                reason => ("R", format!("240102030405Z,{reason}")),
            };
            format!("{letter}\t451231000000Z\t{revoked}\t{serial:04X}\tunknown\t/CN={serial}\n")
        };
        std::fs::write(self.path("index.txt"), serials.iter().map(line).collect::<String>()).unwrap();
    }

    /// Answers a request as `signer`, with more options.
    pub(crate) fn answer(&self, request: &[u8], signer: &str, options: &str) -> Vec<u8> {
        std::fs::write(self.path("request.der"), request).unwrap();
        let answer = format!(
            "ocsp -index index.txt -CA ca.crt -rsigner {signer}.crt -rkey {signer}.key -reqin request.der \
             -respout response.der {options}"
        );
        openssl(self.folder(), answer.trim_end());
        std::fs::read(self.path("response.der")).unwrap()
    }

    pub(crate) fn config(&self, scope: &'static str, file: &str) -> PolicyConfig {
        PolicyConfig {
            scope,
            private_key: self.path(&format!("{file}.key")),
            public_certificate: self.path(&format!("{file}.crt")),
            private_key_password: None,
            trusted_directory: None,
            revoked_directory: None,
            trust_all: false,
            verify_hostname: true,
            serves_both_ends: false,
            client_authentication: ClientAuthentication::None,
            ciphers: None,
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            application_protocols: Vec::new(),
        }
    }

    pub(crate) fn policy(&self, file: &str) -> Policy {
        Policy::load(self.config("bolt", file), now()).unwrap()
    }
}
