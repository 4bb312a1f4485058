//! `/jobs/users-imports`: imports the users of a file into a connection.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{FromRequest, Request, State},
    response::Response,
};
use http::StatusCode;
use hyper::body::Bytes;
use utoipa::ToSchema;

use super::{
    form::{FILE, FormProblem, MAX_FILE, form_parts},
    shown::JobBody,
};
use crate::{
    auth0::{
        AppState,
        body::{printable, read},
        error::ApiError,
        gate::AdmittedCall,
        json,
        params::Params,
    },
    domain::{JobKind, Violation},
    store::ImportSettings,
    transfer::sources::auth0_job,
    use_cases::{NotStored, StartJob},
};

/// The bytes that a form may have beside its file.
const MAX_REST: usize = 16 * 1024;
/// The longest name that a client may give a job, in characters.
const MAX_EXTERNAL_ID: usize = 255;
const MEDIA_TYPE: &str = "multipart/form-data";

/// The parts of the form beside the file.
const CONNECTION: &str = "connection_id";
const UPSERT: &str = "upsert";
const EXTERNAL_ID: &str = "external_id";
const EMAIL: &str = "send_completion_email";

/// The file of an import, and where its users go.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description: the parts are read one by one")]
pub(super) struct ImportForm {
    /// A file with a JSON array of users, at most 500 KB and 20,000 users.
    #[schema(value_type = String, format = Binary)]
    users: Vec<u8>,
    /// The name of the connection of the accounts.
    connection_id: String,
    /// Must be false: users that are here are not changed.
    #[schema(required = false)]
    upsert: bool,
    /// The client's own name of the job, at most 255 characters.
    #[schema(required = false)]
    external_id: String,
    /// Has no effect: no email is sent.
    #[schema(required = false)]
    send_completion_email: bool,
}

/// The parts of a form by their names, each given once.
pub(in crate::auth0) struct Form(BTreeMap<String, Bytes>);

/// Starts a job that imports users. It creates an account of the connection for each.
#[utoipa::path(
    post,
    path = "/jobs/users-imports",
    operation_id = "post_users_imports",
    request_body(content = ImportForm, content_type = "multipart/form-data", description = "The file, and where its users go."),
    responses((status = 202, description = "The job.", body = JobBody)),
    extensions(("x-rpc" = json!("ImportUsers"))),
)]
pub(in crate::auth0) async fn import(
    State(state): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    params: Params,
    Form(mut parts): Form,
) -> Result<Response, ApiError> {
    params.into_result()?;
    let refused = |error| ApiError::from_error(route, error);
    let mut wrong = Vec::new();
    let file = parts.remove(FILE);
    if file.is_none() {
        wrong.push(Violation::new(FILE, "is required: the file with the users"));
    }
    let connection = text(&mut parts, CONNECTION, &mut wrong);
    if connection.is_none() {
        wrong.push(Violation::new(CONNECTION, "is required: the name of a connection"));
    }
    if flag(&mut parts, UPSERT, &mut wrong) {
        let what =
            "must be false: an import changes no user that is here already, PATCH /users/{id} does";
        wrong.push(Violation::new(UPSERT, what));
    }
    let external_id = text(&mut parts, EXTERNAL_ID, &mut wrong);
    if external_id.as_ref().is_some_and(|id| id.chars().count() > MAX_EXTERNAL_ID) {
        wrong.push(Violation::new(
            EXTERNAL_ID,
            format!("must be at most {MAX_EXTERNAL_ID} characters"),
        ));
    }
    flag(&mut parts, EMAIL, &mut wrong);
    let unknown = parts
        .keys()
        .map(|name| Violation::new("Additional properties not allowed", printable(name)));
    wrong.extend(unknown);
    let (Some(file), Some(connection), true) = (file, connection, wrong.is_empty()) else {
        return Err(ApiError::violations(&wrong));
    };

    let tenant = state.use_cases.tenant(&permit).map_err(refused)?;
    let provider =
        tenant.provider_of_connection(&connection).ok_or_else(ApiError::connection)?.clone();
    let rows = auth0_job::rows(&file, &provider)
        .map_err(|error| ApiError::violations(&[Violation::new(FILE, error.to_string())]))?;
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let provider = provider.to_string();
    let settings = ImportSettings { connection, provider, external_id, rows: count };
    let settings =
        serde_json::to_value(settings).map_err(|error| ApiError::log_fault(&error.to_string()))?;
    let kind = JobKind::ImportUsers;
    let start = StartJob { permit: permit.clone(), kind, settings, plan: None, rows };
    let started = state.use_cases.run(start, None, NotStored).await;
    let NotStored(job) = started.map_err(refused)?;
    json(StatusCode::ACCEPTED, &JobBody::of(&job, &state, &permit, None).map_err(refused)?)
}

/// Takes a part that is text; `None` if it is absent or empty.
fn text(
    parts: &mut BTreeMap<String, Bytes>,
    name: &str,
    wrong: &mut Vec<Violation>,
) -> Option<String> {
    let bytes = parts.remove(name)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.chars().any(char::is_control) => {
            wrong.push(Violation::new(name, "must not have control characters"));
            Some(String::new())
        }
        Ok(text) => Some(text.to_owned()).filter(|text| !text.is_empty()),
        Err(_) => {
            wrong.push(Violation::new(name, "must be UTF-8"));
            Some(String::new())
        }
    }
}

/// Takes a part that is `true` or `false`; false if it is absent. Some clients write the first letter
/// in upper case.
fn flag(parts: &mut BTreeMap<String, Bytes>, name: &str, wrong: &mut Vec<Violation>) -> bool {
    match text(parts, name, wrong).map(|text| text.to_ascii_lowercase()).as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            wrong.push(Violation::new(name, "must be true or false"));
            false
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let bytes = read(body, MAX_FILE + MAX_REST).await.map_err(|refusal| match refusal {
            refusal if refusal.is_too_long() => ApiError::too_long(MAX_FILE),
            refusal => refusal,
        })?;
        let whole = Request::from_parts(head, Body::from(bytes));
        let parts = form_parts(whole).await.map_err(|problem| match problem {
            FormProblem::MediaType => ApiError::media_type(MEDIA_TYPE),
            FormProblem::Broken => ApiError::body("the form is not multipart/form-data (RFC 7578)"),
            FormProblem::TooLong => ApiError::too_long(MAX_FILE),
            FormProblem::Repeated(name) => {
                ApiError::body(&format!("{}: occurs twice: send it once", printable(&name)))
            }
        })?;
        Ok(Self(parts))
    }
}
