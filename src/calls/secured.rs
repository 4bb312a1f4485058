//! The headers of each response of HTTP that a browser may get.

use http::{HeaderValue, Response, header};

use super::Body;

/// A content security policy: the response loads nothing, and no page may frame it.
const DENY_ALL_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Adds the security headers to every response: a browser must not cache it, guess its type or
/// frame it.
pub fn secured(is_tls: bool) -> impl Fn(Response<Body>) -> Response<Body> + Clone {
    move |mut response| {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DENY_ALL_POLICY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if is_tls {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000"),
            );
        }
        response
    }
}
