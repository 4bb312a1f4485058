//! `ListEvents`.

use super::{EventHandler, filter, start};
use crate::{
    auth::Permit,
    feed::PositionCodec,
    grpc::{page, proto as pb, requests::Checks, responses},
    use_cases::{Error, ListEvents, ListedEvents},
};

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
        let size =
            checks.page_size("page_size", request.page_size, DEFAULT_PAGE, ListEvents::MAX_SIZE);
        let start = checks.into_result_with(start)?;
        let positions = PositionCodec::new(self.use_cases.store().key(permit.tenant())?)?;
        let list = ListEvents { permit, start, filter, size };
        Ok(response(&list.execute(&self.use_cases).await?, size, &positions))
    }
}

/// As many of the listed events as make a page, and the position after the last one.
fn response(
    listed: &ListedEvents,
    size: usize,
    positions: &PositionCodec,
) -> pb::ListEventsResponse {
    let mut events: Vec<pb::Event> =
        listed.events.iter().map(|past| responses::event(past, positions)).collect();
    events.truncate(page::fitting(&events, size));
    let last = listed
        .events
        .get(..events.len())
        .and_then(<[_]>::last)
        .filter(|_| events.len() < listed.events.len());
    pb::ListEventsResponse {
        position: positions.text(last.map_or(listed.end, |last| last.position)),
        has_more: last.is_some() || !listed.is_last,
        events,
    }
}
