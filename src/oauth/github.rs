//! GitHub, which speaks OAuth 2.0 and describes the person by its REST API.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use http::{HeaderMap, Request, StatusCode, Uri, header};
use hyper::body::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Account, AuthMethod, AuthorizationRequest, AuthorizationResponse, ClientSettings, Flow,
    GitHubUrls, OAuthError, ProviderTokens, RefreshError, Revoked, client_auth,
    exchange::{self, is_refusal},
};
use crate::{
    auth::claims::is_true,
    domain::{IdentityRef, Metadata, Provider, Subject},
    http_client::HttpClient,
};

/// The version of the API that this code was written for.
const API_VERSION: &str = "2022-11-28";
/// The most pages of emails that are read. A page has a hundred emails.
const MAX_PAGES: usize = 10;

/// The response of `GET /user`.
#[derive(Deserialize)]
struct User {
    id: u64,
    login: Option<String>,
    name: Option<String>,
    avatar_url: Option<String>,
    html_url: Option<String>,
}

/// An entry of the response of `GET /user/emails`.
#[derive(Deserialize)]
struct Email {
    email: String,
    primary: Value,
    verified: Value,
}

fn for_codes(urls: &GitHubUrls) -> exchange::FlowEndpoints<'_> {
    exchange::FlowEndpoints {
        authorize: &urls.authorize,
        token: &urls.token,
        auth_method: AuthMethod::Post,
    }
}

/// The URL to which the browser is sent.
pub(super) fn authorization_url(
    settings: &ClientSettings,
    urls: &GitHubUrls,
    authorization: &AuthorizationRequest,
    flow: &Flow,
    state: &str,
) -> Result<String, OAuthError> {
    let hint = authorization.login_hint.clone().map(|hint| ("login", hint));
    let prompt = authorization.prompt.clone().map(|prompt| ("prompt", prompt));
    let extra: Vec<_> = hint.into_iter().chain(prompt).collect();
    exchange::authorization_url(settings, &for_codes(urls), flow, state, &extra)
}

/// Exchanges the code and returns the account that signed in.
pub(super) async fn account(
    (settings, provider): (&ClientSettings, &Provider),
    urls: &GitHubUrls,
    http: &HttpClient,
    flow: &Flow,
    response: &AuthorizationResponse,
    now: DateTime<Utc>,
) -> Result<Account, OAuthError> {
    if response.iss.as_ref().is_some_and(|iss| *iss != settings.issuer()) {
        return Err(OAuthError::rejected("iss is another issuer"));
    }
    let tokens =
        exchange::exchange(settings, &for_codes(urls), http, flow, &response.code, now).await?;
    let user: Uri = below(&urls.api, "/user")?;
    let access = tokens.issued.access.reveal();
    let (_, user): (_, User) = required(get(http, &user, access).await?)?;
    let subject = Subject::parse(&user.id.to_string())
        .ok_or_else(|| OAuthError::rejected("the id of its user is not valid"))?;
    let email = primary_email(urls, http, access).await?;
    Ok(Account {
        identity: IdentityRef { provider: provider.clone(), subject },
        issuer: settings.issuer(),
        email_verified: email.as_ref().is_some_and(|email| is_true(&email.verified)),
        email: email.map(|email| email.email),
        profile_data: Metadata::parse("", profile(user)).unwrap_or_default(),
        authenticated_at: now,
        proven_at: now,
        tokens: tokens.issued,
    })
}

/// Refreshes an access token. Only a GitHub App with expiring tokens has refresh tokens.
pub(super) async fn refresh(
    settings: &ClientSettings,
    urls: &GitHubUrls,
    http: &HttpClient,
    tokens: (&str, BTreeSet<String>),
    now: DateTime<Utc>,
) -> Result<ProviderTokens, RefreshError> {
    exchange::refresh(settings, &for_codes(urls), http, tokens, now).await
}

/// Revokes what the person granted to the client, with all its tokens
/// (<https://docs.github.com/en/rest/apps/oauth-applications>).
pub(super) async fn revoke(
    settings: &ClientSettings,
    urls: &GitHubUrls,
    http: &HttpClient,
    tokens: &ProviderTokens,
    now: DateTime<Utc>,
) -> Result<Revoked, OAuthError> {
    let url = below(&urls.api, &format!("/applications/{}/grant", settings.client_id))?;
    let secret = settings.client_secret.now(&settings.client_id, &settings.issuer(), now);
    let secret = secret.map_err(|error| OAuthError::Fault(format!("the client's key {error}")))?;
    let body = serde_json::json!({"access_token": tokens.access.reveal()}).to_string();
    let mut request = Request::delete(&url)
        .header(header::ACCEPT, "application/vnd.github+json")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-github-api-version", API_VERSION)
        .body(Bytes::from(body))
        .map_err(|error| OAuthError::Fault(error.to_string()))?;
    let credentials = client_auth::raw_header(&settings.client_id, &secret)?;
    request.headers_mut().insert(header::AUTHORIZATION, credentials);
    match http.send(request).await.map_err(OAuthError::unavailable)?.status() {
        // 404 and 422: there is no such grant any more.
        status
            if status.is_success()
                || [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&status) =>
        {
            Ok(Revoked::Done)
        }
        status => Err(OAuthError::unavailable(format!("its API responds with {status}"))),
    }
}

