//! A server on a home of its own, ended with the measurement.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The password of the first user.
pub const PASSWORD: &str = "correct-Horse-battery-7";
const START_MAX: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    process: Child,
    home: tempfile::TempDir,
    /// The address of Bolt.
    pub address: String,
}

impl Server {
    /// Starts it with additional lines of settings and waits until it is ready.
    pub fn start(binary: &Path, settings: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bastide-bench-").tempdir()?;
        let home = folder.path().join("home");
        let conf = home.join("conf");
        std::fs::create_dir_all(&conf)?;
        for path in [&home, &conf] {
            set_mode(path, 0o700)?;
        }
        let file = conf.join("bastide.conf");
        std::fs::write(
            &file,
            format!("server.bolt.listen_address=127.0.0.1:0\nserver.https.enabled=false\n{settings}"),
        )?;
        set_mode(&file, 0o600)?;
        let home_text = home.display().to_string();
        let done = Command::new(binary)
            .args(["admin", "--home", &home_text, "dbms", "set-initial-password", PASSWORD])
            .output()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        if !done.status.success() {
            bail!("set-initial-password failed: {}", String::from_utf8_lossy(&done.stderr));
        }
        let log = std::fs::File::create(folder.path().join("server.log"))?;
        let process = Command::new(binary)
            .args(["start", "--home", &home_text])
            .stdout(Stdio::null())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()?;
        let mut server = Self {
            process,
            home: folder,
            address: String::new(),
        };
        server.address = server.await_ready(&home.join("run/bastide.json"))?;
        Ok(server)
    }

    fn await_ready(&mut self, file: &Path) -> Result<String> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                let log = std::fs::read_to_string(self.home.path().join("server.log"))?;
                bail!("the server ended with {status}: {log}");
            }
            let ready = std::fs::read(file)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
            if let Some(address) = ready
                .as_ref()
                .and_then(|ready| ready.get("bolt"))
                .and_then(|bolt| bolt.as_str())
            {
                return Ok(address.to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the server was not ready in {} s", START_MAX.as_secs())
    }

    /// The authority of its certificates.
    pub fn authority(&self) -> PathBuf {
        self.home.path().join("home/certificates/development-ca.crt")
    }

    /// Its key and its chain for Bolt.
    pub fn identity(&self) -> (PathBuf, PathBuf) {
        let folder = self.home.path().join("home/certificates/bolt");
        (folder.join("private.key"), folder.join("public.crt"))
    }

    /// A folder on the same disk as its log.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

impl Drop for Server {
    fn drop(&mut self) {
        // The home goes with it, so there is nothing to end cleanly.
        let _ended = (self.process.kill(), self.process.wait());
    }
}
