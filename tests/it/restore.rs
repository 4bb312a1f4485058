//! Backups: a database is restored as `docs/how-to/back-up.md` says, with the commands of that page.

mod dump;
mod operator;
mod point_in_time;

use identity_link::grpc::proto as pb;

use self::operator::Operator;
use crate::support::{
    Caller, TestServer,
    cluster::Database,
    events::{Watcher, line, list_after, watch_after},
    tokens::{ISSUERS, Token},
    *,
};

const POSITION_INVALID: &str = "InvalidArgument POSITION_INVALID";
const TOKEN_INVALID: &str = "Unauthenticated TOKEN_INVALID";

/// A tenant, and what was done in it before and after its backup.
struct Tenant {
    /// Had these accounts linked at the backup: `apple|a` and `sms|s`. Later `sms|s` was unlinked.
    linked: String,
    /// The user of `google-oauth2|g`, deleted since the backup.
    deleted: String,
    /// The user of `github|h`, blocked since the backup.
    blocked: String,
    /// The position of the last event before the backup.
    before: String,
    /// The position of the last event of all.
    after: String,
}

/// Tokens that were withdrawn since the backup: of an unlinked and of a deleted user.
fn withdrawn() -> [Token; 2] {
    [("sms", "s"), ("google-oauth2", "g")]
        .map(|(issuer, subject)| Token::of(issuer, subject).issued_ago(60))
}

impl Tenant {
    /// What happens before the backup, the backup, and what happens after it. The operator records
    /// the feed meanwhile.
    async fn backed_up(server: &TestServer, operator: &Operator, back_up: impl FnOnce()) -> Self {
        let service = server.service();
        let linked = service.create("apple", "a").await.id;
        let gone = service.create("sms", "s").await.id;
        service.link(link_user(&linked, &gone)).await.unwrap();
        let deleted = service.create("google-oauth2", "g").await.id;
        let blocked = service.create("github", "h").await.id;
        let before = last_position(server, 5).await;
        operator.record(server);

        back_up();

        service.unlink(unlink(&linked, "sms", "s")).await.unwrap();
        service.delete(&deleted).await;
        service.block(&blocked, true).await;
        service.create("okta", "late").await;
        let after = last_position(server, 9).await;
        operator.record(server);
        let [unlinked, of_deleted] = withdrawn();
        assert_eq!(refused(server, &unlinked).await, TOKEN_INVALID);
        assert_eq!(refused(server, &of_deleted).await, "NotFound USER_NOT_FOUND");
        Self { linked, deleted, blocked, before, after }
    }

    /// A restored database has everything as it was at the backup, and knows no position after it.
    async fn is_as_before(&self, server: &TestServer) {
        let service = server.service();
        assert_eq!(identities(&service.user(&self.linked).await), ["apple|a", "sms|s"]);
        assert!(!service.user(&self.blocked).await.blocked);
        service.user(&self.deleted).await;
        let late = pb::FindByIdentityRequest { identity: identity_ref("okta", "late") };
        assert_eq!(refusal(service.find_by_identity(late).await), "NotFound IDENTITY_NOT_FOUND");

        self.has_no_later_position(&service).await;
        let again = service.list_events(list_after(&self.before)).await.unwrap();
        assert_eq!(again.events, []);
    }

    /// A consumer that stood where the backup was made goes on, and misses no event.
    async fn is_followed_from_before(&self, service: &Caller) {
        let mut consumer = Watcher::begin(service, watch_after(&self.before)).await;
        let user = service.create("ad", "w").await.id;
        let seen = consumer.events(1).await;
        assert_eq!(line(&seen[0]), format!("created {user} 0>1"));
        self.has_no_later_position(service).await;
    }

    /// A consumer that knows more than the restored database starts again.
    async fn has_no_later_position(&self, service: &Caller) {
        assert_eq!(refusal(service.list_events(list_after(&self.after)).await), POSITION_INVALID);
        assert_eq!(refusal(service.watch_events(watch_after(&self.after)).await), POSITION_INVALID);
    }
}

/// The position of the last event, as soon as there are this many.
async fn last_position(server: &TestServer, count: usize) -> String {
    events::events(&server.service(), count).await.pop().unwrap().position
}

/// Why a user's own token is refused.
async fn refused(server: &TestServer, token: &Token) -> String {
    refusal(server.caller(token).get_user(get("")).await)
}

/// The configuration with this `tokens_valid_from` for each issuer of user tokens.
fn valid_from(toml: String, time: &str) -> String {
    let of_users = ISSUERS.into_iter().filter(|name| !["services", "stranger"].contains(name));
    of_users.fold(toml, |toml, name| {
        let heading = format!("[issuers.{name}]\n");
        assert!(toml.contains(&heading));
        toml.replace(&heading, &format!("{heading}tokens_valid_from = \"{time}\"\n"))
    })
}

/// The number of epochs of the feed.
async fn db_epochs(database: &Database) -> usize {
    database.db_texts("SELECT cluster FROM epochs").await.len()
}
