//! Providers that speak OAuth 2.0 alone, and describe the person by an API of their own. What
//! differs between them is data, in `presets/oauth_facts.rs`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use http::{HeaderMap, Request, StatusCode, Uri, header};
use hyper::body::Bytes;
use serde_json::{Map, Value};

use super::{
    Account, AuthorizationRequest, AuthorizationResponse, ClientSettings, Flow, OAuthError,
    OAuthSettings, ProviderTokens, RefreshError, Revoked,
    exchange::{self, is_refusal},
    presets::{EmailAt, Id, NextPage, OAuthFacts, Revocation, Verified},
    revocation,
};
use crate::{
    auth::{Claims, claims::is_true},
    domain::{IdentityRef, Metadata, Provider, Subject},
    http_client::HttpClient,
    i_json::{self, Numbers},
};

/// The most pages of emails that are read.
const MAX_PAGES: usize = 10;

/// The access to a provider's API with a person's token.
struct Api<'a> {
    settings: &'a OAuthSettings,
    facts: &'static OAuthFacts,
    http: &'a HttpClient,
    token: &'a str,
}

/// The most other addresses of an account that are taken.
const MAX_OTHER_EMAILS: usize = 10;

/// An account's email, and whether the provider asserts that it verified it.
#[derive(Default)]
struct Email {
    email: Option<String>,
    is_verified: bool,
    /// Other addresses that the provider asserts that it verified.
    others: Vec<String>,
}

fn for_codes(settings: &OAuthSettings) -> exchange::FlowEndpoints<'_> {
    exchange::FlowEndpoints {
        authorize: &settings.authorize,
        token: &settings.token,
        auth_method: settings.preset.facts().auth_method,
    }
}

/// The URL to which the browser is sent.
pub(super) fn authorization_url(
    client: &ClientSettings,
    settings: &OAuthSettings,
    authorization: &AuthorizationRequest,
    flow: &Flow,
    state: &str,
) -> Result<String, OAuthError> {
    let facts = settings.preset.facts();
    let hint = facts.hint.and_then(|name| Some((name, authorization.login_hint.clone()?)));
    let prompt = authorization.prompt.clone().filter(|_| facts.takes_prompt);
    let extra: Vec<_> = hint.into_iter().chain(prompt.map(|prompt| ("prompt", prompt))).collect();
    exchange::authorization_url(client, &for_codes(settings), flow, state, &extra)
}

/// Exchanges the code and returns the account that signed in.
pub(super) async fn account(
    (client, provider): (&ClientSettings, &Provider),
    settings: &OAuthSettings,
    http: &HttpClient,
    flow: &Flow,
    response: &AuthorizationResponse,
    now: DateTime<Utc>,
) -> Result<Account, OAuthError> {
    if response.iss.as_ref().is_some_and(|iss| *iss != client.issuer()) {
        return Err(OAuthError::rejected("iss is another issuer"));
    }
    let codes = for_codes(settings);
    let tokens = exchange::exchange(client, &codes, http, flow, &response.code, now).await?;
    let facts = settings.preset.facts();
    let api = Api { settings, facts, http, token: tokens.issued.access.reveal() };
    let person = api.get(&below(settings, facts.person)?).await?;
    let (_, person) = person.ok_or_else(|| OAuthError::rejected("it does not return the user"))?;
    let subject = subject(facts, &person)
        .ok_or_else(|| OAuthError::rejected("the id of its user is not valid"))?;
    let Email { email, is_verified, others } = api.email(&person).await?;
    Ok(Account {
        identity: IdentityRef { provider: provider.clone(), subject },
        issuer: client.issuer(),
        email,
        email_verified: is_verified,
        other_emails: others,
        // A profile that does not fit is dropped: it is no reason to refuse the sign-in.
        profile_data: Metadata::parse("", profile(facts, &person)).unwrap_or_default(),
        authenticated_at: now,
        proven_at: now,
        tokens: tokens.issued,
        id_claims: Claims::default(),
    })
}

/// Refreshes an access token.
pub(super) async fn refresh(
    client: &ClientSettings,
    settings: &OAuthSettings,
    http: &HttpClient,
    tokens: (&str, BTreeSet<String>),
    now: DateTime<Utc>,
) -> Result<ProviderTokens, RefreshError> {
    Ok(exchange::refresh(client, &for_codes(settings), http, tokens, now).await?.issued)
}

