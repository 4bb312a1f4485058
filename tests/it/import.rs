//! `identity-link import` brings users from files, links kept, and says what becomes of each row.

mod attach;
mod interrupted;
mod laws;
mod refused;
mod shared;
mod sources;
mod stored;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    child::{Ran, binary, config_file, run_command, temp_dir},
    cluster::Database,
};

/// The samples of the sources.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/import/samples");

/// A folder with what one test imports and what an import writes.
struct Desk {
    dir: PathBuf,
    config: PathBuf,
}

impl Desk {
    /// The folder of a test whose configuration is changed.
    fn new(database: &Database, change: impl FnOnce(String) -> String) -> Self {
        let config = config_file(database, change);
        Self { dir: temp_dir(&format!("{}_import", database.name)), config }
    }

    /// Writes a file, and returns its name in the folder.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.dir.join(name), text).unwrap();
        name.into()
    }

    /// Copies a sample into the folder, and returns its name there.
    fn sample(&self, name: &str) -> PathBuf {
        self.write(name, fs::read(Path::new(SAMPLES).join(name)).unwrap())
    }

    /// An import of these files, in this form, with these options. Its own files are in the folder.
    fn command(&self, from: &str, files: &[&Path], options: &[&str]) -> Command {
        let mut command = binary(&["import", "--config", self.config.to_str().unwrap()]);
        command.args(["--tenant", "default", "--from", from]).args(options).args(files);
        command.current_dir(&self.dir);
        command
    }

    fn import(&self, from: &str, files: &[&Path], options: &[&str]) -> Ran {
        run_command(self.command(from, files, options))
    }

    /// The text of the only file whose name ends with this.
    fn written(&self, end: &str) -> String {
        let names = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            names.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        fs::read_to_string(files.remove(0)).unwrap()
    }
}

/// A neutral row with one account at GitHub.
fn row(number: usize) -> Value {
    json!({"id": format!("old-{number}"), "identities": [
        {"provider": "github", "subject": number.to_string(), "email": format!("u{number}@example.com"), "email_verified": true},
    ]})
}

/// Rows as lines.
fn lines(rows: impl IntoIterator<Item = Value>) -> String {
    rows.into_iter().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{row}");
        text
    })
}

async fn db_users(database: &Database) -> Vec<String> {
    database.db_texts("SELECT id FROM users WHERE tenant_id = 'default' ORDER BY id").await
}
