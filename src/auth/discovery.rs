//! The metadata that an issuer publishes (OpenID Connect Discovery 1.0 §3).

use http::Uri;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::http_client::{FetchError, HttpClient, is_fetchable, is_fetchable_from, quoted};

/// The longest name of an issuer that an error text repeats, in characters.
const MAX_NAME: usize = 200;

/// The used part of an issuer's metadata.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct IssuerMetadata {
    issuer: String,
    /// The URL of its keys. An issuer that signs with the secrets of its clients may have none.
    pub jwks_uri: Option<String>,
    /// The URL at which people sign in.
    pub authorization_endpoint: Option<String>,
    /// The URL at which codes are exchanged.
    pub token_endpoint: Option<String>,
    /// The URL that returns the claims of a person.
    pub userinfo_endpoint: Option<String>,
    /// The URL at which tokens are revoked (RFC 8414 §2).
    #[serde(default, deserialize_with = "text")]
    pub revocation_endpoint: Option<String>,
    /// The methods by which a client may authenticate at the token endpoint.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The methods by which a code may be bound to its flow (RFC 8414 §2).
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether each redirect back contains the issuer (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// The algorithms of its ID tokens.
    #[serde(default, deserialize_with = "texts")]
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// The scopes that it publishes; there may be others.
    #[serde(default, deserialize_with = "texts")]
    pub scopes_supported: Option<Vec<String>>,
    /// What it may respond with to an authorization request, such as `code`.
    #[serde(default, deserialize_with = "texts")]
    pub response_types_supported: Option<Vec<String>>,
    /// The claims that it publishes; there may be others.
    #[serde(default, deserialize_with = "texts")]
    pub claims_supported: Option<Vec<String>>,
    /// Whether it takes the parameter `claims`; some take it without saying so.
    #[serde(default, deserialize_with = "truth")]
    pub claims_parameter_supported: Option<bool>,
    /// How it sends the browser back, such as `query`.
    #[serde(default, deserialize_with = "texts")]
    pub response_modes_supported: Option<Vec<String>>,
}

/// A list of texts; `None` if it is something else. These lists are compared with the settings, to
/// find mistakes: a malformed one is no reason to use nothing of the metadata.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(None) };
    Ok(items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect())
}

/// A text; `None` if it is something else, for the same reason.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().map(str::to_owned))
}

/// A boolean; `None` if it is something else.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_bool())
}

/// Why metadata are unavailable.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The document cannot be fetched.
    #[error("{0} cannot be fetched: {1}")]
    Fetch(Uri, FetchError),
    /// The document has the wrong content.
    #[error("{0} {1}")]
    Content(Uri, String),
}

/// The URL of an issuer's metadata; `None` if the issuer's name is no URL that may be fetched.
pub fn metadata_url(issuer: &str) -> Option<Uri> {
    // §4.1: a trailing slash is removed first. A query is not allowed.
    let url =
        format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
    let url: Uri = url.parse().ok()?;
    // Without a host, the first part of the path would be parsed as one.
    issuer.parse::<Uri>().ok()?.host()?;
    (url.query().is_none() && is_fetchable(&url)).then_some(url)
}

/// Fetches an issuer's metadata from this URL.
///
/// # Errors
/// [`MetadataError`] if the document cannot be fetched, does not parse, or names another issuer.
pub async fn fetch(
    http: &HttpClient,
    issuer: &str,
    from: &Uri,
) -> Result<IssuerMetadata, MetadataError> {
    let wrong = |text: String| MetadataError::Content(from.clone(), text);
    let document =
        http.get_json(from).await.map_err(|error| MetadataError::Fetch(from.clone(), error))?;
    let found: IssuerMetadata = serde_json::from_slice(&document)
        .map_err(|error| wrong(format!("does not parse: {error}")))?;
    // §4.3: otherwise one issuer could impersonate another.
    if found.issuer != issuer {
        return Err(wrong(another_issuer(&found.issuer, issuer)));
    }
    Ok(found)
}

