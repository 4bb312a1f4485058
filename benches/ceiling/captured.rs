//! The statements that the service sends for a write, as a script of pgbench in which each
//! transaction is about other users.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    time::Duration,
};

use chrono::DateTime;
use identity_link_test_support::{Caller, link_identity, unlink};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tokio_postgres::Client;
use tonic::transport::Endpoint;
use uuid::Uuid;

use super::{
    calls,
    client::bearer,
    cluster::Cluster,
    population::{PROVIDER, id},
    server::Server,
};

/// What the server sends on its own, at any time.
const NOT_OF_CALLS: [&str; 2] = ["FROM __diesel_schema_migrations", "DISCARD PLANS"];
/// What begins the ids that a script makes. Twelve digits follow.
const UUID: &str = "00000000-0000-4000-8000-";

/// The statements of the writes.
#[derive(Serialize, Deserialize)]
pub(super) struct Captured {
    pub(super) link: Vec<String>,
    pub(super) unlink: Vec<String>,
    pub(super) create: Vec<String>,
}

/// A text that stands for something else in each transaction.
struct Varying {
    text: String,
    /// The expression of SQL that takes its place.
    by: String,
}

/// A statement as the database logged it.
#[derive(Default)]
struct Logged {
    sql: String,
    parameters: Vec<Option<String>>,
}

impl Captured {
    /// Makes the calls on a server of its own.
    pub(super) async fn take(cluster: &Cluster, program: &std::path::Path) -> Self {
        let database = cluster.database("captured", 1000).await;
        cluster
            .execute("postgres", &format!("ALTER DATABASE {database} SET log_statement = 'all'"))
            .await;
        let server =
            Server::service(program, &cluster.folder, "captured", &cluster.url(&database), "");
        // Until the first sweep is over.
        sleep(Duration::from_secs(2)).await;
        let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
        let caller = Caller::new(channel.connect_lazy(), Some(bearer()));
        let (primary, secondary) = (id(1), id(2));

        let mut log = Log::of(cluster, &database);
        let (mut made, mut link, mut unlinking) = (String::new(), Vec::new(), Vec::new());
        // The first time prepares the statements.
        for _ in 0..2 {
            log.skip();
            let linked = caller.link(link_identity(&primary, PROVIDER, &secondary)).await.unwrap();
            made = linked.link.unwrap().id;
            link = log.read();
            caller.unlink(unlink(&primary, PROVIDER, &secondary)).await.unwrap();
            unlinking = log.read();
        }
        let (mut created, mut request, mut create) = (String::new(), calls::create(0), Vec::new());
        for random in 0..2 {
            log.skip();
            request = calls::create(random);
            created = caller.create_user(request.clone()).await.unwrap().user.unwrap().id;
            create = log.read();
        }
        drop(server);

        let client = cluster.connect(&database).await;
        let uuid = format!("'{UUID}' || :l::text");
        let pair_varies = [
            Varying { text: primary, by: ":p::text".to_owned() },
            Varying { text: secondary, by: ":s::text".to_owned() },
            Varying { text: made, by: uuid.clone() },
        ];
        let subject = request.identity.unwrap().identity_ref.unwrap().subject;
        let user_varies = [
            Varying { text: subject, by: ":p::text".to_owned() },
            Varying { text: created, by: uuid },
        ];
        Self {
            link: scripted(&client, &link, &pair_varies).await,
            unlink: scripted(&client, &unlinking, &pair_varies).await,
            create: scripted(&client, &create, &user_varies).await,
        }
    }
}

async fn scripted(client: &Client, logged: &[Logged], varies: &[Varying]) -> Vec<String> {
    let mut statements = Vec::new();
    for statement in logged {
        statements.push(statement.scripted(client, varies).await);
    }
    statements
}

