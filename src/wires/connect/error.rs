//! The errors of Connect (<https://connectrpc.com/docs/protocol#error-codes>).

use data_encoding::BASE64_NOPAD;
use http::StatusCode;
use hyper::body::Bytes;
use prost::Message as _;
use serde::Serialize;
use serde_json::value::RawValue;
use tonic::{Code, Status};

use crate::{grpc::proto::google, wires::json};

/// An error as JSON.
#[derive(Debug, Serialize)]
pub(in crate::wires) struct ErrorJson {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// A detail of an error.
#[derive(Debug, Serialize)]
struct Detail {
    /// The name of its message.
    r#type: String,
    /// The message as protobuf, in base64 without padding.
    value: String,
    /// The message as JSON, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<Box<RawValue>>,
}

impl ErrorJson {
    /// The error for a status, with its details.
    pub(in crate::wires) fn of(status: &Status) -> Self {
        let decoded = google::rpc::Status::decode(status.details()).unwrap_or_default();
        let details = decoded.details.into_iter().map(|any| {
            let name = any.type_url.rsplit('/').next().unwrap_or_default().to_owned();
            let debug = json::debug(&name, &any.value);
            Detail { r#type: name, value: BASE64_NOPAD.encode(&any.value), debug }
        });
        Self {
            code: code_name(status.code()),
            message: status.message().to_owned(),
            details: details.collect(),
        }
    }

    /// The JSON.
    pub(in crate::wires) fn to_bytes(&self) -> Bytes {
        // It has no map with other keys than text, so that this cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

/// The name of a code.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// The HTTP status of a code.
pub(super) fn http_status(code: Code) -> StatusCode {
    let status = match code {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::DeadlineExceeded => 504,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::Unauthenticated => 401,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
