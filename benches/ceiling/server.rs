//! Servers under test, each a process of its own.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use identity_link_test_support::{auth0::AUTH0, process, server::config_toml};
use serde_json::Value;

use super::captured::Captured;

/// How long a server may take to start. A peer may have to be built first.
const START: Duration = Duration::from_secs(2 * 3600);

/// A running server. It is killed on drop.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The service with its default settings, and `more` keys at the top of its configuration.
    pub(super) fn service(
        program: &Path,
        folder: &Path,
        name: &str,
        url: &str,
        more: &str,
    ) -> Self {
        let file = config_file(folder, name, url, more);
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(file);
        Self::start(command, &folder.join(format!("{name}.log")))
    }

    /// The plain prototype, which this program serves, too.
    pub(super) fn prototype(folder: &Path, url: &str, captured: &Captured) -> Self {
        let file = folder.join("captured.json");
        fs::write(&file, serde_json::to_vec(captured).unwrap()).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--prototype", url, "--captured"]).arg(file);
        Self::start(command, &folder.join("prototype.log"))
    }

    /// Another system that a script serves.
    pub(super) fn peer(script: &Path, arguments: &[&str], log: &Path) -> Self {
        let mut command = Command::new(script);
        command.args(arguments);
        Self::start(command, log)
    }

    /// Starts a server that writes its log to a file, and waits until it serves.
    fn start(mut command: Command, log: &Path) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(log).unwrap());
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(line) = serving(&fs::read_to_string(log).unwrap()) {
                let address = line["address"].as_str().unwrap().parse().unwrap();
                return Self { child, address };
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < START, "see {}", log.display());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its CPU time so far.
    pub(super) fn cpu(&self) -> f64 {
        process::cpu(self.pid())
    }
}

/// The line with which a server says that it serves, and at which address.
pub(super) fn serving(log: &str) -> Option<Value> {
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find(|line| line["message"] == "serving")
}

/// Migrates a database with the program under test, which knows its schema.
pub(super) fn migrate(program: &Path, folder: &Path, url: &str) {
    let file = config_file(folder, "migrate", url, "");
    let mut command = Command::new(program);
    let ran = command.arg("migrate").arg("--config").arg(file).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Writes the configuration of the tests, with the defaults instead of the tests' own limits.
fn config_file(folder: &Path, name: &str, url: &str, more: &str) -> PathBuf {
    let mut toml = config_toml(([127, 0, 0, 1], 0).into(), url);
    for own in ["max_connections = 8\n", "poll_interval = \"20ms\"\n"] {
        assert!(toml.contains(own));
        toml = toml.replace(own, "");
    }
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, format!("{more}\n{toml}{AUTH0}")).unwrap();
    file
}
