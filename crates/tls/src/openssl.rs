//! Runs the `openssl` command, so that tests read what others write.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `openssl` in `folder` with words separated by spaces, or fails the test with what it says.
pub(crate) fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    run(
        folder,
        &arguments.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>(),
    )
}

/// Runs a command as a message shows it, with further options for what it would ask.
pub(crate) fn as_told(folder: &Path, text: &str, options: &str) {
    let command = text
        .split('`')
        .find(|part| part.starts_with("openssl "))
        .unwrap_or_else(|| panic!("no command in: {text}"));
    let words = format!("{command} {options}");
    run(folder, &words.split_whitespace().skip(1).collect::<Vec<_>>());
}

fn run(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {arguments:?}: {said}");
    done.stdout
}

/// Keys and certificates of one test, in a folder: `<name>.key` and `<name>.crt`.
pub(crate) struct Pki {
    folder: tempfile::TempDir,
}

/// What an authority's certificate says.
pub(crate) const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n";
/// What a server's certificate says.
pub(crate) const SERVER: &str =
    "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n";

impl Pki {
    /// A root, an intermediate authority, and a server's certificate.
    pub(crate) fn new() -> Self {
        let pki = Self::empty();
        pki.issue("root", "root", AUTHORITY, "-days 3000");
        pki.issue("middle", "root", AUTHORITY, "-days 2000");
        pki.issue("server", "middle", SERVER, "-days 1000");
        pki
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn key(&self, name: &str, algorithm: &str) {
        openssl(
            self.folder(),
            &format!("genpkey -algorithm {algorithm} -out {name}.key"),
        );
    }

    /// Has `issuer` issue a certificate to `name`, whose key is made unless it is there. Its subject is `CN=<name>`.
    pub(crate) fn issue(&self, name: &str, issuer: &str, extensions: &str, options: &str) {
        if !self.path(&format!("{name}.key")).exists() {
            self.key(name, "EC -pkeyopt ec_paramgen_curve:P-256");
        }
        std::fs::write(self.path("extensions"), extensions).unwrap();
        openssl(
            self.folder(),
            &format!("req -new -key {name}.key -subj /CN={name} -out request"),
        );
        let signer = if name == issuer {
            format!("-signkey {name}.key")
        } else {
            format!("-CA {issuer}.crt -CAkey {issuer}.key -CAcreateserial")
        };
        let command = format!("x509 -req -in request {signer} -extfile extensions {options} -out {name}.crt");
        openssl(self.folder(), &command);
    }

    /// Writes certificates into one file, in this order.
    pub(crate) fn chain(&self, names: &[&str]) -> std::path::PathBuf {
        let read = |name: &&str| std::fs::read_to_string(self.path(&format!("{name}.crt"))).unwrap();
        let path = self.path("public.crt");
        std::fs::write(&path, names.iter().map(read).collect::<String>()).unwrap();
        path
    }
}
