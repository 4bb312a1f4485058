//! Users that come in and go out as files: by an import, psql, an export, a search for duplicates, and
//! a move of their provider.

use std::{
    fs,
    io::{BufWriter, Write as _},
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use identity_link_test_support::{artifacts, tokens::iss};

use super::{
    bench::{Bench, NEW_ISSUER, PROVIDER, seconds},
    rows::{subject, write_rows},
};

/// The columns that an import writes; one of `users` is computed by the database.
const TABLES: [&str; 2] = ["users", "identities"];
const COLUMNS: &str = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''";
/// One in so many users has the email of the user before it.
const PAIR_EVERY: u64 = 100;

/// What one round took, in seconds, and the memory of two commands, in MiB.
#[derive(Clone, Copy)]
pub(super) struct Round {
    pub(super) dry_run: f64,
    pub(super) import: f64,
    pub(super) import_memory: f64,
    pub(super) copy: f64,
    pub(super) export: f64,
    pub(super) export_memory: f64,
    pub(super) copy_out: f64,
    pub(super) duplicates: f64,
    pub(super) duplicates_memory: f64,
    pub(super) provider_move: f64,
}

impl Bench {
    pub(super) fn round(&self, users: u64) -> Round {
        self.begin();
        let file = self.folder.join("users.ndjson");
        write_rows(BufWriter::new(fs::File::create(&file).unwrap()), users, PAIR_EVERY);
        let mut dry = self.importing(&["--dry-run", file.to_str().unwrap()]);
        let (dry_run, _) = seconds(dry.spawn().unwrap());
        fs::remove_file(&file).unwrap();

        let mut import = self.importing(&["-"]).stdin(Stdio::piped()).spawn().unwrap();
        let pipe = BufWriter::with_capacity(1 << 16, import.stdin.take().unwrap());
        let generator = thread::spawn(move || write_rows(pipe, users, PAIR_EVERY));
        let (import, import_memory) = seconds(import);
        generator.join().unwrap();
        assert_eq!(self.sql("SELECT count(*)::text FROM users"), users.to_string());

        let mut export = self.command("export", &["--tenant", "default"]);
        let (export, export_memory) = seconds(export.stdout(Stdio::null()).spawn().unwrap());
        // The copy leaves the same rows.
        let (copy_out, copy) = self.copy();
        let (_, duplicates, duplicates_memory) = self.duplicates();
        let provider_move = self.move_provider(users);
        Round {
            dry_run,
            import,
            import_memory,
            copy,
            export,
            export_memory,
            copy_out,
            duplicates,
            duplicates_memory,
            provider_move,
        }
    }

    /// Moves the provider: each of its accounts gets another subject.
    fn move_provider(&self, users: u64) -> f64 {
        let map = self.folder.join("subjects.csv");
        let mut to = BufWriter::new(fs::File::create(&map).unwrap());
        writeln!(to, "old,new").unwrap();
        for number in 0..users {
            writeln!(to, "{},new-{number}", subject(number)).unwrap();
        }
        to.flush().unwrap();
        // Only a provider with which a server has started has an issuer to move from.
        drop(self.serve());
        let mut command = Command::new(artifacts::service());
        command.args(["provider", "move", "--config", "moved.toml", "--tenant", "default"]);
        command.args(["--provider", PROVIDER, "--from-issuer", &iss(PROVIDER)]);
        command.args(["--to-issuer", NEW_ISSUER, "--subjects", "subjects.csv"]);
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        seconds(command.spawn().unwrap()).0
    }

    /// Has psql write the rows to files, and the same rows into the same empty tables.
    fn copy(&self) -> (f64, f64) {
        let mut commands = vec!["BEGIN".to_owned()];
        let begun = Instant::now();
        for table in TABLES {
            let columns = self.sql(&COLUMNS.replace("$1::text", &format!("'{table}'")));
            let file = self.folder.join(format!("{table}.copy"));
            let file = file.display();
            self.psql(&[format!("\\copy (SELECT {columns} FROM {table}) TO '{file}'")]);
            commands.push(format!("\\copy {table} ({columns}) FROM '{file}'"));
        }
        // The checks of foreign keys come with the commit. Planned for empty tables, each of them would
        // read all rows of the tenant.
        commands.push(format!("ANALYZE {}", TABLES.join(", ")));
        commands.push("COMMIT".to_owned());
        let out = begun.elapsed().as_secs_f64();
        self.sql("TRUNCATE users, identities CASCADE; CHECKPOINT");
        let begun = Instant::now();
        self.psql(&commands);
        (out, begun.elapsed().as_secs_f64())
    }
}
