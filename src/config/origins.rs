//! The origins (RFC 6454) whose pages may call from a browser.

use http::{HeaderValue, Uri, uri::Scheme};

use super::{
    keys::{Key, List},
    reader::Reader,
};

/// Reads a list of origins.
pub(super) fn read(r: &mut Reader, key: &Key<List>) -> Vec<HeaderValue> {
    let mut origins = Vec::new();
    for origin in r.list(key).unwrap_or_default() {
        match parse_origin(&origin) {
            Some(origin) => origins.push(origin),
            None => r.problem(
                key.name,
                format!("{origin:?} is not an origin such as \"https://app.example.com\", without a path"),
            ),
        }
    }
    origins
}

/// Reads an origin in the spelling that browsers send, since the comparison is by bytes.
pub(super) fn parse_origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
    let authority = uri.authority()?;
    let default_port = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let is_spelt_so = text == format!("{scheme}://{authority}")
        && text == text.to_ascii_lowercase()
        && !authority.as_str().contains(['@', '*'])
        && authority.port_u16() != Some(default_port);
    HeaderValue::from_str(text).ok().filter(|_| is_spelt_so)
}

#[cfg(test)]
mod tests {
    use super::parse_origin;

    #[test]
    fn an_origin_is_spelt_as_browsers_do() {
        for good in ["https://app.example.com", "http://127.0.0.1:3000", "https://[::1]:8443"] {
            assert!(parse_origin(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://*.example.com",
            "https://me@app.example.com",
            "ftp://app.example.com",
            "https://",
        ] {
            assert!(parse_origin(bad).is_none(), "{bad}");
        }
    }
}
