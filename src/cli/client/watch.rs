//! `watch`: the events of the feed, as they happen.

use clap::Args;
use futures_util::TryStreamExt as _;
use identity_link_client::v1::{self, event::Detail, watch_events_request::Start};

use super::{
    super::{EX_INTERRUPTED, Failure, say, serve::on_signal},
    connection::{Connection, OutputForm, misused},
    json::json,
    refusal::refused,
    shown::plain,
    views,
};

#[derive(Args)]
pub(in crate::cli) struct WatchArguments {
    #[command(flatten)]
    connection: Connection,
    /// Begin after this position of the feed. Without it, with what happens from now on
    #[arg(
        long,
        value_name = "POSITION",
        conflicts_with = "from_oldest",
        allow_hyphen_values = true
    )]
    from: Option<String>,
    /// Begin with the oldest event that is kept
    #[arg(long)]
    from_oldest: bool,
    /// Only events that have this user as one of their two sides
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only events of this kind, such as user-linked. Several are possible
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
}

pub(in crate::cli) fn watch(arguments: &WatchArguments) -> Result<(), Failure> {
    let request = arguments.request()?;
    let output = arguments.connection.output();
    arguments.connection.run(async |connected| {
        let stop = on_signal()?;
        let mut position = arguments.from.clone().unwrap_or_default();
        let mut messages = connected.client.watch(request);
        loop {
            let message = tokio::select! {
                () = stop.cancelled() => return Err(interrupted(&position)),
                message = messages.try_next() => message.map_err(refused)?,
            };
            // A watch has no end but an error.
            let Some(message) = message else { return Err(interrupted(&position)) };
            for event in &message.events {
                match output {
                    OutputForm::Json => say(&json(event)?)?,
                    OutputForm::Table => say(&line(event))?,
                }
            }
            position = message.position;
        }
    })
}

impl WatchArguments {
    fn request(&self) -> Result<v1::WatchEventsRequest, Failure> {
        let start = match &self.from {
            Some(position) => Start::After(position.clone()),
            None if self.from_oldest => Start::FromEnd(v1::FeedEnd::Oldest.into()),
            None => Start::FromEnd(v1::FeedEnd::Newest.into()),
        };
        let kinds = self.kind.iter().map(|name| {
            let full = format!("EVENT_KIND_{}", name.to_uppercase().replace('-', "_"));
            let kind = v1::EventKind::from_str_name(&full);
            let kind = kind.filter(|kind| *kind != v1::EventKind::Unspecified);
            kind.map(i32::from).ok_or_else(|| {
                misused(&format!("--kind: {name} is no kind of event, such as user-linked"))
            })
        });
        Ok(v1::WatchEventsRequest {
            start: Some(start),
            kinds: kinds.collect::<Result<_, _>>()?,
            user_id: self.user.clone().unwrap_or_default(),
        })
    }
}

/// The end by a signal, with how to continue.
fn interrupted(position: &str) -> Failure {
    let text = match plain(position) {
        position if position.is_empty() => "no event has come".to_owned(),
        position => format!("continue with --from {position}"),
    };
    Failure { text, code: EX_INTERRUPTED }
}

/// An event on one line: when, what, of which users, and by which caller.
fn line(event: &v1::Event) -> String {
    let time = views::time(event.time.as_ref().map(|time| time.seconds));
    let (kind, users) = event.detail.as_ref().map(kind_and_users).unwrap_or_default();
    let actor = event.actor.as_ref().map(views::actor).unwrap_or_default();
    plain(&format!("{time}  {kind}  {users}  by {actor}"))
}

/// What happened, and to which users: the one that changed first.
fn kind_and_users(detail: &Detail) -> (&'static str, String) {
    let id = |user: &Option<v1::UserChange>| {
        user.as_ref().map(|user| user.user_id.clone()).unwrap_or_default()
    };
    let two = |first, preposition, second| format!("{} {preposition} {}", id(first), id(second));
    let with_account = |user: String, account: &Option<v1::IdentityRef>| {
        let account = account.as_ref().map(views::account).unwrap_or_default();
        format!("{user} account {account}")
    };
    match detail {
        Detail::UserCreated(event) => ("user-created", id(&event.user)),
        Detail::UserUpdated(event) => ("user-updated", id(&event.user)),
        Detail::UserBlocked(event) => {
            let now = if event.blocked { "blocked" } else { "unblocked" };
            ("user-blocked", format!("{} {now}", id(&event.user)))
        }
        Detail::UserDeleted(event) => ("user-deleted", id(&event.user)),
        Detail::UserLinked(event) => {
            ("user-linked", two(&event.primary, "absorbed", &event.absorbed))
        }
        Detail::UserUnlinked(event) => {
            ("user-unlinked", two(&event.user, "gave back", &event.restored))
        }
        Detail::LinkUndone(event) => {
            ("link-undone", two(&event.user, "gave back", &event.restored))
        }
        Detail::IdentityAttached(event) => {
            ("identity-attached", with_account(id(&event.user), &event.identity))
        }
        Detail::IdentityDetached(event) => {
            let users = two(&event.user, "gave away", &event.detached);
            ("identity-detached", with_account(users, &event.identity))
        }
        Detail::IdentityUpdated(event) => {
            ("identity-updated", with_account(id(&event.user), &event.identity))
        }
        Detail::UserMetadataMerged(event) => ("user-metadata-merged", id(&event.user)),
        Detail::UserPrimaryIdentityChanged(event) => {
            ("user-primary-identity-changed", with_account(id(&event.user), &event.identity))
        }
        Detail::IdentityReleased(event) => {
            ("identity-released", with_account(id(&event.user), &event.identity))
        }
        Detail::UsersImported(event) => {
            ("users-imported", format!("{} users of run {}", event.user_count, event.run_id))
        }
        Detail::IdentitiesRenamed(event) => ("identities-renamed", id(&event.user)),
        Detail::IdentityLoggedOut(event) => {
            ("identity-logged-out", with_account(event.user_id.clone(), &event.identity))
        }
        Detail::AccountEventReported(event) => {
            ("account-event-reported", with_account(event.user_id.clone(), &event.identity))
        }
    }
}
