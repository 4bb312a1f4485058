//! *Feed*: the changes of a tenant, and new ones as they happen.

mod live;
mod rows;

use std::{collections::BTreeSet, sync::LazyLock};

use askama::Template;
use axum::{
    extract::{FromRequestParts, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use data_encoding::BASE64;
use http::{header, request::Parts};
use serde::Deserialize;

pub(in crate::console) use self::live::live;
use self::rows::{Row, ago, rows};
use super::{Chrome, Problem, page};
use crate::{
    clock::now,
    console::{App, Scripted, sessions::Staff},
    domain::TenantId,
    grpc::proto::{self as pb, list_events_request::Start},
    secret::sha256,
};

/// How many events the page shows. The script removes the oldest ones above it.
const MAX_ROWS: i32 = 500;
/// The script of the page.
const SCRIPT: &str = include_str!("../../../templates/console/feed.js");
/// The hash by which a browser knows the script (Subresource Integrity §3).
static INTEGRITY: LazyLock<String> =
    LazyLock::new(|| format!("sha256-{}", BASE64.encode(&sha256(SCRIPT.as_bytes()))));

/// Of which tenant, and where to begin.
#[derive(Deserialize)]
pub(in crate::console) struct Wanted {
    /// Empty for the first tenant of the console.
    #[serde(default)]
    tenant: String,
    /// After this position; empty for `from`.
    #[serde(default)]
    after: String,
    #[serde(default)]
    from: From,
}

/// An end of the feed.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum From {
    Oldest,
    #[default]
    Newest,
}

#[derive(Template)]
#[template(path = "console/feed.html")]
struct FeedPage<'a> {
    chrome: Chrome<'a>,
    tenants: &'a BTreeSet<TenantId>,
    tenant: &'a str,
    /// The newest first.
    rows: Vec<Row>,
    /// How long ago the newest of these events was made; empty without events.
    newest: String,
    has_more: bool,
    /// The position after the newest of these events.
    position: String,
    /// The query of a page that has the same events, and those that were made since.
    refresh: String,
    max_rows: i32,
    integrity: &'static str,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let wanted: Result<axum::extract::Query<Self>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, state).await;
        match wanted {
            Ok(axum::extract::Query(wanted)) => Ok(wanted),
            Err(_) => Err(Problem::Position.page(super::Texts::of(&parts.headers))),
        }
    }
}

impl Wanted {
    /// The tenant; the first one of the console if none is named.
    fn tenant<'a>(&'a self, app: &'a App) -> &'a str {
        if self.tenant.is_empty() { app.home.as_str() } else { &self.tenant }
    }
}

/// The page of the feed.
pub(in crate::console) async fn page_of_feed(
    State(app): State<App>,
    staff: Staff,
    wanted: Wanted,
) -> Response {
    match app.feed_page(&staff, &wanted).await {
        Ok(mut response) => {
            response.extensions_mut().insert(Scripted);
            response
        }
        Err(problem) => problem.page(staff.texts),
    }
}

/// The script of the page.
pub(in crate::console) async fn script() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT).into_response()
}

impl App {
    async fn feed_page(&self, staff: &Staff, wanted: &Wanted) -> Result<Response, Problem> {
        let tenant = wanted.tenant(self);
        let mut calls = self.event_calls(tenant, staff).ok_or(Problem::NotHere)?;
        let start = match (&*wanted.after, wanted.from) {
            ("", From::Oldest) => Start::FromEnd(pb::FeedEnd::Oldest.into()),
            ("", From::Newest) => Start::FromEnd(pb::FeedEnd::Newest.into()),
            (after, _) => Start::After(after.to_owned()),
        };
        let list = pb::ListEventsRequest {
            start: Some(start),
            page_size: MAX_ROWS,
            ..pb::ListEventsRequest::default()
        };
        let listed = calls.list_events(list).await;
        let listed = listed.map_err(|status| Problem::of_feed(&status))?.into_inner();
        let t = staff.texts;
        let refresh = match (&*wanted.after, wanted.from) {
            ("", From::Oldest) => "from=oldest".to_owned(),
            // Where the newest end was when this page was opened.
            ("", From::Newest) => format!("after={}", listed.position),
            (after, _) => format!("after={after}"),
        };
        let feed_page = FeedPage {
            chrome: Chrome::of(t, Some(staff)),
            tenants: &self.settings.tenants,
            tenant,
            newest: ago(listed.events.last(), now()),
            rows: rows(t, tenant, &listed.events),
            has_more: listed.has_more,
            position: listed.position,
            refresh,
            max_rows: MAX_ROWS,
            integrity: &INTEGRITY,
        };
        Ok(page(&feed_page))
    }
}
