//! Forms of `users-imports`: whatever a body holds, reading ends, what is read was in the body and is
//! read again from a form of its own, and no row of a file that is stored has a secret.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::{Body, Bytes},
    extract::Request,
};
use chrono::{DateTime, Utc};
use identity_link::{
    auth0::{FormProblem, form_parts},
    domain::Provider,
    transfer::{
        input::Record,
        sources::{Format, auth0_job},
    },
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};

/// A line that the input does not have: it would have to begin so, and end otherwise.
const BOUNDARY: &str = "a-boundary-of-the-law";
/// The longest file, in bytes.
const MAX_FILE: usize = 500 * 1024;
/// The most users of a file.
const MAX_USERS: usize = 20_000;
/// Fields whose values are replaced before a row is stored.
const SECRETS: [&str; 4] = ["password_hash", "custom_password_hash", "passwordHash", "mfa_factors"];

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

fuzz_target!(|bytes: &[u8]| {
    // The first line is the media type, all behind it the body.
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (media_type, body) = (&bytes[..end], &bytes[end + 1..]);
    let Ok(media_type) = std::str::from_utf8(media_type) else { return };
    let Some(read) = read(media_type, body.to_vec()) else { return };
    let Ok(parts) = read else { return };
    assert!(parts.values().map(Bytes::len).sum::<usize>() <= body.len());
    assert!(parts.get("users").is_none_or(|file| file.len() <= MAX_FILE));
    for part in parts.values() {
        assert!(part.is_empty() || body.windows(part.len()).any(|window| window == part));
    }
    if let Some(form) = written(&parts) {
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        assert_eq!(self::read(&media_type, form), Some(Ok(parts.clone())));
    }
    if let Some(file) = parts.get("users") {
        rows_are_stored_without_secrets(file);
    }
});

/// The parts of a body; `None` if the media type cannot be in a request.
fn read(media_type: &str, body: Vec<u8>) -> Option<Result<BTreeMap<String, Bytes>, FormProblem>> {
    let request = Request::builder().header("content-type", media_type).body(Body::from(body));
    Some(RUNTIME.block_on(form_parts(request.ok()?)))
}

/// A form with these parts; `None` if a name needs quoting, or a part has the boundary.
fn written(parts: &BTreeMap<String, Bytes>) -> Option<Vec<u8>> {
    let mut form = Vec::new();
    for (name, value) in parts {
        let is_plain = |text: char| text.is_ascii_alphanumeric() || "-_. ".contains(text);
        let has_boundary =
            value.windows(BOUNDARY.len()).any(|window| window == BOUNDARY.as_bytes());
        if !name.chars().all(is_plain) || has_boundary {
            return None;
        }
        let head =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        form.extend([head.as_bytes(), value, b"\r\n"].concat());
    }
    form.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    Some(form)
}

fn rows_are_stored_without_secrets(file: &[u8]) {
    let provider = Provider::parse("auth0").expect("a provider");
    let Ok(rows) = auth0_job::rows(file, &provider) else { return };
    assert!(rows.len() <= MAX_USERS);
    for row in rows {
        assert!(!row.line.contains(['\n', '\r']));
        if let Ok(fields) = serde_json::from_str::<Map<String, Value>>(&row.line) {
            for secret in SECRETS.iter().filter_map(|name| fields.get(*name)) {
                assert!(matches!(secret, Value::Bool(true) | Value::Null) || secret == "");
            }
        }
        let record = auth0_job::record(&row.line, "auth0", "Username-Password-Authentication");
        // Whether it is a user or has faults: it is one of both.
        let _ = Format::Auth0Job.read(&Record::Json(record), DateTime::<Utc>::UNIX_EPOCH);
    }
}