/// Revokes tokens, as far as the provider does.
pub(super) async fn revoke(
    settings: &OAuthSettings,
    revocation: revocation::Revocation<'_>,
) -> Result<Revoked, OAuthError> {
    let facts = settings.preset.facts();
    match facts.revocation {
        Revocation::Never => Ok(Revoked::Unsupported),
        Revocation::Beside(name) => {
            revocation.at(&beside(&settings.token, name)?, facts.auth_method).await
        }
        Revocation::Grant => {
            let path = format!("/applications/{}/grant", revocation.settings.client_id);
            revocation.of_grant(&below(settings, &path)?, facts.headers).await
        }
    }
}

/// The URL that this relative reference names beside another one (RFC 3986 §5.2).
fn beside(url: &Uri, reference: &str) -> Result<Uri, OAuthError> {
    let url = url.to_string();
    let folder = url.rsplit_once('/').map_or(url.as_str(), |(folder, _)| folder);
    format!("{folder}/{reference}")
        .parse()
        .map_err(|error| OAuthError::Fault(format!("the revocation URL is not valid: {error}")))
}

/// A URL below the base URL of the API.
fn below(settings: &OAuthSettings, path: &str) -> Result<Uri, OAuthError> {
    let base = settings.api.to_string();
    format!("{}{path}", base.trim_end_matches('/')).parse().map_err(|error| {
        OAuthError::Fault(format!("the URL of the provider's API is not valid: {error}"))
    })
}

/// The account's id. One that is missing, empty or of another type than documented is none.
fn subject(facts: &OAuthFacts, person: &Value) -> Option<Subject> {
    let text = match facts.subject {
        Id::Number(at) => person.pointer(at)?.as_u64()?.to_string(),
        Id::Text(at) => person.pointer(at)?.as_str()?.to_owned(),
    };
    Subject::parse(&text)
}

/// The provider's data about a person, under OpenID Connect's names.
fn profile(facts: &OAuthFacts, person: &Value) -> Map<String, Value> {
    let claims = facts.profile.iter().filter_map(|(name, at)| {
        let text = person.pointer(at)?;
        text.is_string().then(|| ((*name).to_owned(), text.clone()))
    });
    claims.collect()
}

impl Api<'_> {
    /// The account's email.
    async fn email(&self, person: &Value) -> Result<Email, OAuthError> {
        match self.facts.email {
            EmailAt::Person { email, verified } => {
                let email = text_at(person, email).filter(|text| !text.is_empty());
                let is_verified = email.is_some()
                    && match verified {
                        Verified::Never => false,
                        Verified::Always => true,
                        Verified::If(at) => person.pointer(at).is_some_and(is_true),
                    };
                Ok(Email { email, is_verified, others: Vec::new() })
            }
            EmailAt::List { path, entries, primary, email, verified, next } => {
                let is = |entry: &Value, at| entry.pointer(at).is_some_and(is_true);
                let mut found = Email::default();
                let mut page = Some(below(self.settings, path)?);
                for _ in 0..MAX_PAGES {
                    let Some(url) = page else { break };
                    // There is no email if the person did not grant the scope, or the server
                    // refuses the list.
                    let Some((headers, answer)) = self.get(&url).await? else { break };
                    let listed = answer.pointer(entries).and_then(Value::as_array);
                    let listed = listed.ok_or_else(unreadable)?;
                    let others = listed.iter().filter(|entry| !is(entry, primary));
                    let others = others.filter(|entry| is(entry, verified));
                    let others = others.filter_map(|entry| text_at(entry, email));
                    let free = MAX_OTHER_EMAILS.saturating_sub(found.others.len());
                    found.others.extend(others.take(free));
                    // A person with emails behind the page of the primary one goes without
                    // suggestions by these.
                    if let Some(entry) = listed.iter().find(|entry| is(entry, primary)) {
                        found.email = text_at(entry, email);
                        found.is_verified = is(entry, verified);
                        break;
                    }
                    page = next_page(next, &headers, &answer, &self.settings.api)?;
                }
                Ok(found)
            }
        }
    }

    /// Gets a resource; `None` if the token does not give access to it.
    async fn get(&self, url: &Uri) -> Result<Option<(HeaderMap, Value)>, OAuthError> {
        let request =
            Request::get(url).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let headers = self.facts.headers.iter();
        let request = headers
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(Bytes::new())
            .map_err(|_| OAuthError::rejected("its access token cannot be sent"))?;
        let response = self.http.send(request).await.map_err(OAuthError::unavailable)?;
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
            status => {
                return Err(OAuthError::unavailable(format!("its API responds with {status}")));
            }
        }
        let (head, body) = response.into_parts();
        Ok(Some((head.headers, parsed(&body).ok_or_else(unreadable)?)))
    }
}

