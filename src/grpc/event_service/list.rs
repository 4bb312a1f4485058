//! `ListEvents`.

use super::{EventHandler, filter, start};
use crate::{
    auth::Permit,
    grpc::{page, position::PositionCodec, proto as pb, requests::Checks, responses},
    store::{EventPage, PastEvent},
    use_cases::Error,
};

/// The largest page, and the most events that are read for one page.
const MAX_PAGE: usize = 1000;
/// The page size if the request sets none.
const DEFAULT_PAGE: usize = 100;

impl EventHandler {
    pub(super) async fn list(
        &self,
        permit: Permit,
        request: pb::ListEventsRequest,
    ) -> Result<pb::ListEventsResponse, Error> {
        use pb::list_events_request::Start::{After, FromEnd};
        let mut checks = Checks::default();
        let start = match request.start {
            Some(After(text)) => start(&mut checks, Some(text), None),
            Some(FromEnd(end)) => start(&mut checks, None, Some(end)),
            None => start(&mut checks, None, None),
        };
        let user = checks.optional_user_id("user_id", &request.user_id);
        let filter = filter(&mut checks, &request.kinds, user);
        let size = checks.page_size("page_size", request.page_size, DEFAULT_PAGE, MAX_PAGE);
        let start = checks.into_result_with(start)?;
        let positions = PositionCodec::new(self.feed.store().key(permit.tenant())?)?;
        let start = start.at(&positions)?;

        let mut session = self.session(&permit).await?;
        let after = start.position(&mut session, &positions).await?;
        let horizon = session.horizon().await?;
        // Reads a full page if only some kinds are wanted, so that the caller needs fewer calls.
        let limit = if filter.kinds.is_empty() { size + 1 } else { MAX_PAGE };
        let EventPage { events: read, is_last } =
            session.events_after(after, horizon, filter.user.as_ref(), limit).await?;
        // Events that were removed during the read must not be skipped silently.
        super::StartPosition::After(after).position(&mut session, &positions).await?;
        let end = match is_last {
            true => session.newest_position(horizon).await?.latest(after),
            false => read.last().map_or(after, |last| last.position),
        };
        let wanted: Vec<&PastEvent> =
            read.iter().filter(|past| filter.matches(&past.event)).collect();
        let mut events: Vec<pb::Event> =
            wanted.iter().map(|past| responses::event(past, &positions)).collect();
        events.truncate(page::fitting(&events, size));
        let last = wanted
            .get(..events.len())
            .and_then(<[_]>::last)
            .filter(|_| events.len() < wanted.len());
        Ok(pb::ListEventsResponse {
            position: positions.text(last.map_or(end, |last| last.position)),
            has_more: last.is_some() || !is_last,
            events,
        })
    }
}
