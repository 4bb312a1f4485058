//! What streams of pages share, which are Server-Sent Events (HTML Standard §9.2).

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse as _, Response, Sse, sse},
};
use futures_util::Stream;
use http::{HeaderName, HeaderValue};

use super::Problem;
use crate::{
    calls::admitted,
    console::{App, sessions::Staff, texts::Texts},
    telemetry::CallRecord,
};

/// How often the session is looked at. After its end a stream goes on for this long at most.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(5);
/// Keeps proxies from holding events back.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// A person who gets a stream. It prolongs no session: the person may have left the page open.
pub(in crate::console) struct Viewer(pub(super) Staff);

impl FromRequestParts<App> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let t = Texts::of(&parts.headers);
        let staff = match app.still_signed_in(parts).await {
            Ok(Some(staff)) => staff,
            Ok(None) => return Err(Problem::SessionEnded.page(t)),
            Err(error) => return Err(Problem::of_store(error).page(t)),
        };
        if let Some(record) = parts.extensions.get::<CallRecord>() {
            record.set_caller("staff", None);
        }
        Ok(Self(staff))
    }
}

/// The response with these events.
pub(super) fn streamed<S>(events: S) -> Response
where
    S: Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
{
    let mut response = admitted(Sse::new(events).into_response());
    response.headers_mut().extend([NO_BUFFERING]);
    response
}
