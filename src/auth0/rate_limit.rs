//! The headers of Auth0's rate limit, in every response: some clients parse them strictly. They
//! tell what is left of the caller's limit. A caller without a limit reads the server's free
//! capacity there instead: how many calls it carries out at once.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response as RouteResponse};
use http::{HeaderName, HeaderValue, Response, StatusCode, header::RETRY_AFTER};

use super::error::ApiError;
use crate::{
    calls::{Body, concurrency::ConcurrencyLimit},
    clock,
    rate_limits::{Exceeded, Standing},
};

/// The number of calls of the caller's limit, or that the server carries out at once.
pub(super) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// The number of calls that could begin now.
pub(super) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// When all calls of the limit could be made again, or if none remains, the next one. Without a
/// limit, the earliest useful time for a retry. In seconds since 1970.
pub(super) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Adds these headers to a response. A call that found no free slot gets 0 remaining, even if a
/// slot is free by then.
pub fn with_rate_limit(
    limit: ConcurrencyLimit,
) -> impl Fn(Response<Body>) -> Response<Body> + Clone {
    move |mut response| {
        let (limit, remaining, reset_after) =
            match (response.extensions().get::<Standing>(), response.status()) {
                (Some(Standing { limit, remaining, reset_after }), _) => {
                    (u64::from(*limit), u64::from(*remaining), *reset_after)
                }
                (None, StatusCode::TOO_MANY_REQUESTS) => {
                    (limit.max() as u64, 0, Duration::from_secs(1))
                }
                (None, _) => (limit.max() as u64, limit.free() as u64, Duration::from_secs(1)),
            };
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(reset(reset_after)));
        response
    }
}

/// Notes in the response what is left of its caller's limit, for [`with_rate_limit`].
pub(super) fn noted(mut response: RouteResponse, standing: Option<Standing>) -> RouteResponse {
    if let Some(standing) = standing {
        response.extensions_mut().insert(standing);
    }
    response
}

/// The response to a call above its caller's limit.
pub(super) fn refused(exceeded: &Exceeded) -> RouteResponse {
    let mut response = ApiError::too_many_requests().into_response();
    let seconds = whole_seconds(exceeded.retry_after);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    noted(response, Some(exceeded.standing()))
}

/// Rounded up, so that a client that waits as long is not refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The time after this wait, in seconds since 1970, rounded up.
fn reset(wait: Duration) -> i64 {
    let then = clock::now() + wait;
    then.timestamp() + i64::from(then.timestamp_subsec_nanos() > 0)
}
