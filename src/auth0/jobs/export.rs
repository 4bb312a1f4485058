//! `/jobs/users-exports`: makes a job whose link is an export of users.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use utoipa::ToSchema;

use super::shown::JobBody;
use crate::{
    auth0::{
        AppState,
        body::{JsonObject, given, properties},
        error::ApiError,
        export::FieldPath,
        gate::AdmittedCall,
        json,
        params::Params,
    },
    domain::{JobKind, Violation},
    store::ExportSettings,
    use_cases::{NotStored, StartJob},
};

/// The most fields: Auth0's limit for CSV.
const MAX_FIELDS: usize = 30;
/// The longest path or name of a field, in characters.
const MAX_NAME: usize = 255;

/// Which users are exported, and how.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportBody {
    /// Only users with an account of this connection, by its name, in the order of these accounts. All
    /// users if it is absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    connection_id: Option<String>,
    /// `json`, one object a line, or `csv`.
    #[serde(default)]
    format: ExportFormat,
    /// The most users; all if it is absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 1)]
    limit: Option<u64>,
    /// The fields, at most 30. If there are none, JSON has all fields, and CSV those that an import
    /// reads.
    #[serde(default)]
    fields: Vec<ExportField>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    #[default]
    Json,
    Csv,
}

/// A field of an export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExportField {
    /// The path of the field in a user, such as `user_metadata.color` or `identities[0].connection`.
    name: String,
    /// Its name in the export; the path if it is absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    export_as: Option<String>,
}

/// Makes a job whose link is an export of users. Nothing is stored: the users are read while the
/// client downloads them.
#[utoipa::path(
    post,
    path = "/jobs/users-exports",
    operation_id = "post_users_exports",
    request_body(content = ExportBody, description = "Which users, and how."),
    responses((status = 200, description = "The job, which has ended.", body = JobBody)),
    extensions(("x-rpc" = json!("ExportUsers"))),
)]
pub(in crate::auth0) async fn export(
    State(state): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    params: Params,
    uri: Uri,
    headers: HeaderMap,
    JsonObject(object): JsonObject,
) -> Result<Response, ApiError> {
    params.into_result()?;
    let refused = |error| ApiError::from_error(route, error);
    let body = match object.is_empty() {
        true => ExportBody::default(),
        false => properties(object, &[])?,
    };
    let settings = body.settings().map_err(|wrong| ApiError::violations(&wrong))?;
    let tenant = state.use_cases.tenant(&permit).map_err(refused)?;
    if let Some(connection) = &settings.connection {
        tenant.provider_of_connection(connection).ok_or_else(ApiError::connection)?;
    }
    let base = state.base(&uri, &headers).ok_or_else(|| {
        ApiError::bad("invalid_headers", "Header validation error: 'host: is required'.")
    })?;
    let settings =
        serde_json::to_value(settings).map_err(|error| ApiError::log_fault(&error.to_string()))?;
    let kind = JobKind::ExportUsers;
    let start = StartJob { permit: permit.clone(), kind, settings, plan: None, rows: Vec::new() };
    let started = state.use_cases.run(start, None, NotStored).await;
    let NotStored(job) = started.map_err(refused)?;
    let body = JobBody::of(&job, &state, &permit, Some(&base));
    json(StatusCode::OK, &body.map_err(refused)?)
}

impl ExportBody {
    /// The settings of the job.
    ///
    /// # Errors
    /// All that is wrong with the body.
    fn settings(self) -> Result<ExportSettings, Vec<Violation>> {
        let Self { connection_id, format, limit, fields } = self;
        let is_csv = format == ExportFormat::Csv;
        let mut wrong = Vec::new();
        if limit == Some(0) {
            wrong.push(Violation::new("limit", "must be at least 1"));
        }
        if fields.len() > MAX_FIELDS {
            wrong.push(Violation::new("fields", format!("must be at most {MAX_FIELDS}")));
        }
        let is_name = |text: &str| {
            (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        let mut settings = Vec::new();
        for (at, ExportField { name, export_as }) in fields.into_iter().take(MAX_FIELDS).enumerate()
        {
            let path = FieldPath::parse(&name).filter(|_| is_name(&name));
            let field = |name: &str| format!("fields[{at}].{name}");
            match path {
                None => wrong.push(Violation::new(
                    field("name"),
                    "must be a path such as user_metadata.color, of at most 255 characters",
                )),
                Some(path) if is_csv && path.is_whole_object() => wrong.push(Violation::new(
                    field("name"),
                    "is not one value: CSV needs its fields one by one, such as user_metadata.color",
                )),
                Some(_) => {}
            }
            let shown = export_as.unwrap_or_else(|| name.clone());
            if !is_name(&shown) {
                wrong.push(Violation::new(field("export_as"), "must have 1 to 255 characters"));
            }
            if settings.iter().any(|(_, other)| *other == shown) {
                wrong.push(Violation::new(field("export_as"), "is the name of an earlier field"));
            }
            settings.push((name, shown));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(ExportSettings { connection: connection_id, is_csv, limit, fields: settings })
    }
}
