//! How far a job is, until it ends.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    response::{Response, sse},
};
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::shown::Job;
use crate::{
    console::{
        App,
        calls::JobCalls,
        pages::{
            Problem,
            streams::{CHECK_EVERY, Viewer, streamed},
        },
        sessions::Staff,
    },
    domain::StaffRole,
};

/// How often the job is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A stream for a person.
struct Live {
    app: App,
    staff: Staff,
    tenant: String,
    id: String,
    calls: JobCalls,
    looks: Interval,
    /// When the session is looked at next.
    check: Instant,
    is_over: bool,
}

/// How far a job is, each second until it or the session ends.
pub(in crate::console) async fn live(
    State(app): State<App>,
    Viewer(staff): Viewer,
    Path((tenant, id)): Path<(String, String)>,
) -> Response {
    let t = staff.texts;
    app.follow(staff, tenant, id).await.map_or_else(|problem| problem.page(t), streamed)
}

impl App {
    async fn follow(
        &self,
        staff: Staff,
        tenant: String,
        id: String,
    ) -> Result<impl Stream<Item = Result<sse::Event, Infallible>> + use<>, Problem> {
        staff.needs(StaffRole::Operator)?;
        let mut calls = self.job_calls(&tenant, &staff, None).ok_or(Problem::NotHere)?;
        // So that a job that is not there is refused.
        self.job(&mut calls, &id).await?;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (app, check, is_over) = (self.clone(), Instant::now() + CHECK_EVERY, false);
        let live = Live { app, staff, tenant, id, calls, looks, check, is_over };
        Ok(stream::unfold(live, async |mut live| Some((Ok(live.next().await?), live))))
    }
}

impl Live {
    /// The next event; `None` after the job, or the session, has ended.
    async fn next(&mut self) -> Option<sse::Event> {
        if self.is_over {
            return None;
        }
        self.looks.tick().await;
        if Instant::now() >= self.check {
            // Without the database it is not known.
            if !matches!(self.app.is_still(&self.staff).await, Ok(true)) {
                return None;
            }
            self.check = Instant::now() + CHECK_EVERY;
        }
        let operation = self.app.job(&mut self.calls, &self.id).await.ok()?;
        let job = Job::new(self.staff.texts, &self.tenant, &operation).ok()?;
        self.is_over = job.is_over;
        let data = json!({
            "state": job.state,
            "done": job.progress.done,
            "total": job.progress.total,
            "text": job.progress.text,
            "isOver": job.is_over,
        });
        // JSON has no line break.
        Some(sse::Event::default().data(data.to_string()))
    }
}
