//! `dev`: starts everything that the service needs, from one folder. The feature `dev` has it.

use std::{
    env, fs, io,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use http::Uri;
use identity_link_dev::{
    Postgres,
    config::{DevConfig, Scopes},
    demo, issuers, sample, story,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{ConfigFile, Failure, bind, log, runtime, say, serve::on_signal};
use crate::{
    auth::access,
    config::Config,
    http_client::is_fetchable,
    server::{self, Listeners},
    store::Store,
};

/// The default data folder.
pub(super) const DATA_DIR: &str = ".identity-link";

/// How often to check whether the database still runs.
const WATCH: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(super) struct DevArguments {
    /// The folder of the database and the keys
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    data_dir: PathBuf,
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Load two sample users
    #[arg(long)]
    sample: bool,
    /// The address and port of the demo login page, on this machine; always the same for a data
    /// folder
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50080",
        conflicts_with = "no_demo"
    )]
    demo_listen: SocketAddr,
    /// The URL at which browsers reach the demo, if a port is forwarded to it: https, or http on the
    /// browser's own machine. Default: that of --demo-listen
    #[arg(long, value_name = "URL", conflicts_with = "no_demo")]
    demo_url: Option<String>,
    /// The address and port of the console for support staff, on this machine
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50081",
        conflicts_with = "no_demo"
    )]
    console_listen: SocketAddr,
    /// Leave out the demo login page, its providers, and the console
    #[arg(long)]
    no_demo: bool,
}

impl DevArguments {
    /// Binds the listeners of the demo and of the console. The demo signs a visitor in as any account,
    /// and as any member of the staff, so they serve this machine only.
    fn bind_demo(&self) -> Result<Option<DemoListeners>, Failure> {
        if self.no_demo {
            return Ok(None);
        }
        for (name, address, port) in [
            ("--demo-listen", self.demo_listen, 50080),
            ("--console-listen", self.console_listen, 50081),
        ] {
            if !address.ip().is_loopback() {
                let text =
                    format!("{name} must be an address of this machine, such as 127.0.0.1:{port}");
                return Err(Failure::usage(&text));
            }
        }
        let (demo, console) = (bind(self.demo_listen)?, bind(self.console_listen)?);
        let url = self.demo_url.as_deref().map(demo_url).transpose()?;
        let (site, console_address) =
            (demo::Site::new(demo.local_addr()?, url), console.local_addr()?);
        Ok(Some(DemoListeners { demo, site, console, console_address }))
    }
}

/// The bound listeners of the demo and of the console.
struct DemoListeners {
    demo: TcpListener,
    site: demo::Site,
    console: TcpListener,
    console_address: SocketAddr,
}

/// The URL of `--demo-url` as browsers write its host, without a slash at the end.
fn demo_url(text: &str) -> Result<String, Failure> {
    let url: Option<Uri> = text.parse().ok();
    let url = url.filter(|url| is_fetchable(url) && url.path() == "/" && url.query().is_none());
    let parts = url.as_ref().and_then(|url| Some((url.scheme_str()?, url.host()?, url.port_u16())));
    let (scheme, host, port) = parts.ok_or_else(|| {
        Failure::usage(
            "--demo-url must be https, or http on this machine, without a path, such as http://localhost:8080",
        )
    })?;
    let host = host.to_ascii_lowercase();
    Ok(match (scheme, port) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    })
}

pub(super) fn run(arguments: &DevArguments) -> Result<(), Failure> {
    let listener = bind(arguments.listen)?;
    let address = listener.local_addr()?;
    let demo = arguments.bind_demo()?;
    // Postgres ends with the thread that starts it. This thread outlives the runtime.
    let mut postgres = Postgres::start(&arguments.data_dir, &[], &mut |text| {
        let _ = writeln!(io::stderr(), "{text}");
    })?;
    let outcome = prepare(&arguments.data_dir, address, &postgres, demo.as_ref())
        .and_then(|config| serve(arguments, config, (listener, demo), &mut postgres));
    let stopped = postgres.stop();
    outcome?;
    stopped?;
    say(&format!("Stopped. The data stays in {}.", arguments.data_dir.display()))
}

/// Writes the keys and the configuration, and reads the configuration like any other.
fn prepare(
    data_dir: &Path,
    address: SocketAddr,
    postgres: &Postgres,
    demo: Option<&DemoListeners>,
) -> Result<Config, Failure> {
    if let Some(demo) = demo {
        keep_demo(data_dir, &demo.site.base)?;
        demo::ensure_key(data_dir)?;
    }
    issuers::ensure_keys(data_dir)?;
    let config = DevConfig {
        listen: address,
        database_url: &postgres.url("postgres"),
        demo: demo.map(|demo| &demo.site),
        console: demo.map(|demo| demo.console_address),
        scopes: &scopes(),
    };
    let file = data_dir.join("identity-link.toml");
    fs::write(&file, config.to_string())?;
    let config = ConfigFile::at(file).load()?;
    log::start(&config)?;
    Ok(config)
}

