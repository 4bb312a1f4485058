//! The checks that HTTP/1 requires of a server and hyper does not make (RFC 9112).

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, HOST, TRANSFER_ENCODING},
};

/// Refuses a request that a proxy between the client and the server may have parsed differently.
/// The response, with the default body, ends the connection, because the following bytes could be
/// part of that request.
pub(super) fn refusal<R, B: Default>(request: &Request<R>) -> Option<Response<B>> {
    let status = match request.version() {
        Version::HTTP_2 => return None,
        Version::HTTP_11 if request.headers().get_all(HOST).iter().count() != 1 => {
            StatusCode::BAD_REQUEST
        }
        Version::HTTP_11 if !is_coding_known(request.headers()) => StatusCode::NOT_IMPLEMENTED,
        Version::HTTP_11 => return None,
        _ => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
    };
    let mut response = Response::new(B::default());
    *response.status_mut() = status;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

/// hyper accepts any list of codings that ends with `chunked`, although it decodes `chunked` only.
fn is_coding_known(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}
