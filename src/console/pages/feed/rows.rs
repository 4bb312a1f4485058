//! The events of the feed as rows: ids and kinds, never a value or the name of an account.

use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    console::{pages::user::path_of, texts::Texts},
    grpc::proto::{self as pb, event::Detail},
};

/// An event.
pub(super) struct Row {
    pub iso: String,
    pub time: String,
    pub kind: String,
    pub users: Vec<User>,
    pub by: String,
}

/// A user that an event changed.
pub(super) struct User {
    pub id: String,
    /// The path of the page of the user.
    pub path: String,
}

/// The rows alone, as the script adds them to the page.
#[derive(Template)]
#[template(path = "console/feed_rows.html")]
pub(super) struct RowsTemplate {
    pub rows: Vec<Row>,
}

/// The rows of events, the newest first.
pub(super) fn rows(t: &Texts, tenant: &str, events: &[pb::Event]) -> Vec<Row> {
    events.iter().rev().map(|event| row(t, tenant, event)).collect()
}

fn row(t: &Texts, tenant: &str, event: &pb::Event) -> Row {
    let made = made(event).unwrap_or_default();
    // Why it was made is on the page of the user: a person wrote it, and may have written of a person.
    let by = event.actor.as_ref().map(|actor| t.actor(actor)).unwrap_or_default();
    let users = event.detail.as_ref().map(users).unwrap_or_default();
    let users = users.into_iter().map(|id| User { path: path_of(tenant, id), id: id.to_owned() });
    Row {
        iso: made.to_rfc3339_opts(SecondsFormat::Millis, true),
        time: made.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        kind: t.event(event.detail.as_ref()),
        users: users.collect(),
        by: format!("{} {by}", t.who),
    }
}

/// The ids of the users that an event is about.
fn users(detail: &Detail) -> Vec<&str> {
    let (one, other) = match detail {
        Detail::UserCreated(it) => (&it.user, &None),
        Detail::UserUpdated(it) => (&it.user, &None),
        Detail::UserBlocked(it) => (&it.user, &None),
        Detail::UserDeleted(it) => (&it.user, &None),
        Detail::UserLinked(it) => (&it.primary, &it.absorbed),
        Detail::UserUnlinked(it) => (&it.user, &it.restored),
        Detail::LinkUndone(it) => (&it.user, &it.restored),
        Detail::IdentityAttached(it) => (&it.user, &None),
        Detail::IdentityDetached(it) => (&it.user, &it.detached),
        Detail::IdentityUpdated(it) => (&it.user, &None),
        Detail::UserMetadataMerged(it) => (&it.user, &None),
        Detail::UserPrimaryIdentityChanged(it) => (&it.user, &None),
        Detail::IdentityReleased(it) => (&it.user, &None),
        Detail::IdentitiesRenamed(it) => (&it.user, &None),
        Detail::UsersImported(_) => (&None, &None),
        Detail::IdentityLoggedOut(it) => return vec![&it.user_id],
        Detail::AccountEventReported(it) => return vec![&it.user_id],
    };
    [one, other].into_iter().flatten().map(|change: &pb::UserChange| &*change.user_id).collect()
}

fn made(event: &pb::Event) -> Option<DateTime<Utc>> {
    let time = event.time.as_ref()?;
    DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)
}

/// How long ago an event was made; empty without one.
pub(super) fn ago(event: Option<&pb::Event>, now: DateTime<Utc>) -> String {
    let made = event.and_then(made);
    made.map(|made| ago_of((now - made).num_milliseconds())).unwrap_or_default()
}

/// A time in milliseconds as people read it, in its largest unit. A clock that is behind gives 0.
pub(super) fn ago_of(millis: i64) -> String {
    match millis.max(0) {
        millis @ ..1_000 => format!("{millis} ms"),
        millis @ ..120_000 => format!("{} s", millis / 1_000),
        millis @ ..7_200_000 => format!("{} min", millis / 60_000),
        millis @ ..172_800_000 => format!("{} h", millis / 3_600_000),
        millis => format!("{} d", millis / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_its_largest_unit() {
        let shown = [-5, 0, 999, 1_000, 119_999, 120_000, 7_199_999, 7_200_000, 172_800_000];
        let shown = shown.map(ago_of).join(", ");
        insta::assert_snapshot!(shown, @"0 ms, 0 ms, 999 ms, 1 s, 119 s, 2 min, 119 min, 2 h, 2 d");
    }
}
