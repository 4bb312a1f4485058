//! The server's free capacity, in the headers of Auth0's rate limit: some clients parse them
//! strictly, in every response. There is no limit per caller. The headers say how many calls the
//! server carries out at once.

use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::{
    calls::{Body, concurrency::ConcurrencyLimit},
    clock,
};

/// The number of calls that the server carries out at once.
pub(super) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// The number of calls that could begin now.
pub(super) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// The earliest useful time for a retry, in seconds since 1970.
pub(super) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Adds these headers to a response. A call that found no free slot gets 0 remaining, even if a
/// slot is free by then.
pub fn with_rate_limit(
    limit: ConcurrencyLimit,
) -> impl Fn(Response<Body>) -> Response<Body> + Clone {
    move |mut response| {
        let free =
            if response.status() == StatusCode::TOO_MANY_REQUESTS { 0 } else { limit.free() };
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(limit.max()));
        headers.insert(REMAINING, HeaderValue::from(free));
        headers.insert(RESET, HeaderValue::from(clock::now().timestamp() + 1));
        response
    }
}
