//! *Health*: what `/readyz` knows, in sentences, with when it was last good.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Chrome, page, user::Time};
use crate::{
    auth::Keys,
    clock::now,
    console::{App, sessions::Staff, texts::Texts},
    domain::StaffRole,
    management::{DatabaseState, HealthReport, Readiness},
    version::VERSION,
};

#[derive(Template)]
#[template(path = "console/health.html")]
struct HealthPage<'a> {
    chrome: Chrome<'a>,
    version: String,
    parts: Vec<Part>,
}

/// A part of what the server stands on.
struct Part {
    name: String,
    is_good: bool,
    state: String,
    /// When it was last good; the default if it never was since the server started.
    last: Time,
}

/// The page about the server's health.
pub(in crate::console) async fn page_of_health(State(app): State<App>, staff: Staff) -> Response {
    // It is about no tenant, so no rpc stands for it.
    if let Err(problem) = staff.needs(StaffRole::Operator) {
        return problem.page(staff.texts);
    }
    let t = staff.texts;
    let mut parts = of_server(t, app.state.health());
    let issuers = app.use_cases.issuers().keys();
    parts.extend(issuers.map(|(issuer, keys)| of_keys(t.health_issuer, t, issuer, keys)));
    let providers = app.use_cases.clients().keys();
    parts.extend(providers.map(|(issuer, keys)| of_keys(t.health_provider, t, issuer, keys)));
    let chrome = Chrome::of(t, Some(&staff));
    page(&HealthPage { chrome, version: VERSION.to_string(), parts })
}

fn of_server(t: &Texts, report: HealthReport) -> Vec<Part> {
    let HealthReport { readiness, database_good, feed_good } = report;
    let (database, feed_is_good) = match readiness {
        Readiness::Serving { database, feed_goes_on } => (database, feed_goes_on),
        // It has no connection any more, or none yet.
        Readiness::Starting | Readiness::Stopping => (DatabaseState::Unavailable, false),
    };
    let is_good = database == DatabaseState::Available;
    let state = match database {
        DatabaseState::Available => t.health_database_good.to_owned(),
        DatabaseState::Unavailable => t.health_database_lost.to_owned(),
        DatabaseState::Incompatible(reason) => format!("{} {reason}", t.health_schema_wrong),
    };
    let feed = if feed_is_good { t.health_feed_good } else { t.health_feed_late };
    vec![
        Part { name: t.health_database.to_owned(), is_good, state, last: time(database_good) },
        Part {
            name: t.feed.to_owned(),
            is_good: feed_is_good,
            state: feed.to_owned(),
            last: time(feed_good),
        },
    ]
}

fn of_keys(kind: &str, t: &Texts, issuer: &str, keys: &Keys) -> Part {
    let is_good = keys.current().is_ok();
    let state = if is_good { t.health_keys_good } else { t.health_keys_missing };
    let read = keys.age().and_then(|age: Duration| Some(now() - TimeDelta::from_std(age).ok()?));
    Part { name: format!("{kind} {issuer}"), is_good, state: state.to_owned(), last: time(read) }
}

fn time(time: Option<DateTime<Utc>>) -> Time {
    time.map_or_else(Time::default, |time| Time {
        iso: time.to_rfc3339_opts(SecondsFormat::Secs, true),
        text: time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    })
}
