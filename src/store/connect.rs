//! Opens connections, with limits on the server's side, and with TLS unless the database is on this
//! machine.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Release},
    },
    time::Duration,
};

use deadpool::managed::{Hook, QueueMode};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection as _,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool::Pool,
    },
};
use futures_util::FutureExt as _;
use tokio::time::timeout;
use tokio_postgres::{CancelToken, Config, NoTls, config::Host, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    bounds,
    cluster::record_cluster,
    database_url::{AddressError, DatabaseUrl},
    move_count::count_moves,
};
use crate::{
    outgoing::{Authorities, is_this_machine, why},
    secret::read_secret,
};

/// How long a call waits for a free connection before it fails with
/// [`super::StoreError::Overloaded`].
pub(super) const WAIT: Duration = Duration::from_secs(2);
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Limits that hold even if this process hangs or exits, and how statements are planned.
///
/// Each prepared statement is planned once for any parameters, and its form makes the plan: the rows
/// of each table are found by an index, for one key after the other. By default, the database would
/// plan a statement anew for each call while it expects less work for the values at hand, for
/// instance for one key instead of many. That takes longer than the statement itself. And it would
/// read a table, or a tenant, as a whole and compare or keep all its rows where it takes these for
/// few, which they need not stay. A LIMIT whose value the planner does not know makes it expect a
/// tenth of the rows. So each look-up of one row has a LIMIT of one, and the arrays of an UPDATE
/// one of all their rows.
///
/// Even so, where the database takes a table for nearly empty, any index that begins with the tenant
/// seems as good to it as the right one. Until the first ANALYZE, a table of some hundred rows is
/// one. So a connection makes its plans anew from time to time, see [`period`].
///
/// JIT compilation is off: the planner decides it by estimates, which are of large pages where the
/// plan is generic, and it takes hundreds of times as long as the statement.
const SETTINGS: &str = "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s \
    -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off \
    -c enable_material=off -c enable_memoize=off -c jit=off -c timezone=UTC";

/// A parsed and checked database address.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Option<Tls>,
    /// The file of the password; `None` if the URL has it, or there is none.
    password_file: Option<PathBuf>,
}

/// How TLS is set up.
#[derive(Clone)]
struct Tls {
    connect: MakeRustlsConnect,
    /// The file of the authorities that the URL names; `None` if it names none.
    roots: Option<PathBuf>,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        // The settings of TLS follow from the mode, these files, and what a server trusts anyway.
        let files = |address: &Self| {
            let roots = address.tls.as_ref().map(|tls| tls.roots.clone());
            (roots, address.password_file.clone())
        };
        self.config == other.config && files(self) == files(other)
    }
}

