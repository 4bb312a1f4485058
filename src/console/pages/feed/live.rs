//! The events of the feed as they happen.

use std::convert::Infallible;

use askama::Template;
use axum::{
    extract::State,
    response::{Response, sse},
};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderName};
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::Streaming;

use super::{
    Wanted,
    rows::{RowsTemplate, ago, ago_of, rows},
};
use crate::{
    clock::now,
    console::{
        App,
        pages::{
            Problem,
            streams::{CHECK_EVERY, Viewer, streamed},
        },
        sessions::Staff,
    },
    grpc::proto::{self as pb, watch_events_request::Start},
};

/// The delay of the feed from which the page says so.
const LONG_DELAY: i64 = 1000;
/// The position from which a browser continues that was disconnected.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The events after a position, and new ones, until the session or the watch ends. The browser then
/// asks again, and gets no stream without a session.
pub(in crate::console) async fn live(
    State(app): State<App>,
    Viewer(staff): Viewer,
    wanted: Wanted,
    headers: HeaderMap,
) -> Response {
    let t = staff.texts;
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let after = last.unwrap_or(&wanted.after).to_owned();
    let events = app.watch(staff, wanted.tenant(&app), after).await;
    events.map_or_else(|problem| problem.page(t), streamed)
}

/// A stream for a person.
struct Live {
    app: App,
    staff: Staff,
    tenant: String,
    watch: Streaming<pb::WatchEventsResponse>,
    checks: Interval,
}

impl App {
    async fn watch(
        &self,
        staff: Staff,
        tenant: &str,
        after: String,
    ) -> Result<impl Stream<Item = Result<sse::Event, Infallible>> + use<>, Problem> {
        let mut calls = self.event_calls(tenant, &staff).ok_or(Problem::NotHere)?;
        let start = match after.is_empty() {
            true => Start::FromEnd(pb::FeedEnd::Newest.into()),
            false => Start::After(after),
        };
        let request = pb::WatchEventsRequest { start: Some(start), ..Default::default() };
        let watch = calls.watch_events(request).await;
        let watch = watch.map_err(|status| Problem::of_feed(&status))?.into_inner();
        let mut checks = interval(CHECK_EVERY);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (app, tenant) = (self.clone(), tenant.to_owned());
        let live = Live { app, staff, tenant, watch, checks };
        Ok(stream::unfold(live, async |mut live| Some((Ok(live.next().await?), live))))
    }
}

impl Live {
    /// The next event of the stream; `None` at its end.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            tokio::select! {
                // First, so that a busy feed does not hide the end of the session.
                biased;
                _ = self.checks.tick() => {
                    // Without the database it is not known.
                    if !matches!(self.app.is_still(&self.staff).await, Ok(true)) {
                        return None;
                    }
                }
                message = self.watch.message() => {
                    return Some(self.event(&message.ok()??));
                }
            }
        }
    }

    fn event(&self, message: &pb::WatchEventsResponse) -> sse::Event {
        let t = self.staff.texts;
        let rows = RowsTemplate { rows: rows(t, &self.tenant, &message.events) };
        let waits = match message.delay_millis {
            LONG_DELAY.. => format!("{} {}", t.feed_waits, ago_of(message.delay_millis)),
            _ => String::new(),
        };
        let data = json!({
            // A template that cannot be rendered does not compile.
            "rows": rows.render().unwrap_or_default(),
            "newest": ago(message.events.last(), now()),
            "waits": waits,
        });
        // JSON has no line break.
        sse::Event::default().id(&message.position).data(data.to_string())
    }
}
