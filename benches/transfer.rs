//! How fast users come in and go out, against what Postgres's own tool needs for the same rows in
//! the same tables: `identity-link import` from a pipe, its dry run, `\copy` by psql, and
//! `identity-link export`, in turns, on a durable Postgres of their own. And how fast duplicates are
//! found, against `\copy … TO` of the same tables; how fast a provider moves with new subjects, against
//! the import; how fast a plan is applied, against callers of `Link`, and what look-ups lose beside it.
//! `cargo bench --bench transfer`, with `-- 1000000` for another number of users, `--rounds=1`, and
//! `--links` for the rows of the plan alone.

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
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use identity_link_dev::Postgres;
use identity_link_test_support::{
    Caller, artifacts, get, link_user,
    server::config_toml,
    tokens::{Token, iss},
};
use serde_json::Value;
use tokio::{runtime::Runtime, task::JoinHandle};
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
/// The users that a plan links, all of them in pairs.
const IN_PAIRS: u64 = 24_000;
/// How many callers call `Link`, and how many look users up.
const LINKING: usize = 8;
const LOOKING_UP: usize = 64;
/// How long look-ups alone are measured.
const A_WHILE: Duration = Duration::from_secs(4);

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
    provider_move: f64,
}

/// What links cost in one round: rates per second, and mean times of look-ups in seconds.
#[derive(Clone, Copy)]
struct Links {
    /// Links of `apply` alone, and beside look-ups.
    apply: f64,
    apply_beside: f64,
    /// Links of one caller, and of [`LINKING`].
    one_caller: f64,
    callers: f64,
    /// Look-ups at half of their highest rate: alone, and beside `apply`.
    looked_up: (f64, f64),
    looked_up_beside: (f64, f64),
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
    let links: Vec<Links> = (0..rounds).map(|_| bench.links()).collect();
    print_links(&links);
    if arguments.iter().any(|argument| argument == "--links") {
        return;
    }
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
        ("provider move: accounts per second ÷ users of the import", |r| {
            r.import / r.provider_move
        }),
    ] {
        print_row(what, rounds.iter().map(of).collect());
    }
    let most = |of: fn(&Round) -> f64| rounds.iter().map(of).fold(0.0, f64::max);
    println!("import: at most {:.1} MiB", most(|r| r.import_memory));
    println!("export: at most {:.1} MiB", most(|r| r.export_memory));
    println!("duplicates: at most {:.1} MiB", most(|r| r.duplicates_memory));
}

fn print_row(what: &str, mut values: Vec<f64>) {
    values.sort_unstable_by(f64::total_cmp);
    println!("{what}: {:.2} ({:.2})", values[values.len() / 2], values[0]);
}