impl Address {
    /// Parses a connection URL (libpq's form).
    ///
    /// `sslmode` may be `disable`, `prefer`, `require`, `verify-ca` or `verify-full`. The last
    /// three mean the same here: the chain and the host name are verified, against `sslrootcert` (a
    /// PEM file) or, without it, the system's authorities. Without `sslmode`, TLS is required unless
    /// all hosts are this machine.
    ///
    /// # Errors
    /// [`AddressError`] names the rule that is violated.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let DatabaseUrl { url, mode, roots } = DatabaseUrl::read(url)?;
        let mut config: Config = url.parse().map_err(|_| AddressError::Malformed)?;
        let mode = match mode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("prefer") => SslMode::Prefer,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err(AddressError::Mode),
            None if config.get_hosts().iter().all(is_local) => SslMode::Disable,
            None => SslMode::Require,
        };
        config.ssl_mode(mode);
        // Options of the URL come later, and win. PgBouncer refuses a connection whose options end with
        // a space.
        let options = format!("{SETTINGS} {}", config.get_options().unwrap_or_default());
        config
            .options(options.trim_end())
            .application_name("identity-link")
            .connect_timeout(CONNECT)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(30));
        let authorities = match (mode, &roots) {
            (SslMode::Disable, _) => None,
            (_, None) => Some(Authorities::system().map_err(AddressError::Tls)?),
            (_, Some(file)) => {
                Some(Authorities::only(file).map_err(AddressError::RootCertificates)?)
            }
        };
        let tls = authorities.map(|authorities| Tls { connect: connect_by(&authorities), roots });
        Ok(Self { config, tls, password_file: None })
    }

    /// The same database, whose certificate is verified against these authorities unless the URL
    /// names others.
    #[must_use]
    pub fn trusting(mut self, authorities: &Authorities) -> Self {
        if let Some(tls) = self.tls.as_mut().filter(|tls| tls.roots.is_none()) {
            tls.connect = connect_by(authorities);
        }
        self
    }

    /// Whether the database's certificate is verified against authorities that the URL does not
    /// name.
    pub fn needs_authorities(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.roots.is_none())
    }

    /// The same database, with the password in this file, which is read for each new connection: a
    /// password that is replaced there needs no restart.
    ///
    /// # Errors
    /// [`AddressError::TwoPasswords`] if the URL has a password.
    pub fn with_password_file(mut self, file: PathBuf) -> Result<Self, AddressError> {
        if self.config.get_password().is_some() {
            return Err(AddressError::TwoPasswords);
        }
        self.password_file = Some(file);
        Ok(self)
    }

    /// The hosts of the database, without user and password.
    pub fn hosts(&self) -> String {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        self.config.get_hosts().iter().map(host).collect::<Vec<_>>().join(", ")
    }

    /// The same database; connections to it have this application name.
    pub(super) fn named(&self, name: &str) -> Self {
        let mut address = self.clone();
        address.config.application_name(name);
        address
    }

    /// Connects outside any pool, for calls: each bound is in force.
    pub(super) async fn connect_bounded(&self) -> ConnectionResult<AsyncPgConnection> {
        let mut conn = self.connect().await?;
        let in_force = bounds::check(&mut conn).await;
        in_force
            .map_err(ConnectionError::CouldntSetupConfiguration)?
            .map_err(|missing| ConnectionError::BadConnection(missing.to_string()))?;
        Ok(conn)
    }

    /// Connects outside any pool.
    pub async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(why(&error));
        let config = self.with_password().await.map_err(ConnectionError::BadConnection)?;
        match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            Some(tls) => {
                let connect = tls.connect.clone();
                let (client, connection) = config.connect(connect).await.map_err(bad)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        }
    }

    /// The settings of a connection that is opened now.
    async fn with_password(&self) -> Result<Config, String> {
        let mut config = self.config.clone();
        if let Some(file) = self.password_file.clone() {
            // A mounted file may be slow to read.
            let read = tokio::task::spawn_blocking(move || read_secret(&file)).await;
            let read = read.map_err(|error| error.to_string())?;
            config.password(read.map_err(|error| format!("the file of the password {error}"))?);
        }
        Ok(config)
    }

    /// Asks the server to cancel the running statement of this token's connection.
    pub(super) async fn cancel(&self, token: CancelToken) -> Result<(), String> {
        let cancelled = async {
            match &self.tls {
                None => token.cancel_query(NoTls).await,
                Some(tls) => token.cancel_query(tls.connect.clone()).await,
            }
        };
        match timeout(CONNECT, cancelled).await {
            Ok(cancelled) => cancelled.map_err(|error| why(&error)),
            Err(_) => Err("it took too long".to_owned()),
        }
    }

    /// A pool of at most `size` connections. Each one that is opened raises `moves` to the number of
    /// moves of providers that it finds.
    pub(super) fn pool(
        &self,
        size: usize,
        moves: &Arc<AtomicI64>,
    ) -> Result<Pool<AsyncPgConnection>, String> {
        let mut manager = ManagerConfig::default();
        // Sends no query, but notices connections that are closed or broken.
        manager.recycling_method = RecyclingMethod::Fast;
        let (address, moves) = (self.clone(), Arc::clone(moves));
        manager.custom_setup = Box::new(move |_| {
            let (address, moves) = (address.clone(), Arc::clone(&moves));
            async move {
                let mut conn = address.connect_bounded().await?;
                let recorded = record_cluster(&mut conn).await;
                recorded.map_err(ConnectionError::CouldntSetupConfiguration)?;
                // The last step: a move that commits after it ends this connection.
                let counted = count_moves(&mut conn).await;
                let counted = counted.map_err(ConnectionError::CouldntSetupConfiguration)?;
                moves.fetch_max(counted, Release);
                Ok(conn)
            }
            .boxed()
        });
        // The manager uses its URL only in its own setup, which ours replaces.
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        Pool::builder(manager)
            .max_size(size)
            .post_recycle(Hook::sync_fn(|conn: &mut AsyncPgConnection, metrics| {
                let last_used =
                    metrics.recycled.map_or(Duration::ZERO, |last| last - metrics.created);
                if period(last_used) < period(metrics.age()) {
                    // It is sent ahead of the next statement, whose response tells of any error.
                    drop(conn.batch_execute("DISCARD PLANS").now_or_never());
                }
                Ok(())
            }))
            // The connection that was used last has its rows and plans in the CPU's caches.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| error.to_string())
    }
}

