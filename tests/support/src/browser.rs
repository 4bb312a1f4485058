//! A person's browser: it follows redirects, keeps cookies, sends forms.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::form::{self, Form};

/// How many redirects a browser follows before it gives up.
const REDIRECTS: usize = 20;

/// What a cookie is stored under: authority, path, name.
type CookieKey = (String, String, String);

/// A browser, with cookies of its own.
pub struct Browser {
    client: Client<HttpConnector, Full<Bytes>>,
    cookies: BTreeMap<CookieKey, String>,
    /// The browser opens no URL that begins with this and has a query: it returns the query to the
    /// login page.
    redirect_uri: String,
    /// The header `Authorization` of each request.
    authorization: Option<String>,
    /// The header `Origin` of the next form (Fetch Standard, "append a request Origin header").
    origin: Option<String>,
    /// Each header `Set-Cookie` that it has received.
    pub set_cookies: Vec<String>,
}

/// What a browser shows after the last redirect.
#[derive(Debug)]
pub enum Shown {
    /// A page.
    Page(Page),
    /// It was redirected to the redirect URI, with this query.
    Back(Form),
}

/// A page.
#[derive(Debug)]
pub struct Page {
    pub url: Uri,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: String,
}

impl Shown {
    /// The page.
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Back(query) => panic!("the browser is at the redirect URI: {query:?}"),
        }
    }

    /// The query of the redirect URI.
    pub fn back(self) -> Form {
        match self {
            Self::Back(query) => query,
            Self::Page(page) => panic!("{} {}: {}", page.status, page.url, page.html),
        }
    }
}