/// The problem of metadata that name this issuer instead of the configured one. It names both, so
/// that an operator sees what to change.
fn another_issuer(found: &str, configured: &str) -> String {
    let differ = match found.trim_end_matches('/') == configured.trim_end_matches('/') {
        true => ": they differ by the slash at the end",
        false => "",
    };
    format!(
        "is the metadata of the issuer {}, not of {configured:?}{differ}. If it is the right one, set issuer to that",
        quoted(found, MAX_NAME)
    )
}

/// The URL of the keys in metadata that came from `from`.
///
/// # Errors
/// [`MetadataError::Content`] if there is none, or as [`endpoint`] says.
pub fn keys_url(found: &IssuerMetadata, from: &Uri) -> Result<Uri, MetadataError> {
    match &found.jwks_uri {
        Some(url) => endpoint(url, "jwks_uri", from),
        None => Err(MetadataError::Content(from.clone(), "has no jwks_uri".to_owned())),
    }
}

/// An endpoint URL from metadata that came from `from`.
///
/// # Errors
/// [`MetadataError::Content`] if it is no URL, or no URL that may be fetched from there.
pub fn endpoint(url: &str, name: &str, from: &Uri) -> Result<Uri, MetadataError> {
    let wrong = |text: String| MetadataError::Content(from.clone(), text);
    let url: Uri = url.parse().map_err(|_| wrong(format!("has a {name} that is not a URL")))?;
    if is_fetchable_from(&url, from) {
        Ok(url)
    } else {
        Err(wrong(format!("has a {name} that is not https")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_below_the_issuer() {
        let metadata = |issuer: &str| metadata_url(issuer).map(|url| url.to_string());
        for (issuer, url) in [
            ("https://a.example.com", "https://a.example.com/.well-known/openid-configuration"),
            ("https://a.example.com/", "https://a.example.com/.well-known/openid-configuration"),
            (
                "https://a.example.com/t/1",
                "https://a.example.com/t/1/.well-known/openid-configuration",
            ),
            ("http://127.0.0.1:81", "http://127.0.0.1:81/.well-known/openid-configuration"),
        ] {
            assert_eq!(metadata(issuer).as_deref(), Some(url));
        }
        for issuer in [
            "",
            "a.example.com",
            "http://a.example.com",
            "https://a.example.com/?x=1",
            "urn:a",
            "https://",
        ] {
            assert_eq!(metadata(issuer), None, "{issuer}");
        }
    }

    #[test]
    fn another_issuer_is_named_beside_the_configured_one() {
        assert_eq!(
            another_issuer("https://a.example.com", "https://a.example.com/"),
            r#"is the metadata of the issuer "https://a.example.com", not of "https://a.example.com/": they differ by the slash at the end. If it is the right one, set issuer to that"#
        );
        assert_eq!(
            another_issuer("https://b.example.com\n", "https://a.example.com"),
            r#"is the metadata of the issuer "https://b.example.com\n", not of "https://a.example.com". If it is the right one, set issuer to that"#
        );
    }

    #[test]
    fn a_malformed_list_is_no_list() {
        let scopes = |json: &str| {
            let document = format!(r#"{{"issuer":"i","scopes_supported":{json}}}"#);
            serde_json::from_str::<IssuerMetadata>(&document).unwrap().scopes_supported
        };
        assert_eq!(scopes(r#"["openid"]"#), Some(vec!["openid".to_owned()]));
        assert_eq!(scopes("[]"), Some(Vec::new()));
        for malformed in ["null", "7", r#""openid""#, r#"["openid",7]"#, "{}"] {
            assert_eq!(scopes(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn metadata_lead_to_https_or_from_this_machine_to_itself() {
        let (https, here) = (
            Uri::from_static("https://a.example.com/m"),
            Uri::from_static("http://127.0.0.1:81/m"),
        );
        for (url, from, is_followed) in [
            ("https://b.example.com/x", &https, true),
            ("https://b.example.com/x", &here, true),
            ("http://127.0.0.1:82/x", &here, true),
            ("http://127.0.0.1:82/x", &https, false),
            ("http://b.example.com/x", &https, false),
            ("http://b.example.com/x", &here, false),
            ("x", &here, false),
        ] {
            assert_eq!(endpoint(url, "jwks_uri", from).is_ok(), is_followed, "{url} from {from}");
        }
    }
}
