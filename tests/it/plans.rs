//! `identity-link apply` links by a plan of `duplicates`, and `identity-link undo` takes links back.

mod apply;
mod paced;
mod raced;
mod refused;
mod resumed;
mod undo;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{
    Caller, TestServer,
    child::{Ran, binary, config_file, run_command, temp_dir},
    verified,
};

/// An operator with a configuration and a folder, beside a server with the tenant `joined`.
struct Desk {
    server: TestServer,
    service: Caller,
    config: PathBuf,
    folder: PathBuf,
}

impl Desk {
    async fn start(name: &str) -> Self {
        Self::beside(TestServer::start().await, name).await
    }

    async fn beside(server: TestServer, name: &str) -> Self {
        let service = server.service_of("joined");
        let folder = temp_dir(&format!("plans_{name}"));
        let config = folder.join("serve.toml");
        fs::copy(config_file(&server.database, |toml| toml), &config).unwrap();
        Self { server, service, config, folder }
    }

    /// Creates a user at Google and one at GitHub for each of these names, with the same verified
    /// email: `google-oauth2|NAME` is the older one.
    async fn pairs(&self, names: &[&str]) {
        for name in names {
            let email = format!("{name}@example.com");
            self.service.create_with("google-oauth2", name, verified(&email)).await;
            self.service.create_with("github", name, verified(&email)).await;
        }
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).to_str().unwrap().to_owned()
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let config = self.config.to_str().unwrap();
        let first = [command, "--config", config, "--tenant", "joined"];
        binary(&[&first[..], arguments].concat())
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Ran {
        run_command(self.command(command, arguments))
    }

    /// Writes a plan with these options, and returns its file.
    fn plan(&self, file: &str, options: &[&str]) -> String {
        let path = self.path(file);
        let ran = self.run("duplicates", &[&["--output", &path], options].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        path
    }

    /// The lines of a file of JSON lines.
    fn lines(&self, file: impl AsRef<Path>) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Writes a file of JSON lines, and returns its path.
    fn write(&self, file: &str, lines: &[Value]) -> String {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.folder.join(file), text).unwrap();
        self.path(file)
    }

    /// `SECONDARY VERDICT`, or for a skipped one `SECONDARY REASON`, of each line of a report.
    fn verdicts(&self, report: &str) -> Vec<String> {
        let shown = self.lines(report).into_iter().map(|line| {
            let verdict = line.get("reason").unwrap_or(&line["verdict"]).clone();
            format!("{} {}", line["secondary"].as_str().unwrap(), verdict.as_str().unwrap())
        });
        shown.collect()
    }

    /// The links that plans have made, as `PRIMARY SECONDARY`, undone ones included.
    async fn db_links_of_plans(&self) -> Vec<String> {
        let links = "SELECT primary_id || ' ' || secondary_id FROM links WHERE plan_id IS NOT NULL";
        let mut links = self.server.database.db_texts(links).await;
        links.sort();
        links
    }
}

/// The last line that a command wrote to stderr. Before it, the transactions of other tests may have
/// made it pause.
fn last_said(ran: &Ran) -> &str {
    ran.stderr.lines().last().unwrap_or_default()
}

/// The first line of what a command printed names its plan or tenant; these are the others.
fn figures(ran: &Ran) -> &str {
    ran.stdout.split_once('\n').unwrap().1
}
