//! Requests and responses of the demo: forms, cookies, redirects, pages.

use std::{collections::BTreeMap, fmt};

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};

/// The longest form that is read, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// The header that says which site's page sends a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A response of the demo.
pub(super) type Reply = Response<Full<Bytes>>;

/// Names and values of a query, a form, or cookies.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    fn decode(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The value of this name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// All names and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A request of a browser or of the service.
#[derive(Debug)]
pub(super) struct DemoRequest {
    pub method: Method,
    pub path: String,
    pub query: Fields,
    pub form: Fields,
    pub cookies: Fields,
}

impl DemoRequest {
    /// Reads a request; `None` if it is for another host, was sent by another site's page, or is
    /// too long.
    ///
    /// The check of `Host` stops DNS rebinding: another site's name that suddenly resolves to this
    /// machine appears there.
    pub(super) async fn read(request: Request<Incoming>, host: &str) -> Option<Self> {
        let (head, body) = request.into_parts();
        let text = |name| {
            head.headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
                .unwrap_or_default()
        };
        let is_ours = matches!(text(SEC_FETCH_SITE), "" | "none" | "same-origin");
        if text(header::HOST) != host || head.method == Method::POST && !is_ours {
            return None;
        }
        let cookies = text(header::COOKIE).split("; ").filter_map(|pair| pair.split_once('='));
        let cookies = cookies.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = Limited::new(body, MAX_FORM).collect().await.ok()?.to_bytes();
        Some(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: Fields::decode(head.uri.query().unwrap_or_default().as_bytes()),
            form: Fields::decode(&body),
            cookies: Fields(cookies),
        })
    }
}

/// Text, escaped so that HTML shows it as text.
pub(super) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// A page with this title and this content, which is HTML.
pub(super) fn page(title: &str, content: &str) -> Reply {
    let title = Escaped(title);
    reply(
        StatusCode::OK,
        "text/html; charset=utf-8",
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>body {{ font: 1rem/1.5 system-ui; max-width: 38rem; margin: 2rem auto; padding: 0 1rem }} \
             .demo {{ background: #fc0; padding: .5rem 1rem }} li, form {{ margin: .5rem 0 }} \
             code {{ background: #eee }}</style>\n\
             <p class=\"demo\"><b>A demo.</b> A visitor can sign in as any account here, without a password.</p>\n\
             <h1>{title}</h1>\n{content}\n</html>\n"
        ),
    )
}

/// A JSON response.
pub(super) fn json(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    reply(status, "application/json", text)
}

/// A response that consists of a status only.
pub(super) fn status(status: StatusCode) -> Reply {
    reply(status, "text/plain", status.to_string())
}

/// A redirect.
pub(super) fn redirect(to: &str) -> Reply {
    let mut reply = status(StatusCode::SEE_OTHER);
    match HeaderValue::from_str(to) {
        Ok(to) => drop(reply.headers_mut().insert(header::LOCATION, to)),
        Err(_) => *reply.status_mut() = StatusCode::BAD_REQUEST,
    }
    reply
}

/// The reply, with a cookie that only the demo reads; an empty value deletes the cookie.
pub(super) fn with_cookie(mut reply: Reply, name: &str, value: &str) -> Reply {
    let end = if value.is_empty() { "; Max-Age=0" } else { "" };
    // Without `Secure`: the demo is plain http on this machine.
    if let Ok(cookie) =
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{end}"))
    {
        reply.headers_mut().append(header::SET_COOKIE, cookie);
    }
    reply
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::from(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_text_to_html() {
        assert_eq!(Escaped("<a href='x'>\"&").to_string(), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }
}
