//! The parts of a form in `multipart/form-data` (RFC 7578), each given once.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart, Request},
};
use hyper::body::Bytes;

/// The longest file, in bytes: Auth0's 500 KB.
pub(super) const MAX_FILE: usize = 500 * 1024;
/// The name of the part that is the file.
pub(super) const FILE: &str = "users";

/// Why a form cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormProblem {
    /// The media type is another one, or has no boundary.
    MediaType,
    /// It is not `multipart/form-data`, or a part has no name.
    Broken,
    /// The file is longer than 500 KB.
    TooLong,
    /// Two parts have this name.
    Repeated(String),
}

/// The parts of a request's form by their names.
///
/// # Errors
/// [`FormProblem`].
pub async fn form_parts(request: Request<Body>) -> Result<BTreeMap<String, Bytes>, FormProblem> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| FormProblem::MediaType)?;
    let mut parts = BTreeMap::new();
    while let Some(part) = form.next_field().await.map_err(|_| FormProblem::Broken)? {
        let name = part.name().ok_or(FormProblem::Broken)?.to_owned();
        let bytes = part.bytes().await.map_err(|_| FormProblem::Broken)?;
        if name == FILE && bytes.len() > MAX_FILE {
            return Err(FormProblem::TooLong);
        }
        if parts.contains_key(&name) {
            return Err(FormProblem::Repeated(name));
        }
        parts.insert(name, bytes);
    }
    Ok(parts)
}