/// GitHub's data about a person, under OpenID Connect's names. `email` is left out: it is the
/// public email, which need not be the person's.
fn profile(user: User) -> Map<String, Value> {
    let claims = [
        ("name", user.name),
        ("preferred_username", user.login),
        ("picture", user.avatar_url),
        ("profile", user.html_url),
    ];
    claims
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect()
}

/// The primary email, verified or not.
async fn primary_email(
    urls: &GitHubUrls,
    http: &HttpClient,
    token: &str,
) -> Result<Option<Email>, OAuthError> {
    let mut next = Some(below(&urls.api, "/user/emails?per_page=100")?);
    for _ in 0..MAX_PAGES {
        let Some(url) = next else { return Ok(None) };
        // There is no email if the person did not grant the scope, or the server refuses the list.
        let Some((headers, emails)) = get::<Vec<Email>>(http, &url, token).await? else {
            return Ok(None);
        };
        if let Some(primary) = emails.into_iter().find(|email| is_true(&email.primary)) {
            return Ok(Some(primary));
        }
        next = next_page(&headers, &urls.api)?;
    }
    Ok(None)
}

/// The next page (RFC 8288). It must be on the same server: the token is sent nowhere else.
fn next_page(headers: &HeaderMap, api: &Uri) -> Result<Option<Uri>, OAuthError> {
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let next = links.flat_map(|links| links.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), r#"rel="next""# | "rel=next"));
        is_next.then_some(target)
    });
    let Some(next) = next else { return Ok(None) };
    match next.parse::<Uri>() {
        Ok(url) if (url.scheme(), url.authority()) == (api.scheme(), api.authority()) => {
            Ok(Some(url))
        }
        _ => Err(OAuthError::rejected("the next page of its emails is on another server")),
    }
}

fn below(api: &Uri, path: &str) -> Result<Uri, OAuthError> {
    format!("{}{path}", api.to_string().trim_end_matches('/')).parse().map_err(|error| {
        OAuthError::Fault(format!("the URL of GitHub's API is not valid: {error}"))
    })
}

fn required<T>(response: Option<T>) -> Result<T, OAuthError> {
    response.ok_or_else(|| OAuthError::rejected("it does not return the user"))
}

/// Gets a resource; `None` if the token does not give access to it.
async fn get<T: DeserializeOwned>(
    http: &HttpClient,
    url: &Uri,
    token: &str,
) -> Result<Option<(HeaderMap, T)>, OAuthError> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/vnd.github+json")
        .header("x-github-api-version", API_VERSION)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Bytes::new())
        .map_err(|_| OAuthError::rejected("its access token cannot be sent"))?;
    let response = http.send(request).await.map_err(OAuthError::unavailable)?;
    match response.status() {
        StatusCode::OK => {}
        // GitHub sends 403 for a rate limit too, but then a later request can succeed.
        StatusCode::FORBIDDEN if is_rate_limit(response.headers()) => {
            return Err(OAuthError::unavailable("its rate limit is reached"));
        }
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => return Ok(None),
        status if is_refusal(status) => {
            return Err(OAuthError::Rejected(format!("its API responds with {status}")));
        }
        status => return Err(OAuthError::unavailable(format!("its API responds with {status}"))),
    }
    let (head, body) = response.into_parts();
    let body = serde_json::from_slice(&body)
        .map_err(|_| OAuthError::rejected("its API's response does not parse"))?;
    Ok(Some((head.headers, body)))
}

fn is_rate_limit(headers: &HeaderMap) -> bool {
    headers.contains_key(header::RETRY_AFTER)
        || headers.get("x-ratelimit-remaining").is_some_and(|remaining| remaining == "0")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn next(link: &'static str) -> Result<Option<String>, OAuthError> {
        let headers = HeaderMap::from_iter([(header::LINK, HeaderValue::from_static(link))]);
        next_page(&headers, &Uri::from_static("https://api.github.com"))
            .map(|url| url.map(|url| url.to_string()))
    }

    #[test]
    fn the_next_page_is_the_same_servers() {
        let two = r#"<https://api.github.com/user/emails?page=1>; rel="prev", <https://api.github.com/user/emails?page=3>; rel="next""#;
        assert_eq!(
            next(two).unwrap().as_deref(),
            Some("https://api.github.com/user/emails?page=3")
        );
        assert_eq!(
            next(r#"<https://api.github.com/user/emails?page=3>; rel="last""#).unwrap(),
            None
        );
        for elsewhere in [
            r#"<https://evil.example.com/user/emails?page=2>; rel="next""#,
            r#"<http://api.github.com/user/emails?page=2>; rel="next""#,
            r#"<https://api.github.com:444/user/emails?page=2>; rel="next""#,
            r#"<https://api.github.com@evil.example.com/>; rel="next""#,
            r#"</user/emails?page=2>; rel="next""#,
        ] {
            assert!(next(elsewhere).is_err(), "{elsewhere}");
        }
    }
}
