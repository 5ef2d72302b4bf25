//! What the start prints for people, on standard output.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use bastide_secret::SecretString;

use crate::VERSION;
use crate::first_start::FIRST_USER;

/// Where and how clients connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    /// `host:port` of Bolt.
    pub(crate) bolt: Option<String>,
    /// Whether Bolt takes TLS.
    pub(crate) bolt_encrypted: bool,
    /// `host:port` of HTTPS.
    pub(crate) https: Option<String>,
    /// `host:port` of HTTP.
    pub(crate) http: Option<String>,
    /// The certificate of the development authority, if that is what clients must trust.
    pub(crate) development_authority: Option<PathBuf>,
}

impl Addresses {
    /// The URI for drivers, such as `neo4j+s://localhost:7687`.
    pub(crate) fn uri(&self, scheme: &str) -> Option<String> {
        let suffix = if self.bolt_encrypted { "+s" } else { "" };
        self.bolt
            .as_ref()
            .map(|address| format!("{scheme}{suffix}://{address}"))
    }
}

/// Prints, once, how to log in. `password` is the generated one.
pub(crate) fn first_start(addresses: &Addresses, password: Option<&SecretString>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(first_start_text(addresses, password).as_bytes())?;
    output.flush()
}

fn first_start_text(addresses: &Addresses, password: Option<&SecretString>) -> String {
    let mut text = format!("\nBastide {VERSION}: first start\n\n");
    write_addresses(&mut text, addresses);
    line(&mut text, "User", FIRST_USER);
    match password {
        Some(password) => line(
            &mut text,
            "Password",
            &format!("{}   (shown only now: keep it)", password.expose()),
        ),
        None => line(
            &mut text,
            "Password",
            "as set with `bastide admin dbms set-initial-password`",
        ),
    }
    if let Some(authority) = &addresses.development_authority {
        line(&mut text, "CA", &authority.display().to_string());
    }
    if let Some(address) = &addresses.bolt {
        let shown = password.map_or("<password>", |password| password.expose().as_str());
        text.push_str("\nTo paste:\n\n");
        write_clients(&mut text, addresses, address, shown);
    }
    text.push('\n');
    text
}

/// Prints that the server is ready, on every start.
pub(crate) fn ready(addresses: &Addresses) -> io::Result<()> {
    let mut text = format!("Bastide {VERSION} is ready\n");
    write_addresses(&mut text, addresses);
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn write_addresses(text: &mut String, addresses: &Addresses) {
    if let Some(uri) = addresses.uri("neo4j") {
        line(text, "Bolt", &uri);
    }
    if let Some(address) = &addresses.https {
        line(text, "HTTPS", &format!("https://{address}"));
    }
    if let Some(address) = &addresses.http {
        line(text, "HTTP", &format!("http://{address}"));
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "  {name:<9} {value}");
}

fn write_clients(text: &mut String, addresses: &Addresses, address: &str, password: &str) {
    let uri = addresses.uri("neo4j").unwrap_or_default();
    let authority = addresses
        .development_authority
        .as_ref()
        .map(|path| path.display().to_string());
    let (shell, python, javascript) = match &authority {
        Some(path) => (
            format!(
                "bastide shell -a {uri} -u {FIRST_USER} -p {} --ca {}",
                shell_quoted(password),
                shell_quoted(path)
            ),
            format!(
                "import neo4j; driver = neo4j.GraphDatabase.driver(\"neo4j://{address}\", auth=(\"{FIRST_USER}\", \
                 \"{password}\"), encrypted=True, trusted_certificates=neo4j.TrustCustomCAs({path:?}))"
            ),
            format!(
                "const neo4j = require(\"neo4j-driver\"); const driver = neo4j.driver(\"neo4j://{address}\", \
                 neo4j.auth.basic(\"{FIRST_USER}\", \"{password}\"), {{ encrypted: \"ENCRYPTION_ON\", trust: \
                 \"TRUST_CUSTOM_CA_SIGNED_CERTIFICATES\", trustedCertificates: [{path:?}] }})"
            ),
        ),
        None => (
            format!("bastide shell -a {uri} -u {FIRST_USER} -p {}", shell_quoted(password)),
            format!(
                "import neo4j; driver = neo4j.GraphDatabase.driver(\"{uri}\", auth=(\"{FIRST_USER}\", \"{password}\"))"
            ),
            format!(
                "const neo4j = require(\"neo4j-driver\"); const driver = neo4j.driver(\"{uri}\", \
                 neo4j.auth.basic(\"{FIRST_USER}\", \"{password}\"))"
            ),
        ),
    };
    for (name, code) in [("Shell", shell), ("Python", python), ("JavaScript", javascript)] {
        let _ = writeln!(text, "  # {name}\n  {code}\n");
    }
}

fn shell_quoted(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses {
            bolt: Some("localhost:7687".to_owned()),
            bolt_encrypted: true,
            https: Some("localhost:7473".to_owned()),
            http: None,
            development_authority: Some(PathBuf::from("/home/ada/my certificates/ca.crt")),
        }
    }

    #[test]
    fn the_first_start_has_all_that_is_needed_to_connect() {
        let password = SecretString::new("abcde-fghjk-mnpqr-stuvw".to_owned());
        let text = first_start_text(&addresses(), Some(&password));
        for part in [
            "neo4j+s://localhost:7687",
            "https://localhost:7473",
            "User      neo4j",
            "bastide shell -a neo4j+s://localhost:7687 -u neo4j -p abcde-fghjk-mnpqr-stuvw --ca '/home/ada/my certificates/ca.crt'",
            "TrustCustomCAs(\"/home/ada/my certificates/ca.crt\")",
            "TRUST_CUSTOM_CA_SIGNED_CERTIFICATES",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn a_password_that_was_set_is_not_shown() {
        let text = first_start_text(&addresses(), None);
        assert!(
            text.contains("set-initial-password") && text.contains("-p '<password>'"),
            "{text}"
        );
    }
}
