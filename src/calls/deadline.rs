//! How long a call may take: as long as its client says in `grpc-timeout`, and never longer than the
//! server's maximum. That covers reading the message, however slowly it comes, up to the headers of
//! the answer; a stream that follows them is not cut.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use tokio::time::timeout;
use tower::{Layer, Service};

use super::Body;

/// The metadata in which a client says how long it waits.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Ends the calls of a service at their deadline.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    max: Duration,
    over: fn() -> Response<Body>,
}

impl DeadlineLayer {
    /// A call takes at most `max`, whatever its client says; `over` is what it is answered then.
    pub fn new(max: Duration, over: fn() -> Response<Body>) -> Self {
        Self { max, over }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, bound: *self }
    }
}

/// A service whose calls end at their deadline.
#[derive(Debug, Clone)]
pub struct Deadline<S> {
    inner: S,
    bound: DeadlineLayer,
}

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let DeadlineLayer { max, over } = self.bound;
        let allowed = told(request.headers()).map_or(max, |told| told.min(max));
        if allowed.is_zero() {
            // Not even begun: what is begun may write.
            return Box::pin(async move { Ok(over()) });
        }
        let call = timeout(allowed, self.inner.call(request));
        Box::pin(async move { call.await.unwrap_or_else(|_| Ok(over())) })
    }
}

/// What a client says: one to eight digits and a unit. Anything else says nothing.
fn told(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get(GRPC_TIMEOUT)?.as_bytes().split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(number * 60 * 60)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_by(text: &str) -> Option<Duration> {
        told(&HeaderMap::from_iter([(GRPC_TIMEOUT.parse().unwrap(), text.parse().unwrap())]))
    }

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        assert_eq!(told_by("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(told_by("2M"), Some(Duration::from_secs(120)));
        assert_eq!(told_by("00000003S"), Some(Duration::from_secs(3)));
        assert_eq!(told_by("4m"), Some(Duration::from_millis(4)));
        assert_eq!(told_by("5u"), Some(Duration::from_micros(5)));
        assert_eq!(told_by("6n"), Some(Duration::from_nanos(6)));
        assert_eq!(told_by("0S"), Some(Duration::ZERO));
    }

    #[test]
    fn anything_else_says_nothing() {
        for junk in ["", "S", "5", "-1S", "+1S", "1.5S", "1 S", "1s", "1h", "1Sx", "123456789n", "\u{e9}S", "1\u{e9}"] {
            assert_eq!(told_by(junk), None, "{junk}");
        }
        assert_eq!(told(&HeaderMap::new()), None);
    }
}
