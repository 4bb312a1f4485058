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

mod bench;
mod files;
mod links;
mod rows;

use self::{
    bench::Bench,
    files::Round,
    links::{IN_PAIRS, Links},
};

const USERS: u64 = 200_000;
const ROUNDS: usize = 3;

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
