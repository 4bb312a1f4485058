//! Request bodies: JSON or a form, bounded in length, without unknown properties.

use std::{collections::BTreeSet, pin::pin, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::error::ApiError;
use crate::i_json::{self, Numbers};

/// The longest accepted body, in bytes: all of a user's metadata and profile fit.
pub(super) const MAX_BODY: usize = 128 * 1024;

/// The most bytes that the server reads of a body that is too long.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// The time in which a whole body must arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The accepted media types of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MediaType {
    Json,
    Form,
}

/// A JSON body, which is an object.
pub(super) struct JsonObject(pub Map<String, Value>);

/// A JSON body, which is an object, or a form.
pub(super) struct JsonOrForm(pub Map<String, Value>);

impl<S: Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match media_type(request.headers()) {
            Some(MediaType::Json) => json(&read(request.into_body(), MAX_BODY).await?).map(Self),
            _ => Err(ApiError::media_type("application/json")),
        }
    }
}

impl<S: Sync> FromRequest<S> for JsonOrForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match media_type(request.headers()) {
            Some(MediaType::Json) => json(&read(request.into_body(), MAX_BODY).await?).map(Self),
            Some(MediaType::Form) => form(&read(request.into_body(), MAX_BODY).await?).map(Self),
            None => {
                Err(ApiError::media_type("application/json or application/x-www-form-urlencoded"))
            }
        }
    }
}

/// The media type in the headers; without a `Content-Type`, JSON. `None` for any other type.
fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return (!headers.contains_key(CONTENT_TYPE)).then_some(MediaType::Json);
    };
    let mut parts = given.to_str().ok()?.split(';').map(str::trim);
    let media_type = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" => MediaType::Json,
        "application/x-www-form-urlencoded" => MediaType::Form,
        _ => return None,
    };
    // The server reads both as UTF-8 (RFC 8259 §8.1), so any other charset is refused.
    let is_utf8 = |part: &str| {
        let charset = part.to_ascii_lowercase();
        charset.strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8")
    };
    parts.all(is_utf8).then_some(media_type)
}

/// Reads a whole body of at most `max` bytes. The rest of a body that is too long is read up to a bound and discarded: a
/// client that reads only after it has written would otherwise never see the refusal.
pub(super) async fn read(body: Body, max: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = pin!(body);
    let (mut bytes, mut length) = (Vec::new(), 0);
    let whole = async {
        while let Some(frame) = body.frame().await {
            // The client is gone, or sent fewer bytes than it announced.
            let frame = frame.map_err(|_| ApiError::body("it is incomplete"))?;
            let Ok(data) = frame.into_data() else { continue };
            length += data.len();
            if length <= max {
                bytes.extend_from_slice(&data);
            } else if length > MAX_DISCARDED {
                break;
            }
        }
        Ok(())
    };
    timeout(BODY_TIME, whole).await.map_err(|_| ApiError::body_timeout())??;
    if length > max { Err(ApiError::too_long(max)) } else { Ok(bytes) }
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::json())?;
    // This check comes first: the details below help no client whose text is not JSON at all.
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| ApiError::json())?;
    let violations = i_json::violations(text, Numbers::Exact).ok_or_else(ApiError::json)?;
    if !violations.is_empty() {
        return Err(ApiError::violations(&violations));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::body("Expected type object")),
        Err(_) => Err(ApiError::json()),
    }
}

fn form(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if std::str::from_utf8(bytes).is_err() || !is_percent_encoded(bytes) {
        return Err(ApiError::body("the form is not UTF-8 in percent-encoding"));
    }
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        if object.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
            // Other readers differ on which of the two values counts.
            return Err(ApiError::body(&format!(
                "{}: occurs twice: send it once",
                printable(&name)
            )));
        }
    }
    Ok(object)
}

/// Whether each `%` is followed by two hexadecimal digits, and the decoded text is UTF-8. A lenient
/// decoder would read any other text as something that the client did not write.
pub(super) fn is_percent_encoded(text: &[u8]) -> bool {
    let is_whole = |rest: &[u8]| matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    text.split(|byte| *byte == b'%').skip(1).all(is_whole)
        && percent_decode(text).decode_utf8().is_ok()
}

/// Reads the properties of an object. `refused` has the known properties that are not accepted,
/// each with the reason that the response gives.
///
/// # Errors
/// A refusal of the body if it has such a property, no property, or one that `T` does not accept.
pub(super) fn properties<T: DeserializeOwned>(
    object: Map<String, Value>,
    refused: &[(&str, &str)],
) -> Result<T, ApiError> {
    let given: BTreeSet<&str> =
        refused.iter().map(|(name, _)| *name).filter(|name| object.contains_key(*name)).collect();
    if !given.is_empty() {
        let why = refused
            .iter()
            .filter(|(name, _)| given.contains(name))
            .map(|(name, why)| format!("{name} {why}"));
        return Err(ApiError::body(&why.collect::<Vec<_>>().join("; ")));
    }
    if object.is_empty() {
        return Err(ApiError::body("Too few properties defined (0), minimum 1"));
    }
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let (property, what) = (error.path().to_string(), error.inner());
        // `.` is the path of the object itself.
        let text = if property == "." { what.to_string() } else { format!("{property}: {what}") };
        ApiError::body(&printable(&text))
    })
}

/// Reads a property that may be absent, but not null.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The client's text as a response may repeat it: without control characters, at most 200
/// characters.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content_type: &str) -> Option<MediaType> {
        media_type(&HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]))
    }

    #[test]
    fn a_media_type_is_json_or_a_form_in_utf8() {
        assert_eq!(media_type(&HeaderMap::new()), Some(MediaType::Json));
        for json in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert_eq!(said(json), Some(MediaType::Json), "{json}");
        }
        assert_eq!(said("application/x-www-form-urlencoded; charset=UTF-8"), Some(MediaType::Form));
        for other in [
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=utf-16",
            "multipart/form-data",
        ] {
            assert_eq!(said(other), None, "{other}");
        }
        let mut twice = HeaderMap::new();
        twice.append(CONTENT_TYPE, "application/json".parse().unwrap());
        twice.append(CONTENT_TYPE, "application/json".parse().unwrap());
        assert_eq!(media_type(&twice), None);
    }

    #[test]
    fn percent_encoding_is_whole_and_utf8() {
        for good in ["", "a%7Cb", "%25", "%C3%A9", "a+b", "\u{e9}"] {
            assert!(is_percent_encoded(good.as_bytes()), "{good}");
        }
        for bad in ["%", "%7", "%zz", "%-1", "%FF", "%C3", "%C3x", "%+1"] {
            assert!(!is_percent_encoded(bad.as_bytes()), "{bad}");
        }
    }
}
