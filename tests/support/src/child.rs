//! The real binary, as a child process that ends with its test.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::Endpoint;

use super::{Caller, artifacts, cluster::Database, identities, process, server};

/// The id of a user of the sample.
pub const GOOGLE_ID: &str = "google-oauth2|115015401343387192604";

/// How long a child that hangs delays its test; no child that works needs nearly as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// The binary with these arguments.
pub fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(artifacts::service());
    command.args(arguments);
    command
}

/// How a child ended, and all that it wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Ran {
    run_command(binary(arguments))
}

/// Runs a command to its end.
pub fn run_command(command: Command) -> Ran {
    Running::start(command).finish()
}

/// A running child. It is killed on drop, also when the test panics.
pub struct Running {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// `serve` on this database with a changed configuration, after it listens, and its address.
    pub fn serve(database: &Database, change: impl FnOnce(String) -> String) -> (Self, SocketAddr) {
        let file = config_file(database, change);
        Self::serving(binary(&["serve", "--config", file.to_str().unwrap()]))
    }

    /// `serve` on this database, with a limit on the number of open files.
    pub fn serve_with_open_files(database: &Database, limit: u32) -> (Self, SocketAddr) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" serve --config \"$1\"")]);
        command.arg(artifacts::service()).arg(config_file(database, |toml| toml));
        Self::serving(command)
    }

    /// A command that serves, after it listens, and its address.
    pub fn serving(command: Command) -> (Self, SocketAddr) {
        let mut child = Self::start(command);
        let line = child.stderr_until(|line| line.contains(r#""message":"serving""#));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        (child, line["address"].as_str().unwrap().parse().unwrap())
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The CPU time so far, in seconds.
    pub fn cpu(&self) -> f64 {
        process::cpu(self.child.id())
    }

    /// A number of `/proc/…/status`, such as `VmRSS`, in MiB.
    pub fn memory(&self, name: &str) -> f64 {
        process::memory(self.child.id(), name)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for a line on stdout. Panics if the child ends before.
    pub fn stdout_until(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        let found = self.stdout.until(is_it);
        found.unwrap_or_else(|| {
            panic!("the child ended before the expected line: {}", self.stderr.rest())
        })
    }

    /// A line on stderr, whether it came before or after another for which a test has waited. Panics
    /// if the child ends before.
    pub fn stderr_with(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        let found = self.stderr.any(is_it);
        found.unwrap_or_else(|| {
            panic!("the child ended before the expected line: {}", self.stderr.rest())
        })
    }

    /// Waits for a line on stderr. Panics if the child ends before.
    pub fn stderr_until(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        let found = self.stderr.until(is_it);
        found.unwrap_or_else(|| {
            panic!("the child ended before the expected line: {}", self.stderr.rest())
        })
    }

    /// The lines that it has written to stdout so far.
    pub fn stdout_so_far(&self) -> &[String] {
        &self.stdout.seen
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Ran {
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        Ran { code: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

/// What a child writes to one of its pipes.
struct Lines {
    seen: Vec<String>,
    next: Receiver<String>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (tell, next) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                // The test may have ended already.
                let _ = tell.send(line.unwrap());
            }
        });
        Self { seen: Vec::new(), next }
    }

    /// The next line for which `is_it` holds; `None` if the child ends before.
    fn until(&mut self, is_it: impl Fn(&str) -> bool) -> Option<String> {
        loop {
            match self.next.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("the child hangs; its output: {:?}", self.seen)
                }
            }
            let line = self.seen.last().filter(|line| is_it(line));
            if line.is_some() {
                return line.cloned();
            }
        }
    }

    /// A line for which `is_it` holds, among those that were read before or that follow.
    fn any(&mut self, is_it: impl Fn(&str) -> bool) -> Option<String> {
        let seen = self.seen.iter().find(|line| is_it(line)).cloned();
        seen.or_else(|| self.until(is_it))
    }

    /// Waits for its end, and returns everything that it wrote.
    fn rest(&mut self) -> String {
        self.until(|_| false);
        self.seen.join("\n")
    }
}

/// Writes a configuration file for this database, and returns its path.
pub fn config_file(database: &Database, change: impl FnOnce(String) -> String) -> PathBuf {
    let toml = change(server::config_toml("127.0.0.1:0".parse().unwrap(), &database.url));
    let file = temp_dir(&database.name).join("serve.toml");
    fs::write(&file, toml).unwrap();
    file
}

/// An empty folder for one test.
pub fn temp_dir(name: &str) -> PathBuf {
    let dir = artifacts::tmp_dir().join("it").join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Copies the files of a folder, without what was built or installed there by hand.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if ["build", "dist", "node_modules", "target"].iter().any(|name| entry.file_name() == *name)
        {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// `identity-link dev --sample` on a folder of one test, after it is ready.
pub struct Dev {
    pub running: Running,
    pub address: SocketAddr,
    pub data_dir: PathBuf,
}

impl Dev {
    pub fn start(data_dir: &Path) -> Self {
        Self::started(Self::command(data_dir), data_dir)
    }

    /// With the demo login page, and the URL of that page; without the sample.
    pub fn start_with_demo(data_dir: &Path) -> (Self, String) {
        Self::started_with_demo(Self::command_with_demo(data_dir), data_dir)
    }

    /// The same, for browsers that reach the demo at this URL.
    pub fn start_with_demo_at(data_dir: &Path, url: &str) -> (Self, String) {
        let mut command = Self::command_with_demo(data_dir);
        command.args(["--demo-url", url]);
        Self::started_with_demo(command, data_dir)
    }

    /// With the demo login page, the URL of that page, and the sample.
    pub fn start_whole(data_dir: &Path) -> (Self, String) {
        let mut command = Self::command_with_demo(data_dir);
        command.arg("--sample");
        Self::started_with_demo(command, data_dir)
    }

    fn command_with_demo(data_dir: &Path) -> Command {
        let mut command =
            binary(&["dev", "--data-dir", data_dir.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
        command.args(["--demo-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"]);
        command
    }

    fn started_with_demo(command: Command, data_dir: &Path) -> (Self, String) {
        let dev = Self::started(command, data_dir);
        let page = dev.said("A demo login page, for a browser: ");
        (dev, page)
    }

    /// The rest of the line that begins with this.
    pub fn said(&self, beginning: &str) -> String {
        let mut said = self.running.stdout_so_far().iter();
        said.find_map(|line| line.strip_prefix(beginning)).unwrap().to_owned()
    }

    fn started(command: Command, data_dir: &Path) -> Self {
        let mut running = Running::start(command);
        let line = running.stdout_until(|line| line.starts_with("identity-link serves gRPC on "));
        let address = line.rsplit(' ').next().unwrap().parse().unwrap();
        running.stdout_until(|line| line == "Ctrl-C stops the server and its database.");
        Self { running, address, data_dir: data_dir.to_owned() }
    }

    pub fn command(data_dir: &Path) -> Command {
        binary(&[
            "dev",
            "--data-dir",
            data_dir.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--sample",
            "--no-demo",
        ])
    }

    /// A client with a service's token that the command `token` prints.
    pub fn service(&self) -> Caller {
        let ran =
            run(&["token", "--data-dir", self.data_dir.to_str().unwrap(), "--service", "backend"]);
        let channel =
            Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy();
        Caller::new(channel, Some(ran.stdout))
    }

    pub async fn has_the_sample(&self) {
        assert_eq!(identities(&self.service().user(GOOGLE_ID).await), [GOOGLE_ID]);
    }

    /// Sends SIGINT, as a terminal does for Ctrl-C, and waits for the end.
    pub fn interrupt(self) -> Ran {
        self.running.signal(Signal::INT);
        self.running.finish()
    }

    /// The database that it started.
    pub fn database(&self) -> Database {
        let toml = fs::read_to_string(self.data_dir.join("identity-link.toml")).unwrap();
        let toml: toml::Table = toml.parse().unwrap();
        Database {
            name: "postgres".to_owned(),
            url: toml["database"]["url"].as_str().unwrap().to_owned(),
        }
    }

    /// The process id of that database's postmaster.
    pub async fn db_process(&self) -> Pid {
        let folder =
            self.database().db_texts("SELECT current_setting('data_directory')").await.remove(0);
        let text = fs::read_to_string(Path::new(&folder).join("postmaster.pid")).unwrap();
        Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
    }
}