impl Logged {
    /// The statement with its values instead of parameters.
    async fn scripted(&self, client: &Client, varies: &[Varying]) -> String {
        if self.parameters.is_empty() {
            return self.sql.clone();
        }
        // Where a parameter has two types, the literals in its places may have one each.
        let prepared = client.prepare(&self.sql).await.ok();
        let mut sql = self.sql.clone();
        // The last first: `$1` is a part of `$12`.
        for (at, value) in self.parameters.iter().enumerate().rev() {
            let type_name = match &prepared {
                Some(prepared) => Some(prepared.params()[at].name()),
                None => value.as_deref().and_then(recognized_type),
            };
            let value = match value {
                None => "NULL".to_owned(),
                // Locks are numbers made of hashes.
                Some(value) if type_name == Some("_int8") && sql.contains("advisory") => {
                    lock_keys(value.split(',').count())
                }
                Some(value) => varying(value, varies),
            };
            let typed = match type_name {
                Some(type_name) => format!("CAST({value} AS {type_name})"),
                None => value,
            };
            sql = sql.replace(&format!("${}", at + 1), &typed);
        }
        sql
    }
}

/// The type that the form of a value shows.
fn recognized_type(value: &str) -> Option<&'static str> {
    if Uuid::parse_str(value).is_ok() {
        Some("uuid")
    } else if DateTime::parse_from_str(value, "%Y-%m-%d %H:%M:%S%.f%#z").is_ok() {
        Some("timestamptz")
    } else {
        None
    }
}

/// So many numbers that no other pair has, in order.
fn lock_keys(count: usize) -> String {
    let keys: Vec<String> = (0..count).map(|n| format!(":p::bigint + {n}")).collect();
    format!("ARRAY[{}]", keys.join(", "))
}

/// A value, with expressions where it varies.
fn varying(value: &str, varies: &[Varying]) -> String {
    let mut literal = format!("E'{}'", escaped(value));
    for Varying { text, by } in varies {
        literal = literal.replace(&escaped(text), &format!("' || {by} || E'"));
    }
    format!("({literal})")
}

/// A text inside of a literal. pgbench would take a colon for the beginning of a variable.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "''").replace(':', "\\x3a")
}

/// The part of the cluster's log that is about one database.
struct Log {
    file: File,
    ours: String,
}

impl Log {
    fn of(cluster: &Cluster, database: &str) -> Self {
        Self { file: File::open(cluster.log_file()).unwrap(), ours: format!("{database}|") }
    }

    fn skip(&mut self) {
        self.file.seek(SeekFrom::End(0)).unwrap();
    }

    /// The statements since the last call. The database logs each before it executes it.
    fn read(&mut self) -> Vec<Logged> {
        let mut text = String::new();
        self.file.read_to_string(&mut text).unwrap();
        // A statement of several lines goes on behind a tab.
        let text = text.replace("\n\t", " ");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&self.ours));
        let mut found: Vec<Logged> = Vec::new();
        for (kind, said) in lines.filter_map(|line| line.split_once('|')?.1.split_once(":  ")) {
            match (kind, said.split_once(": ")) {
                ("LOG", Some((what, sql)))
                    if what == "statement" || what.starts_with("execute ") =>
                {
                    found.push(Logged { sql: sql.to_owned(), ..Logged::default() });
                }
                ("DETAIL", Some(("parameters", values))) => {
                    found.last_mut().unwrap().parameters = parameters(values);
                }
                _ => {}
            }
        }
        found.retain(|statement| !NOT_OF_CALLS.iter().any(|own| statement.sql.contains(own)));
        found
    }
}

/// Reads `$1 = 'text', $2 = NULL`, in which a quote is doubled.
fn parameters(text: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, from)) = rest.split_once(" = ") {
        let Some(quoted) = from.strip_prefix('\'') else {
            found.push(None);
            rest = from.strip_prefix("NULL").unwrap();
            continue;
        };
        let mut value = String::new();
        let mut from = quoted;
        rest = loop {
            let (before, behind) = from.split_once('\'').unwrap();
            value.push_str(before);
            match behind.strip_prefix('\'') {
                Some(next) => {
                    value.push('\'');
                    from = next;
                }
                None => break behind,
            }
        };
        found.push(Some(value));
    }
    found
}
