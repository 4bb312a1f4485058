//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Compares the service with the database's own bench client, in one interleaved run.
#[derive(Debug, Clone, Parser)]
#[command(name = "ceiling")]
pub(super) struct Options {
    /// Only the rows whose names contain this; may be repeated.
    #[arg(long = "row", value_name = "NAME")]
    pub(super) rows: Vec<String>,
    /// How often each arm runs, in turns.
    #[arg(long, default_value_t = 3)]
    pub(super) rounds: usize,
    /// How long each arm runs, in seconds.
    #[arg(long, default_value_t = 2)]
    pub(super) seconds: u32,
    /// The number of users in the big database; the small one has 10,000.
    #[arg(long, default_value_t = 1_000_000)]
    pub(super) users: u64,
    /// How long the calls and watchers of the rows `memory` stay, in minutes.
    #[arg(long, default_value_t = 1.0)]
    pub(super) minutes: f64,
    /// Also the rows with other systems, which npm installs.
    #[arg(long)]
    pub(super) peers: bool,
    /// Another build of the service, instead of the one that cargo built beside this benchmark.
    #[arg(long, value_name = "FILE")]
    pub(super) server: Option<PathBuf>,
    /// Also the rows that compare with this build of the service.
    #[arg(long, value_name = "FILE")]
    pub(super) other: Option<PathBuf>,
    /// Keys at the top of that build's configuration, as TOML.
    #[arg(long, value_name = "TOML", default_value = "", requires = "other")]
    pub(super) other_config: String,
    /// Prints JSON instead of text.
    #[arg(long)]
    pub(super) json: bool,
    /// Lists the rows, with what they compare and their targets.
    #[arg(long)]
    pub(super) list: bool,
    /// Measures nothing: `cargo test --benches` passes it.
    #[arg(long, hide = true)]
    pub(super) test: bool,
    /// `cargo bench` passes it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Serves the prototype on this database instead.
    #[arg(long, hide = true, value_name = "URL", requires = "captured")]
    pub(super) prototype: Option<String>,
    /// The statements of the prototype's writes.
    #[arg(long, hide = true, value_name = "FILE")]
    pub(super) captured: Option<PathBuf>,
}
