#!/usr/bin/env bash
# tokio-postgres 0.7.18 (crates.io), libpq as psycopg 3.3.9 has it, SQLAlchemy 2.1.9, asyncpg 0.32.0 (PyPI) and
# pg-connection-string 2.14.1 (npm, the reader of node-postgres): one URL of a database names another host, user or
# setting in each.
#
# Operators hand one URL to a service, its migrations, a backup and a script. PostgreSQL's manual (§34.1.1.2) describes
# the form; each driver reads it on its own, and none says that it read less:
#   - `+` in a parameter is a plus for libpq and tokio-postgres, and a space for SQLAlchemy, asyncpg and node-postgres:
#     `options=-c+statement_timeout%3D5s` sets a bound in three, and names no setting in two;
#   - `user` and `host` as parameters replace those of the authority for libpq and node-postgres, and the user alone for
#     tokio-postgres, which tries both hosts, in their order; asyncpg leaves both aside, and SQLAlchemy hands them on
#     to its driver beside the ones of the authority;
#   - `one,two:5433` is a port of the second host alone for libpq and asyncpg, which take 5432 for the first;
#     tokio-postgres likewise; for SQLAlchemy and node-postgres it is one host with a comma in its name;
#   - `#` in a password is a character for libpq, tokio-postgres and SQLAlchemy, and an error about a port or about the
#     whole URL in asyncpg and node-postgres.
#
# What operators of identity-link should do: percent-encode all but letters, digits and `-._~` in each part (`%20` for a
# space), name each host with its port, and the user and the hosts before the path only. All five read that alike,
# except that SQLAlchemy and node-postgres take one host. identity-link refuses a URL with a `+` in `options`, with a
# parameter twice, or with a host or user in both places.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

urls=(
  'postgresql://me@db.test/il?options=-c+statement_timeout%3D5s'
  'postgresql://me@db.test/il?user=other&host=elsewhere.test'
  'postgresql://me@one.test,two.test:5433/il'
  'postgresql://me:p#w@db.test/il'
  'postgresql://me:p%23w@one.test:5432/il?options=-c%20statement_timeout%3D5s'
)

mkdir -p rust/src
cat > rust/Cargo.toml <<'TOML'
[package]
name = "reader"
edition = "2024"

[dependencies]
tokio-postgres = "=0.7.18"
TOML
cat > rust/src/main.rs <<'RUST'
use tokio_postgres::{Config, config::Host};

fn main() {
    for url in std::env::args().skip(1) {
        let Ok(read) = url.parse::<Config>() else {
            println!("refused");
            continue;
        };
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<_> = read.get_hosts().iter().map(host).collect();
        let ports: Vec<_> = read.get_ports().iter().map(u16::to_string).collect();
        let password = read.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        println!(
            "{} {} [{}] [{}] {}",
            read.get_user().unwrap_or("-"),
            password.as_deref().unwrap_or("-"),
            hosts.join(" "),
            ports.join(" "),
            read.get_options().unwrap_or("-"),
        );
    }
}
RUST
cargo build --quiet --manifest-path rust/Cargo.toml

python3 -m venv python
python/bin/pip install --quiet 'psycopg[binary]==3.3.9' SQLAlchemy==2.1.9 asyncpg==0.32.0
cat > read.py <<'PYTHON'
import inspect
import sys

import asyncpg.connect_utils
import psycopg.conninfo
from sqlalchemy.engine import make_url


def line(user, password, hosts, ports, options):
    ports = [str(port) for port in ports if port]
    return f"{user or '-'} {password or '-'} [{' '.join(hosts)}] [{' '.join(ports)}] {options or '-'}"


def libpq(url):
    read = psycopg.conninfo.conninfo_to_dict(url)
    hosts, ports = read.get("host", "").split(","), read.get("port", "").split(",")
    ports = [port or "5432" for port in ports] if len(hosts) > 1 else ports
    return line(read.get("user"), read.get("password"), hosts, ports, read.get("options"))


def sqlalchemy(url):
    read = make_url(url)
    more = [f"{name}={value}" for name, value in read.query.items() if name in ("user", "host")]
    return " ".join([line(read.username, read.password, [read.host], [read.port], read.query.get("options")), *more])


def asyncpg_(url):
    # asyncpg has no public reader: this is the one that its connect() calls.
    reader = asyncpg.connect_utils._parse_connect_dsn_and_args
    given = {
        name: None if parameter.default is inspect.Parameter.empty else parameter.default
        for name, parameter in inspect.signature(reader).parameters.items()
    }
    addresses, read, *_ = reader(**{**given, "dsn": url})
    hosts, ports = [host for host, _ in addresses], [port for _, port in addresses]
    ports = ports if len(hosts) > 1 or ports != [5432] else []
    return line(read.user, read.password, hosts, ports, (read.server_settings or {}).get("options"))


def read(reader, url):
    try:
        return reader(url)
    except ValueError:
        return "refused"


for name, reader in [("libpq", libpq), ("sqlalchemy", sqlalchemy), ("asyncpg", asyncpg_)]:
    for url in sys.argv[1:]:
        print(name, read(reader, url))
PYTHON
npm install --silent --no-audit --no-fund --prefix . pg-connection-string@2.14.1 > /dev/null
cat > read.js <<'NODE'
const { parse } = require("pg-connection-string");
for (const url of process.argv.slice(2)) {
  try {
    const { user, password, host, port, options } = parse(url);
    console.log(`node-postgres ${user || "-"} ${password || "-"} [${host}] [${port}] ${options || "-"}`);
  } catch {
    console.log("node-postgres refused");
  }
}
NODE

{
  python/bin/python read.py "${urls[@]}"
  node read.js "${urls[@]}"
  rust/target/debug/reader "${urls[@]}" | sed 's/^/tokio-postgres /'
} | tee seen.txt

diff - seen.txt <<'SEEN'
libpq me - [db.test] [] -c+statement_timeout=5s
libpq other - [elsewhere.test] [] -
libpq me - [one.test two.test] [5432 5433] -
libpq me p#w [db.test] [] -
libpq me p#w [one.test] [5432] -c statement_timeout=5s
sqlalchemy me - [db.test] [] -c statement_timeout=5s
sqlalchemy me - [db.test] [] - user=other host=elsewhere.test
sqlalchemy me - [one.test,two.test] [5433] -
sqlalchemy me p#w [db.test] [] -
sqlalchemy me p#w [one.test] [5432] -c statement_timeout=5s
asyncpg me - [db.test] [] -c statement_timeout=5s
asyncpg me - [db.test] [] -
asyncpg me - [one.test two.test] [5432 5433] -
asyncpg refused
asyncpg me p#w [one.test] [] -c statement_timeout=5s
node-postgres me - [db.test] [] -c statement_timeout=5s
node-postgres other - [elsewhere.test] [] -
node-postgres me - [one.test,two.test] [5433] -
node-postgres refused
node-postgres me p#w [one.test] [5432] -c statement_timeout=5s
tokio-postgres me - [db.test] [5432] -c+statement_timeout=5s
tokio-postgres other - [db.test elsewhere.test] [5432] -
tokio-postgres me - [one.test two.test] [5432 5433] -
tokio-postgres me p#w [db.test] [5432] -
tokio-postgres me p#w [one.test] [5432] -c statement_timeout=5s
SEEN
echo "as stated"
