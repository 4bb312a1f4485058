//! What operators put in front of this service, with the configurations of `docs/how-to/proxies.md`.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use super::{
    child::Running,
    debian,
    proxies::{caddy, documented, envoy, nginx, started, written},
};

/// The documentation.
const DOCUMENT: &str = "docs/how-to/proxies.md";

/// The modules that Debian does not build in, of those that the page names.
const HTTPD_MODULES: [&str; 6] =
    ["mpm_event", "authz_core", "ssl", "http2", "proxy", "proxy_http2"];

/// A kind of proxy.
#[derive(Debug, Clone, Copy)]
pub enum GrpcProxy {
    Nginx,
    Envoy,
    HaProxy,
    Caddy,
    Httpd,
}

impl GrpcProxy {
    /// Starts it in front of this service, with `chain.pem` and `key.pem` in the folder, and waits
    /// until it listens.
    pub async fn start(self, dir: &Path, service: SocketAddr) -> (Running, SocketAddr) {
        started(self, |programs, address| self.command(programs, address, dir, service)).await
    }

    fn command(
        self,
        programs: &Path,
        address: SocketAddr,
        dir: &Path,
        service: SocketAddr,
    ) -> Command {
        let folder = dir.display().to_string();
        let (service_port, service) = (service.port(), service.to_string());
        let port = address.port();
        let read = |language: &str, names: &[(&str, &str)]| documented(DOCUMENT, language, names);
        let files = ("/etc/ssl/identity", folder.as_str());
        match self {
            Self::Nginx => {
                let listen = format!("listen {address} ssl");
                let names = [files, ("listen 443 ssl", &listen), ("127.0.0.1:50051", &service)];
                nginx(programs, dir, &read("nginx", &names))
            }
            Self::Envoy => {
                let listen = format!("address: 127.0.0.1, port_value: {port}");
                let there = format!("port_value: {service_port}");
                let names = [
                    files,
                    ("port_value: 50051", &there),
                    ("address: 0.0.0.0, port_value: 443", &listen),
                ];
                envoy(programs, dir, &read("yaml", &names))
            }
            Self::HaProxy => {
                let both = ["chain.pem", "key.pem"].map(|name| dir.join(name));
                let both = both.map(|name| fs::read_to_string(name).unwrap()).concat();
                fs::write(dir.join("both.pem"), both).unwrap();
                let bind = format!("bind {address} ssl");
                let names = [files, ("bind :443 ssl", &bind), ("127.0.0.1:50051", &service)];
                let mut command = Command::new(debian::program(&["haproxy"]));
                let text = read("haproxy", &names);
                command.arg("-db").arg("-f").arg(written(dir, "haproxy.cfg", &text));
                command
            }
            Self::Caddy => {
                let here = format!("localhost:{port}");
                let names =
                    [files, ("identity.example.com", here.as_str()), ("127.0.0.1:50051", &service)];
                caddy(programs, dir, &read("caddyfile", &names))
            }
            Self::Httpd => {
                let (listen, host) = (format!("Listen {address}"), format!("*:{port}>"));
                let names = [
                    files,
                    ("Listen 443", &listen),
                    ("*:443>", &host),
                    ("127.0.0.1:50051", &service),
                ];
                let text = read("apache", &names);
                let modules = HTTPD_MODULES.map(|name| {
                    format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
                });
                let text = format!(
                    "ServerRoot {folder}\nPidFile httpd.pid\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n{}\n{text}",
                    modules.concat()
                );
                let mut command = Command::new(debian::program_of("apache2-bin", &["apache2"]));
                // One process, so that its workers end with it.
                command.args(["-X", "-f"]).arg(written(dir, "httpd.conf", &text));
                command
            }
        }
    }
}
