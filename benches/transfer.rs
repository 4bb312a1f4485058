//! How fast users come in and go out, against what Postgres's own tool needs for the same rows in
//! the same tables: `identity-link import` from a pipe, its dry run, `\copy` by psql, and
//! `identity-link export`, in turns, on a durable Postgres of their own. And how fast duplicates are
//! found, against `\copy … TO` of the same tables; how fast a plan is applied, against one client that
//! calls `Link`; and how fast a provider moves with new subjects, against the import.
//! `cargo bench --bench transfer`, with `-- 1000000` for another number of users, and `--rounds=1`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::{
    fs,
    io::{BufWriter, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use identity_link_dev::Postgres;
use identity_link_test_support::{
    Caller, artifacts, link_user,
    server::config_toml,
    tokens::{Token, iss},
};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;
use tonic::transport::Channel;

const USERS: u64 = 200_000;
const ROUNDS: usize = 3;
/// The columns that an import writes; one of `users` is computed by the database.
const TABLES: [&str; 2] = ["users", "identities"];
const COLUMNS: &str = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''";

/// A durable Postgres, and the folder of this benchmark.
struct Bench {
    postgres: Postgres,
    url: String,
    folder: PathBuf,
    config: PathBuf,
}

/// The provider that moves, and its new issuer.
const PROVIDER: &str = "google-oauth2";
const NEW_ISSUER: &str = "https://elsewhere.example.com";
/// One in so many users has the email of the user before it.
const PAIR_EVERY: u64 = 100;

/// What one round took, in seconds, and the memory of two commands, in MiB.
#[derive(Clone, Copy)]
struct Round {
    dry_run: f64,
    import: f64,
    import_memory: f64,
    copy: f64,
    export: f64,
    export_memory: f64,
    copy_out: f64,
    duplicates: f64,
    duplicates_memory: f64,
    /// The time for one link.
    apply: f64,
    link: f64,
    provider_move: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` passes this argument: then nothing is measured.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let users = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(USERS);
    let rounds = arguments.iter().find_map(|argument| argument.strip_prefix("--rounds="));
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let bench = Bench::start();
    let rounds: Vec<Round> = (0..rounds).map(|_| bench.round(users)).collect();
    println!("{users} users, {} rounds: the median, and the worst round", rounds.len());
    for (what, of) in [
        (
            "import: users per second ÷ those of psql's \\copy",
            (|r| r.copy / r.import) as fn(&Round) -> f64,
        ),
        ("dry run: users per second ÷ those of the import", |r| r.import / r.dry_run),
        ("export: users per second ÷ those of the import", |r| r.import / r.export),
        ("duplicates: time ÷ that of psql's \\copy TO", |r| r.duplicates / r.copy_out),
        ("apply: links per second ÷ those of one client of Link", |r| r.link / r.apply),
        ("provider move: accounts per second ÷ users of the import", |r| {
            r.import / r.provider_move
        }),
    ] {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        println!("{what}: {:.2} ({:.2})", values[values.len() / 2], values[0]);
    }
    let most = |of: fn(&Round) -> f64| rounds.iter().map(of).fold(0.0, f64::max);
    println!("import: at most {:.1} MiB", most(|r| r.import_memory));
    println!("export: at most {:.1} MiB", most(|r| r.export_memory));
    println!("duplicates: at most {:.1} MiB", most(|r| r.duplicates_memory));
}

impl Bench {
    fn start() -> Self {
        let folder = artifacts::tmp_dir().join("transfer");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &*port.to_string()),
            ("shared_buffers", "512MB"),
            ("max_wal_size", "8GB"),
            ("checkpoint_timeout", "1h"),
        ];
        let postgres = Postgres::start(&folder, &settings, &mut |text| eprintln!("{text}"))
            .unwrap_or_else(|error| panic!("{error}"));
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let config = folder.join("transfer.toml");
        let toml = configuration(&url);
        fs::write(&config, &toml).unwrap();
        let moved = toml.replace(&iss(PROVIDER), NEW_ISSUER);
        fs::write(folder.join("moved.toml"), moved).unwrap();
        Self { postgres, url, folder, config }
    }

    fn round(&self, users: u64) -> Round {
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        self.command("migrate", &[]).status().unwrap();
        let file = self.folder.join("users.ndjson");
        write_rows(BufWriter::new(fs::File::create(&file).unwrap()), users);
        let mut dry = self.importing(&["--dry-run", file.to_str().unwrap()]);
        let (dry_run, _) = seconds(dry.spawn().unwrap());
        fs::remove_file(&file).unwrap();

        let mut import = self.importing(&["-"]).stdin(Stdio::piped()).spawn().unwrap();
        let pipe = BufWriter::with_capacity(1 << 16, import.stdin.take().unwrap());
        let generator = thread::spawn(move || write_rows(pipe, users));
        let (import, import_memory) = seconds(import);
        generator.join().unwrap();
        assert_eq!(self.sql("SELECT count(*)::text FROM users"), users.to_string());

        let mut export = self.command("export", &["--tenant", "default"]);
        let (export, export_memory) = seconds(export.stdout(Stdio::null()).spawn().unwrap());
        // The copy leaves the same rows.
        let (copy_out, copy) = self.copy();
        self.sql("ANALYZE");
        let plan = self.folder.join("plan.ndjson");
        let _ = fs::remove_file(&plan);
        let arguments = ["--tenant", "default", "--output", plan.to_str().unwrap()];
        let (duplicates, duplicates_memory) =
            seconds(self.command("duplicates", &arguments).spawn().unwrap());
        let (apply, link) = self.apply_and_link(&fs::read_to_string(plan).unwrap());
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
            apply,
            link,
            provider_move,
        }
    }

    /// Applies one half of a plan, and has a client make the links of the other. Returns the time of
    /// a link of each.
    fn apply_and_link(&self, plan: &str) -> (f64, f64) {
        let lines: Vec<&str> = plan.lines().collect();
        let (header, pairs) = lines.split_first().unwrap();
        let (first, second) = pairs.split_at(pairs.len() / 2);
        let half = self.folder.join("half.ndjson");
        fs::write(&half, [&[*header], first].concat().join("\n") + "\n").unwrap();
        let arguments =
            ["--tenant", "default", "--rate", "1000000", "--accept-mark", "same_provider"];
        let mut apply = self.command("apply", &arguments);
        let (applied, _) = seconds(apply.arg(half).spawn().unwrap());

        let (server, url) = self.serve();
        let linked = runtime().block_on(async {
            let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
            let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
            let begun = Instant::now();
            for pair in second {
                let pair: Value = serde_json::from_str(pair).unwrap();
                let id = |user: &Value| user["id"].as_str().unwrap().to_owned();
                let request = link_user(&id(&pair["primary"]), &id(&pair["secondaries"][0]));
                service.link(request).await.unwrap();
            }
            begun.elapsed().as_secs_f64()
        });
        drop(server);
        (applied / first.len() as f64, linked / second.len() as f64)
    }

    /// Starts a server. Returns its URL too.
    fn serve(&self) -> (Server, String) {
        let log = self.folder.join("serve.log");
        let mut command = self.command("serve", &[]);
        let child = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let server = Server(child);
        loop {
            let text = fs::read_to_string(&log).unwrap();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut serving = lines.filter(|line| line["message"] == "serving");
            if let Some(line) = serving.next() {
                return (server, format!("http://{}", line["address"].as_str().unwrap()));
            }
            thread::sleep(Duration::from_millis(10));
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
        commands.push("COMMIT".to_owned());
        let out = begun.elapsed().as_secs_f64();
        self.sql("TRUNCATE users, identities; CHECKPOINT");
        let begun = Instant::now();
        self.psql(&commands);
        (out, begun.elapsed().as_secs_f64())
    }

    fn psql(&self, commands: &[String]) {
        let server = fs::read_link(format!("/proc/{}/exe", self.postgres.pid())).unwrap();
        let mut psql = Command::new(server.with_file_name("psql"));
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", &self.url]);
        // The checks of foreign keys are planned on empty tables, and would read each of them whole.
        psql.env("PGOPTIONS", "-c enable_seqscan=off");
        for command in commands {
            psql.args(["-c", command]);
        }
        assert!(psql.status().unwrap().success());
    }

    /// Executes statements, and returns the first value of the last one.
    fn sql(&self, sql: &str) -> String {
        runtime().block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let messages = client.simple_query(sql).await.unwrap();
            let value = messages.iter().rev().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            value.unwrap_or_default()
        })
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(artifacts::service());
        command.arg(name).arg("--config").arg(&self.config).args(arguments);
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// An import whose own files go away with the next one.
    fn importing(&self, arguments: &[&str]) -> Command {
        for entry in fs::read_dir(&self.folder).unwrap().map(Result::unwrap) {
            if is_of_import(&entry.path()) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let mut command = self.command("import", &["--tenant", "default", "--from", "neutral"]);
        command.args(arguments);
        command
    }
}

/// A server. It is killed on drop.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A configuration in which the emails of the import count, and the provider is one tenant's.
fn configuration(url: &str) -> String {
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), url);
    let counting = format!("{PROVIDER} = {{ imported_emails = true, social = true,");
    let toml = toml.replacen(&format!("{PROVIDER} = {{ social = true,"), &counting, 1);
    let table = format!("[issuers.{PROVIDER}]\n");
    assert!(toml.contains(&counting) && toml.contains(&table));
    toml.replacen(&table, &format!("{table}tenants = [\"default\"]\n"), 1)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The subject of a user's account at the provider.
fn subject(number: u64) -> u128 {
    100_000_000_000_000_000_000_u128 + u128::from(number)
}

fn is_of_import(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("import-"))
}

/// How long a program runs, and the most memory that it had.
fn seconds(mut child: Child) -> (f64, f64) {
    let (begun, mut kib) = (Instant::now(), 0.0_f64);
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let most = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib = kib.max(most.unwrap_or_default());
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            return (begun.elapsed().as_secs_f64(), kib / 1024.0);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Rows as an export of a service that signs people in has them: one in ten users has two accounts,
/// and a few share an email.
fn write_rows(mut to: impl Write, users: u64) {
    for number in 0..users {
        let second = match number % 10 {
            0 => format!(",{{\"provider\":\"github\",\"subject\":\"{number}\"}}"),
            _ => String::new(),
        };
        writeln!(
            to,
            "{{\"id\":\"usr_{number:032x}\",\"create_time\":\"2025-01-02T03:04:05Z\",\"user_metadata\":{{\"theme\":\"dark\",\"n\":{number}}},\
             \"app_metadata\":{{\"plan\":\"free\"}},\"identities\":[{{\"provider\":\"google-oauth2\",\"subject\":\"{subject}\",\
             \"email\":\"user{email}@example.com\",\"email_verified\":true,\"profile_data\":{{\"name\":\"User {number}\"}}}}{second}]}}",
            email = if number % PAIR_EVERY == 2 { number - 1 } else { number },
            subject = subject(number)
        )
        .unwrap();
    }
    to.flush().unwrap();
}
