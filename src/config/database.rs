//! The `[database]` table: where the database is, and how many connections calls use.

use std::{path::Path, time::Duration};

use super::{
    declare::keys,
    keys::{Number, Text},
    reader::Reader,
};
use crate::{outgoing::Outgoing, secret::read_secret, store::Address};

/// The default number of connections to the database.
pub(super) const MAX_CONNECTIONS: usize = 8;

keys! {
    /// The database.
    static KEYS: DatabaseKeys = "database" {
        /// The URL, such as `postgres://user:password@host/database`, with special characters of
        /// the password percent-encoded. A host that is not this machine needs TLS, verified
        /// against the authorities of the system and of `outgoing.ca`, or only those in the file that
        /// `?sslrootcert=` names; `?sslmode=disable` turns it off. The host, the user and the
        /// database have one place each: in front of the parameters, or among them.
        url: Text = Text::Required(""),
        /// The file of the password; white space at its end is left out. The server reads it for
        /// each new connection. The URL has no password then.
        password_file: Text = Text::Optional,
        /// The maximum number of connections that calls use. The server has nine more: one on
        /// which it checks whether the database is available, three for the feed, and five for
        /// jobs, by `jobs.at_once`.
        max_connections: Number = Number { default: MAX_CONNECTIONS, bounds: 1..=1000 },
    }
}

/// The settings of the database.
#[derive(PartialEq)]
pub struct Database {
    /// The address and credentials of the database.
    pub address: Address,
    /// The most connections that the pool holds.
    pub max_connections: usize,
    /// How long the server waits at its start until it can use the database: an option of `serve`,
    /// not a key. Zero by default.
    pub wait: Duration,
}

/// The settings of the database.
pub(super) fn read(mut r: Reader, base: &Path, outgoing: Option<&Outgoing>) -> Option<Database> {
    let url = r.text(&KEYS.url);
    let address = url
        .and_then(|url| Address::parse(&url).map_err(|error| r.problem(KEYS.url.name, error)).ok());
    let address = match outgoing {
        Some(outgoing) => address.map(|address| address.trusting(&outgoing.authorities)),
        None => address,
    };
    let password_file = r.text(&KEYS.password_file).map(|file| base.join(file));
    if let Some(Err(error)) = password_file.as_deref().map(read_secret) {
        // The path is not quoted: it may be a password that was written here by mistake.
        r.problem(KEYS.password_file.name, format!("names a file that {error}"));
    }
    let address = match (address, password_file) {
        (Some(address), Some(file)) => {
            address.with_password_file(file).map_err(|error| r.problem(KEYS.url.name, error)).ok()
        }
        (address, _) => address,
    };
    let max_connections = r.number(&KEYS.max_connections);
    r.finish(&DatabaseKeys::described());
    Some(Database { address: address?, max_connections, wait: Duration::ZERO })
}