/// The number of the period in which a connection of this age is. In each period it uses the plans
/// that it made for the tables of that period. Periods double, up to a minute: in a new database,
/// tables grow many times over in the first minutes. A minute is also how often autovacuum looks at
/// a database (`autovacuum_naptime`).
fn period(age: Duration) -> u64 {
    match age.as_secs() {
        0 => 0,
        secs @ 1..64 => u64::from(secs.ilog2()) + 1,
        secs => 6 + secs / 64,
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => is_this_machine(name),
    }
}

fn connect_by(authorities: &Authorities) -> MakeRustlsConnect {
    MakeRustlsConnect::new(authorities.tls().as_ref().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Address::parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn periods_of_plans_double_up_to_a_minute() {
        let begins = (1..=256).filter(|secs| {
            period(Duration::from_secs(*secs)) > period(Duration::from_secs(secs - 1))
        });
        assert_eq!(Vec::from_iter(begins), [1, 2, 4, 8, 16, 32, 64, 128, 192, 256]);
    }

    #[test]
    fn a_database_over_the_network_needs_tls_unless_sslmode_says_otherwise() {
        assert_eq!(mode("postgres://a@db.example.com/x"), SslMode::Require);
        assert_eq!(
            mode("postgres://a@db.example.com/x?sslmode=verify-full&target_session_attrs=any"),
            SslMode::Require
        );
        assert_eq!(mode("postgres://a@db.example.com/x?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://a@127.0.0.1/x"), SslMode::Disable);
        assert_eq!(mode("postgres://a@%2Fvar%2Frun/x"), SslMode::Disable);
    }

    #[test]
    fn options_are_separated_by_single_spaces_and_end_with_none() {
        for url in ["postgres://a@127.0.0.1/x", "postgres://a@127.0.0.1/x?options=-c%20jit%3Don%20"]
        {
            let address = Address::parse(url).unwrap();
            let options = address.config.get_options().unwrap();
            assert!(options.split(' ').all(|option| !option.is_empty()), "{options:?}");
        }
    }

    #[test]
    fn a_bad_address_is_refused_without_its_password() {
        for url in [
            "nonsense://a:secret@h/x",
            "postgres://a:secret@h/x?sslmode=maybe",
            "postgres://a:secret@h/x?sslrootcert=/nowhere",
            "postgres://a:b@secret@h/x",
            "postgres://a:b@s/secret@h/x",
            "postgres://a:b?sslrootcert=secret@h/x&sslrootcert=secret",
            "host=h password=a secret",
            "secret",
        ] {
            let error = Address::parse(url).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