/// All scopes that the access table names.
pub(super) fn scopes() -> Scopes {
    let rules = || access::TABLE.iter();
    Scopes {
        user: rules().filter_map(|rule| rule.self_scope).collect(),
        service: rules().filter_map(|rule| rule.service_scope).collect(),
    }
}

/// Refuses another address for the demo of a data folder. Its providers are named by the address,
/// and an account at another provider is another account.
fn keep_demo(data_dir: &Path, base: &str) -> Result<(), Failure> {
    let file = data_dir.join("demo");
    match fs::read_to_string(&file) {
        Ok(kept) if kept == base => Ok(()),
        Ok(kept) => Err(Failure::usage(format!(
            "the demo of {} is at {kept}, and its accounts stay there: use that, or another --data-dir, or --no-demo",
            data_dir.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(fs::write(&file, base)?),
        Err(error) => Err(error.into()),
    }
}

fn serve(
    arguments: &DevArguments,
    config: Config,
    (listener, demo): (TcpListener, Option<DemoListeners>),
    postgres: &mut Postgres,
) -> Result<(), Failure> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let shutdown = on_signal()?;
        Store::migrate(&config.database.address).await?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut listeners = Listeners::from(listener);
        let mut pages = None;
        if let Some(DemoListeners { demo, site, console, console_address }) = demo {
            let demo = tokio::net::TcpListener::from_std(demo)?;
            let (at, data_dir) = ((address, console_address), arguments.data_dir.clone());
            pages = Some((site.url.clone(), console_address));
            tokio::spawn(demo::serve(demo, site, at, data_dir, shutdown.clone()));
            listeners.console = Some(tokio::net::TcpListener::from_std(console)?);
        }
        let mut server = tokio::spawn(server::serve(config, listeners, shutdown.clone()));
        let introduced = async {
            if arguments.sample {
                sample::load(&arguments.data_dir, address).await.map_err(Failure::from)?;
            }
            introduce(arguments, address, pages.as_ref())
        };
        tokio::select! {
            ended = &mut server => return Ok(ended??),
            introduced = introduced => introduced?,
        }
        tokio::select! {
            ended = server => Ok(ended??),
            lost = watch(postgres, &shutdown) => Err(lost),
        }
    });
    runtime.shutdown_background();
    outcome
}

/// Waits until the database ends unexpectedly.
async fn watch(postgres: &mut Postgres, shutdown: &CancellationToken) -> Failure {
    let mut ticks = interval(WATCH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match postgres.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                shutdown.cancel();
                let log = postgres.log_file().display();
                return Failure::from(format!(
                    "the database ended ({status}): see {log}, and start again"
                ));
            }
            Err(error) => return Failure::from(error),
        }
    }
}

/// Prints the address and the story.
fn introduce(
    arguments: &DevArguments,
    address: SocketAddr,
    pages: Option<&(String, SocketAddr)>,
) -> Result<(), Failure> {
    let token = token_command(&arguments.data_dir)?;
    let mut text = format!("identity-link serves gRPC on {address}\n");
    text.push_str("\nPaste these lines into another terminal");
    text.push_str(if arguments.sample {
        ":\n"
    } else {
        " (--sample creates the two users in them):\n"
    });
    let context = story::StoryContext { token: &token, address: &address.to_string() };
    for story::Step { what, line } in
        [story::watch(context)].into_iter().chain(story::steps(context))
    {
        text.push_str(&format!("\n# {what}\n{line}\n"));
    }
    text.push_str(&format!(
        "\nAuth0's Management API, as far as linking uses it: http://{address}/api/v2/openapi.json\n"
    ));
    if let Some((demo, console)) = pages {
        text.push_str(&format!("\nA demo login page, for a browser: {demo}/\n"));
        text.push_str(&format!("A console for support staff: http://{console}/\n"));
    }
    text.push_str("\nCtrl-C stops the server and its database.");
    say(&text)
}

/// The shell command that makes a token for this data folder, relative to the working directory.
fn token_command(data_dir: &Path) -> Result<String, Failure> {
    let here = env::current_dir()?;
    let program = env::current_exe()?;
    let program = program.strip_prefix(&here).map(Path::to_owned).unwrap_or(program);
    let option = match data_dir == Path::new(DATA_DIR) {
        true => String::new(),
        false => format!(" --data-dir {}", quoted(data_dir)),
    };
    Ok(format!("{} token{option}", quoted(&program)))
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