/// The JSON of an answer; `None` if it is none, or a name occurs twice in an object: another reader
/// could then see another account.
fn parsed(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    i_json::violations(text, Numbers::Any)?.is_empty().then(|| serde_json::from_str(text).ok())?
}

fn unreadable() -> OAuthError {
    OAuthError::rejected("its API's response does not parse")
}

fn text_at(value: &Value, at: &str) -> Option<String> {
    value.pointer(at)?.as_str().map(str::to_owned)
}

/// The next page of a list. It must be on the same server: the token is sent nowhere else.
fn next_page(
    next: NextPage,
    headers: &HeaderMap,
    answer: &Value,
    api: &Uri,
) -> Result<Option<Uri>, OAuthError> {
    let next = match next {
        NextPage::Link => linked(headers),
        NextPage::At(at) => answer.pointer(at).and_then(Value::as_str),
    };
    let Some(next) = next else { return Ok(None) };
    match next.parse::<Uri>() {
        Ok(url) if (url.scheme(), url.authority()) == (api.scheme(), api.authority()) => {
            Ok(Some(url))
        }
        _ => Err(OAuthError::rejected("the next page of its emails is on another server")),
    }
}

/// The next page by the header `Link` (RFC 8288).
fn linked(headers: &HeaderMap) -> Option<&str> {
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|links| links.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), r#"rel="next""# | "rel=next"));
        is_next.then_some(target)
    })
}

fn is_rate_limit(headers: &HeaderMap) -> bool {
    headers.contains_key(header::RETRY_AFTER)
        || headers.get("x-ratelimit-remaining").is_some_and(|remaining| remaining == "0")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::{super::OAuthPreset, *};

    fn next(link: &'static str) -> Result<Option<String>, OAuthError> {
        let headers = HeaderMap::from_iter([(header::LINK, HeaderValue::from_static(link))]);
        next_page(
            NextPage::Link,
            &headers,
            &Value::Null,
            &Uri::from_static("https://api.github.com"),
        )
        .map(|url| url.map(|url| url.to_string()))
    }

    /// A13: an id of another type than the provider documents may be another account's.
    #[test]
    fn an_id_of_another_type_names_no_account() {
        let of = |preset: OAuthPreset, person: Value| {
            subject(preset.facts(), &person).map(|subject| subject.to_string())
        };
        let x = |id: Value| of(OAuthPreset::X, json!({"data": {"id": id}}));
        assert_eq!(x(json!("2244994945")).as_deref(), Some("2244994945"));
        for wrong in [json!(2_244_994_945_u64), json!(""), json!(null), json!(["2"]), json!(true)] {
            assert_eq!(x(wrong), None);
        }
        let github = |id: Value| of(OAuthPreset::GitHub, json!({ "id": id }));
        assert_eq!(github(json!(583_231)).as_deref(), Some("583231"));
        for wrong in [json!("583231"), json!(5.5), json!(1e3), json!(-1), json!(null)] {
            assert_eq!(github(wrong), None);
        }
        assert_eq!(of(OAuthPreset::X, json!({"id": "2244994945"})), None);
    }

    #[test]
    fn an_answer_that_readers_understand_differently_does_not_parse() {
        assert!(parsed(br#"{"id":"1","id":"2"}"#).is_none());
        assert!(parsed(b"\xff").is_none());
        assert_eq!(parsed(br#"{"id":"1"}"#), Some(json!({"id": "1"})));
    }

    #[test]
    fn the_next_page_in_an_answer_is_the_same_servers_too() {
        let api = Uri::from_static("https://api.bitbucket.org/2.0");
        let next =
            |answer: Value| next_page(NextPage::At("/next"), &HeaderMap::new(), &answer, &api);
        let good = "https://api.bitbucket.org/2.0/user/emails?page=2";
        assert_eq!(next(json!({"next": good})).unwrap(), Some(Uri::from_static(good)));
        assert_eq!(next(json!({})).unwrap(), None);
        assert!(next(json!({"next": "https://evil.example.com/2.0/user/emails?page=2"})).is_err());
        assert!(next(json!({"next": "/2.0/user/emails?page=2"})).is_err());
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
