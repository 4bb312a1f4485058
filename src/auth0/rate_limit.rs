//! How much room there is, in the headers in which Auth0's clients look for it: some parse them strictly, in every
//! answer. There is no limit per caller; what is told is how many calls the server carries out at once.

use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::{
    calls::{Body, capacity::Places},
    clock,
};

/// How many calls are carried out at once.
pub(super) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// How many more could begin now.
pub(super) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// From when on it is worth another try, in seconds since 1970.
pub(super) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Tells it with an answer. For a call that has just found no place there is none, whatever has become free since.
pub fn told(places: Places) -> impl Fn(Response<Body>) -> Response<Body> + Clone {
    move |mut answer| {
        let free = if answer.status() == StatusCode::TOO_MANY_REQUESTS { 0 } else { places.free() };
        let headers = answer.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(places.max()));
        headers.insert(REMAINING, HeaderValue::from(free));
        headers.insert(RESET, HeaderValue::from(clock::now().timestamp() + 1));
        answer
    }
}