fn print_links(links: &[Links]) {
    println!("{IN_PAIRS} users in pairs, {} rounds: the median, and the worst round", links.len());
    for (what, of) in [
        (
            "apply: links per second ÷ those of one caller of Link",
            (|of| of.apply / of.one_caller) as fn(&Links) -> f64,
        ),
        ("apply: links per second ÷ those of eight callers of Link", |of| of.apply / of.callers),
        ("look-ups at half their rate: beside apply ÷ alone", |of| {
            of.looked_up_beside.0 / of.looked_up.0
        }),
        ("look-ups at half their rate: mean time alone ÷ beside apply", |of| {
            of.looked_up.1 / of.looked_up_beside.1
        }),
        ("apply: links per second beside look-ups ÷ alone", |of| of.apply_beside / of.apply),
        ("apply: links per second", |of| of.apply),
        ("look-ups at half their rate: per second", |of| of.looked_up.0),
    ] {
        print_row(what, links.iter().map(of).collect());
    }
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
        self.sql("ANALYZE");
        let plan = self.folder.join("plan.ndjson");
        let _ = fs::remove_file(&plan);
        let arguments = ["--tenant", "default", "--output", plan.to_str().unwrap()];
        let (duplicates, duplicates_memory) =
            seconds(self.command("duplicates", &arguments).spawn().unwrap());
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

    /// Makes the links of a plan in four parts: by `apply`, by one caller of `Link`, by several, and by
    /// `apply` beside look-ups.
    fn links(&self) -> Links {
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        self.command("migrate", &[]).status().unwrap();
        let file = self.folder.join("users.ndjson");
        write_rows(BufWriter::new(fs::File::create(&file).unwrap()), IN_PAIRS, 2);
        seconds(self.importing(&[file.to_str().unwrap()]).spawn().unwrap());
        fs::remove_file(&file).unwrap();
        self.sql("ANALYZE");
        let plan = self.folder.join("plan.ndjson");
        let _ = fs::remove_file(&plan);
        let arguments = ["--tenant", "default", "--output", plan.to_str().unwrap()];
        seconds(self.command("duplicates", &arguments).spawn().unwrap());
        let plan = fs::read_to_string(plan).unwrap();
        let (header, pairs) = plan.split_once('\n').unwrap();
        let pairs: Vec<&str> = pairs.lines().collect();
        let parts: Vec<&[&str]> = pairs.chunks(pairs.len().div_ceil(4)).collect();
        let rate = |part: &[&str], seconds: f64| part.len() as f64 / seconds;

        let (took, _) = seconds(self.applying(header, parts[0]));
        let apply = rate(parts[0], took);
        let (server, url) = self.serve();
        let calls = runtime();
        let service = calls.block_on(async {
            let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
            Caller::new(channel, Some(Token::of("services", "backend").sign()))
        });
        let one_caller = rate(parts[1], calls.block_on(link_by(&service, parts[1], 1)));
        let callers = rate(parts[2], calls.block_on(link_by(&service, parts[2], LINKING)));
        let ids: Arc<[String]> = (0..IN_PAIRS).step_by(7).map(user_id).collect();
        let (highest, _) = calls.block_on(async {
            let looking_up = LookUps::start(&service, &ids, None);
            tokio::time::sleep(A_WHILE).await;
            looking_up.end()
        });
        let half = Some(highest / 2.0);
        let looked_up = calls.block_on(async {
            let looking_up = LookUps::start(&service, &ids, half);
            tokio::time::sleep(A_WHILE).await;
            looking_up.end()
        });
        let (apply_beside, looked_up_beside) = calls.block_on(async {
            let looking_up = LookUps::start(&service, &ids, half);
            let applying = self.applying(header, parts[3]);
            let (took, _) = tokio::task::spawn_blocking(move || seconds(applying)).await.unwrap();
            (rate(parts[3], took), looking_up.end())
        });
        drop(server);
        Links { apply, apply_beside, one_caller, callers, looked_up, looked_up_beside }
    }

    /// Begins to apply this part of a plan.
    fn applying(&self, header: &str, part: &[&str]) -> Child {
        let file = self.folder.join("part.ndjson");
        fs::write(&file, [&[header], part].concat().join("\n") + "\n").unwrap();
        let mut apply = self.command("apply", &["--tenant", "default", "--rate", "1000000"]);
        for mark in ["same_provider", "account_older_than_email"] {
            apply.args(["--accept-mark", mark]);
        }
        apply.arg(file).spawn().unwrap()
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

/// Has so many callers make the links of a part of a plan. Returns the seconds that it took.
async fn link_by(service: &Caller, part: &[&str], callers: usize) -> f64 {
    let requests: Vec<_> = part
        .iter()
        .map(|pair| {
            let pair: Value = serde_json::from_str(pair).unwrap();
            let id = |user: &Value| user["id"].as_str().unwrap().to_owned();
            link_user(&id(&pair["primary"]), &id(&pair["secondaries"][0]))
        })
        .collect();
    let requests = Arc::new(Mutex::new(requests));
    let begun = Instant::now();
    let tasks = (0..callers).map(|_| {
        let (service, requests) = (service.clone(), Arc::clone(&requests));
        tokio::spawn(async move {
            loop {
                let Some(request) = requests.lock().unwrap().pop() else { return };
                service.link(request).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    begun.elapsed().as_secs_f64()
}

/// Callers that look users up.
struct LookUps {
    begun: Instant,
    tasks: Vec<JoinHandle<()>>,
    /// How many there were, and how long all of them took, in microseconds.
    done: Arc<(AtomicU64, AtomicU64)>,
}

impl LookUps {
    /// At this rate per second of all together, or as fast as it goes.
    fn start(service: &Caller, ids: &Arc<[String]>, rate: Option<f64>) -> Self {
        let done = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let tasks = (0..LOOKING_UP).map(|number| {
            let (service, ids, done) = (service.clone(), Arc::clone(ids), Arc::clone(&done));
            let every = rate.map(|rate| Duration::from_secs_f64(LOOKING_UP as f64 / rate));
            tokio::spawn(async move {
                let mut due = every.map(tokio::time::interval);
                for at in (number..).step_by(LOOKING_UP) {
                    if let Some(due) = &mut due {
                        due.tick().await;
                    }
                    let begun = Instant::now();
                    service.get_user(get(&ids[at % ids.len()])).await.unwrap();
                    done.0.fetch_add(1, Relaxed);
                    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap();
                    done.1.fetch_add(micros, Relaxed);
                }
            })
        });
        Self { begun: Instant::now(), tasks: tasks.collect(), done }
    }

    /// How many there were per second, and the mean time of one, in seconds.
    fn end(self) -> (f64, f64) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let (count, micros) = (self.done.0.load(Relaxed) as f64, self.done.1.load(Relaxed) as f64);
        (count / self.begun.elapsed().as_secs_f64(), micros / count / 1e6)
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

fn user_id(number: u64) -> String {
    format!("usr_{number:032x}")
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
/// and one in `pair_every` shares the email of the user before it.
fn write_rows(mut to: impl Write, users: u64, pair_every: u64) {
    for number in 0..users {
        let second = match number % 10 {
            0 => format!(",{{\"provider\":\"github\",\"subject\":\"{number}\"}}"),
            _ => String::new(),
        };
        writeln!(
            to,
            "{{\"id\":\"{id}\",\"create_time\":\"2025-01-02T03:04:05Z\",\"user_metadata\":{{\"theme\":\"dark\",\"n\":{number}}},\
             \"app_metadata\":{{\"plan\":\"free\"}},\"identities\":[{{\"provider\":\"google-oauth2\",\"subject\":\"{subject}\",\
             \"email\":\"user{email}@example.com\",\"email_verified\":true,\"profile_data\":{{\"name\":\"User {number}\"}}}}{second}]}}",
            id = user_id(number),
            email = if number % pair_every == pair_every - 1 { number - 1 } else { number },
            subject = subject(number)
        )
        .unwrap();
    }
    to.flush().unwrap();
}
