//! The message of a call of Connect that is a GET: it is in the query of the URL. Only an rpc that
//! reads can be called so. The caller's token is in a header, as in each form, so a link or an image
//! of another page carries none.

use data_encoding::BASE64URL_NOPAD;
use http::Uri;
use hyper::body::Bytes;
use tonic::Status;

use super::{
    form::Encoding,
    frames::{self, HEAD},
    json,
};
use crate::{domain::DomainError, grpc::status};

/// The parameters, each of which comes once at most.
#[derive(Debug, Default)]
struct Parameters {
    message: Option<String>,
    encoding: Option<String>,
    base64: Option<String>,
    compression: Option<String>,
    connect: Option<String>,
}

/// The encoding of the message in a query; `None` for a query that is of no call.
pub(super) fn encoding(uri: &Uri) -> Option<Encoding> {
    let named = |(name, value): (_, std::borrow::Cow<'_, str>)| {
        (name == "encoding").then(|| match &*value {
            "proto" => Some(Encoding::Proto),
            "json" => Some(Encoding::Json),
            _ => None,
        })
    };
    form_urlencoded::parse(uri.query()?.as_bytes()).find_map(named)?
}

/// The frame of the message in a query, at most `max` bytes.
///
/// # Errors
/// The status for the caller.
pub(super) fn message(uri: &Uri, encoding: Encoding, max: usize) -> Result<Bytes, Status> {
    let parameters = parameters(uri.query().unwrap_or_default())?;
    if parameters.connect.is_some_and(|version| version != "v1") {
        return Err(invalid("connect", "must be v1"));
    }
    if parameters.compression.is_some_and(|coding| coding != "identity") {
        return Err(status::encoding_unsupported());
    }
    let text = parameters.message.ok_or_else(|| invalid("message", "is required"))?;
    let message = match parameters.base64.as_deref() {
        None | Some("0") => text.into_bytes(),
        Some("1") => BASE64URL_NOPAD
            .decode(text.trim_end_matches('=').as_bytes())
            .map_err(|_| invalid("message", "must be base64url (RFC 4648 §5)"))?,
        Some(_) => return Err(invalid("base64", "must be 1, or be left out")),
    };
    if message.len() > max {
        return Err(status::message_too_large());
    }
    match encoding {
        Encoding::Json => json::request(uri.path(), &message),
        Encoding::Proto => {
            let mut framed = vec![0; HEAD];
            framed.extend(message);
            frames::complete(framed, 0).ok_or_else(status::message_too_large)
        }
    }
}

fn parameters(query: &str) -> Result<Parameters, Status> {
    let mut parameters = Parameters::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let (parameter, known) = match &*name {
            "message" => (&mut parameters.message, "message"),
            "encoding" => (&mut parameters.encoding, "encoding"),
            "base64" => (&mut parameters.base64, "base64"),
            "compression" => (&mut parameters.compression, "compression"),
            "connect" => (&mut parameters.connect, "connect"),
            _ => continue,
        };
        if parameter.replace(value.into_owned()).is_some() {
            return Err(invalid(known, "must be given once"));
        }
    }
    Ok(parameters)
}

fn invalid(parameter: &'static str, text: &str) -> Status {
    status::from_domain_error(DomainError::invalid(parameter, text))
}
