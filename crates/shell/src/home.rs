//! What the home of a server on this machine tells: its address, its development certificate, and where history goes.

use std::path::{Path, PathBuf};

/// The home where none is named.
const HOME_DEFAULT: &str = "bastide-home";
/// A longer file of addresses is none.
const RUN_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The folder of a server on this machine.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The named folder, or the default one; `None` if it does not exist.
    pub fn find(named: Option<&Path>) -> Option<Self> {
        let path = named.unwrap_or(Path::new(HOME_DEFAULT));
        path.is_dir().then(|| Self(path.to_owned()))
    }

    /// The Bolt address of the server that runs now, as `host:port`.
    pub fn bolt_address(&self) -> Option<String> {
        let path = self.0.join("run").join("bastide.json");
        if std::fs::metadata(&path).ok()?.len() > RUN_FILE_BYTES_MAX {
            return None;
        }
        let content: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
        let address: std::net::SocketAddr = content.get("bolt")?.as_str()?.parse().ok()?;
        // A server that listens everywhere is reached at this machine's own address, for which its certificate is made.
        Some(if address.ip().is_unspecified() {
            format!("localhost:{}", address.port())
        } else {
            address.to_string()
        })
    }

    /// The authority of the development certificates, if there is one.
    pub fn development_authority(&self) -> Option<PathBuf> {
        let path = self.0.join("certificates").join("development-ca.crt");
        path.is_file().then_some(path)
    }
}

/// Where the history of typed statements is kept: with other programs' state in the person's own folder.
pub fn history_file() -> Option<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = variable("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(variable("HOME")?.join(".local").join("state")))?;
    Some(state.join("bastide").join("shell-history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_address_of_the_running_server() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::find(Some(folder.path())).unwrap();
        assert_eq!(home.bolt_address(), None);
        std::fs::create_dir(folder.path().join("run")).unwrap();
        for (content, expected) in [
            (
                r#"{"pid":1,"bolt":"127.0.0.1:40123","http":null}"#,
                Some("127.0.0.1:40123"),
            ),
            (r#"{"bolt":"0.0.0.0:7687"}"#, Some("localhost:7687")),
            (r#"{"bolt":"[::1]:7687"}"#, Some("[::1]:7687")),
            (r#"{"bolt":null}"#, None),
            ("{", None),
        ] {
            std::fs::write(folder.path().join("run/bastide.json"), content).unwrap();
            assert_eq!(home.bolt_address().as_deref(), expected, "{content}");
        }
    }

    #[test]
    fn a_home_that_does_not_exist_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Home::find(Some(&folder.path().join("absent"))).is_none());
    }
}