impl Browser {
    /// A browser without cookies, whose login page has this redirect URI, or paths below it.
    pub fn new(redirect_uri: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            client,
            cookies: BTreeMap::new(),
            redirect_uri: redirect_uri.to_owned(),
            authorization: None,
            origin: None,
            set_cookies: Vec::new(),
        }
    }

    /// Opens a URL, and follows redirects.
    pub async fn open(&mut self, url: &str) -> Shown {
        self.go(Method::GET, url.to_owned(), String::new()).await
    }

    /// Follows the first link of a page whose text contains this one.
    pub async fn follow(&mut self, page: &Page, text: &str) -> Shown {
        let mut links = page.html.split("<a").skip(1);
        let link = links.find(|link| link.split("</a>").next().unwrap().contains(text)).unwrap();
        let url = absolute(&page.url, &attribute(link, "href").unwrap());
        self.open(&url).await
    }

    /// Fills in the first form of a page, keeps its hidden fields, and sends it.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Shown {
        self.submit_to(page, "", fields).await
    }

    /// The same with the first form whose action begins with this path.
    pub async fn submit_to(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Shown {
        let has_path = |form: &str| attribute(form, "action").unwrap().starts_with(path);
        self.submit_one(page, has_path, fields).await
    }

    /// The same with the first form that contains this text, such as that of a button.
    pub async fn press(&mut self, page: &Page, text: &str, fields: &[(&str, &str)]) -> Shown {
        self.submit_one(page, |form| form.contains(text), fields).await
    }

    async fn submit_one(
        &mut self,
        page: &Page,
        is_meant: impl Fn(&str) -> bool,
        fields: &[(&str, &str)],
    ) -> Shown {
        let mut forms =
            page.html.split("<form").skip(1).map(|it| it.split("</form>").next().unwrap());
        let form = forms.find(|form| is_meant(form)).expect("a form");
        let inputs = form
            .split("<input")
            .skip(1)
            .filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let mut sent: Form = inputs
            .map(|input| {
                (attribute(input, "name").unwrap(), attribute(input, "value").unwrap_or_default())
            })
            .collect();
        sent.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = absolute(&page.url, &attribute(form, "action").unwrap());
        let body = form::write(sent.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.go(Method::POST, url, body).await
    }

    /// Sends a form that is on no page, as a client of a provider does.
    pub async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        self.go(Method::POST, url.to_owned(), form::write(fields.iter().copied())).await.page()
    }

    /// Sends a form from a page of this origin.
    pub async fn post_from(&mut self, origin: &str, url: &str, fields: &[(&str, &str)]) -> Shown {
        self.origin = Some(origin.to_owned());
        let body = form::write(fields.iter().copied());
        self.go(Method::POST, url.to_owned(), body).await
    }

    /// The same, with the id and the secret of a client (RFC 7617).
    pub async fn post_as(
        &mut self,
        url: &str,
        (id, secret): (&str, &str),
        fields: &[(&str, &str)],
    ) -> Page {
        let credentials = BASE64.encode(format!("{id}:{secret}").as_bytes());
        self.authorization = Some(format!("Basic {credentials}"));
        let page = self.post(url, fields).await;
        self.authorization = None;
        page
    }

    /// Opens a URL with an access token (RFC 6750 §2.1).
    pub async fn open_with(&mut self, url: &str, access_token: &str) -> Page {
        self.authorization = Some(format!("Bearer {access_token}"));
        let page = self.open(url).await.page();
        self.authorization = None;
        page
    }

    /// Signs in at a real provider as this account, consents to each request, and returns to the
    /// redirect URI.
    pub async fn sign_in(&mut self, url: &str, account: &str) -> Form {
        let mut shown = self.open(url).await;
        while let Shown::Page(page) = &shown {
            assert_eq!(page.status, StatusCode::OK, "{}", page.html);
            // Both may be on one page, or the password on the next one.
            let asked = ["login", "username", "user"]
                .map(|name| (name, account))
                .into_iter()
                .chain([("password", "any")])
                .filter(|(name, _)| page.html.contains(&format!("name=\"{name}\"")));
            shown = self.submit(page, &asked.collect::<Vec<_>>()).await;
        }
        shown.back()
    }

    /// Keeps a cookie for each path of this origin, in place of one that it has.
    pub fn set_cookie(&mut self, origin: &str, name: &str, value: &str) {
        let authority = origin.parse::<Uri>().unwrap().authority().unwrap().to_string();
        self.cookies.insert((authority, "/".to_owned(), name.to_owned()), value.to_owned());
    }

    async fn go(&mut self, mut method: Method, mut url: String, mut body: String) -> Shown {
        for _ in 0..REDIRECTS {
            if let Some((_, query)) =
                url.strip_prefix(&self.redirect_uri).and_then(|rest| rest.split_once('?'))
            {
                return Shown::Back(form::parse(query));
            }
            let uri: Uri = url.parse().unwrap();
            let request = Request::builder()
                .method(&method)
                .uri(&uri)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let cookies = self.cookies_for(&uri);
            let request = match cookies.is_empty() {
                true => request,
                false => request.header(header::COOKIE, cookies),
            };
            let request = match &self.authorization {
                Some(value) => request.header(header::AUTHORIZATION, value),
                None => request,
            };
            let request = match self.origin.take() {
                Some(origin) => request.header(header::ORIGIN, origin),
                None => request,
            };
            let request = request.body(Full::from(body)).unwrap();
            let answer = self.client.request(request).await.unwrap();
            self.keep_cookies(&uri, answer.headers());
            if !answer.status().is_redirection() {
                let (status, headers) = (answer.status(), answer.headers().clone());
                let html = answer.into_body().collect().await.unwrap().to_bytes();
                return Shown::Page(Page {
                    url: uri,
                    status,
                    headers,
                    html: String::from_utf8(html.into()).unwrap(),
                });
            }
            url = absolute(&uri, answer.headers()[header::LOCATION].to_str().unwrap());
            (method, body) = (Method::GET, String::new());
        }
        panic!("too many redirects, the last one to {url}");
    }

    fn cookies_for(&self, url: &Uri) -> String {
        let goes = |(authority, path, _): &CookieKey| {
            url.authority().unwrap().as_str() == authority && url.path().starts_with(path)
        };
        let cookies = self.cookies.iter().filter(|(key, _)| goes(key));
        cookies
            .map(|((_, _, name), value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn keep_cookies(&mut self, url: &Uri, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            self.set_cookies.push(cookie.to_owned());
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let said = |attribute: &str| {
                let mut pairs = cookie.split("; ").skip(1).filter_map(|pair| pair.split_once('='));
                pairs
                    .find(|(name, _)| name.eq_ignore_ascii_case(attribute))
                    .map(|(_, value)| value.to_owned())
            };
            let path = said("path").unwrap_or_else(|| "/".to_owned());
            let key = (url.authority().unwrap().to_string(), path, name.to_owned());
            if value.is_empty() || said("max-age").as_deref() == Some("0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}

/// A reference of a page as a URL.
fn absolute(base: &Uri, reference: &str) -> String {
    if reference.is_empty() || reference.starts_with('#') {
        return base.to_string();
    }
    if reference.starts_with('/') {
        return format!(
            "{}://{}{reference}",
            base.scheme_str().unwrap(),
            base.authority().unwrap()
        );
    }
    reference.to_owned()
}

/// The value of an attribute of the tag at the beginning of a text.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next().unwrap();
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next().unwrap();
    Some(value.replace("&amp;", "&").replace("&#38;", "&"))
}
