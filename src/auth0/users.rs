//! `/users` and `/users/{id}`: single users.

mod bodies;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::{Map, Value};
use uuid::Uuid;

use self::bodies::{CreateBody, UNSUPPORTED_IN_CREATE, UNSUPPORTED_IN_UPDATE, UpdateBody};
use super::{
    AppState,
    body::{JsonObject, properties},
    error::ApiError,
    gate::AdmittedCall,
    json,
    params::{Params, PathParts},
    shapes::{Selected, UserBody},
    target,
};
use crate::{
    auth::AbsorbedId,
    clock,
    domain::{
        Email, EmailVerification, IdentityEmail, IdentityRef, Metadata, MetadataUpdate, Subject,
        Violation, linking::UnownedIdentity,
    },
    use_cases::{CreateUser, DeleteUser, NotStored, UpdateUser, read_user},
};

/// Creates a user with its first identity.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "post_users",
    request_body(content = CreateBody, description = "The user."),
    responses((status = 201, description = "The user.", body = Selected)),
    extensions(("x-rpc" = json!("CreateUser"))),
)]
pub(super) async fn create(
    State(AppState { use_cases, looks, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    JsonObject(object): JsonObject,
) -> Result<Response, ApiError> {
    let refused = |error| ApiError::from_error(route, error);
    let body: CreateBody = properties(object, &UNSUPPORTED_IN_CREATE)?;
    let tenant = use_cases.tenant(&permit).map_err(refused)?;
    let provider =
        tenant.provider_of_connection(&body.connection).ok_or_else(ApiError::connection)?.clone();
    let mut wrong = Vec::new();
    let account = body.user_id.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let subject = Subject::parse(&account);
    if subject.is_none() {
        wrong.push(Violation::new("user_id", Subject::FORM));
    }
    let email = body.email.as_deref().and_then(|email| {
        Email::parse(email)
            .map_err(|error| wrong.push(Violation::new("email", error.to_string())))
            .ok()
    });
    if body.email_verified && body.email.is_none() {
        wrong.push(Violation::new("email_verified", "needs an email"));
    }
    let profile_data = metadata("profile", body.profile(), &mut wrong);
    let user_metadata = metadata("user_metadata", body.user_metadata, &mut wrong);
    let app_metadata = metadata("app_metadata", body.app_metadata, &mut wrong);
    let Some(subject) = subject.filter(|_| wrong.is_empty()) else {
        return Err(ApiError::violations(&wrong));
    };

    let verified = body
        .email_verified
        .then(|| EmailVerification { time: clock::now(), by: permit.caller().verifier() });
    let email = email.and_then(|email| IdentityEmail::claimed(email.given(), verified));
    let id = IdentityRef { provider, subject };
    let create = CreateUser {
        permit,
        identity: UnownedIdentity {
            id,
            connection: body.connection,
            social: false,
            email,
            other_emails: Vec::new(),
            profile_data,
            signed_in_at: None,
            tokens: None,
        },
        user_id_form: None,
        user_metadata,
        app_metadata,
        profile_overrides: Metadata::default(),
        blocked: body.blocked,
        validate_only: false,
    };
    let NotStored(user) = use_cases.run(create, None, NotStored).await.map_err(refused)?;
    json(StatusCode::CREATED, &UserBody::from_user(&user, &looks))
}

/// Reads a user. The id of a user that was linked into another is 404, unless `resolve` is true.
///
/// A user token also reads its own user by the account with which the person signed in, even if the
/// account now belongs to another user. `user_id` says which.
#[utoipa::path(
    get,
    path = "/users/{id}",
    operation_id = "get_users_by_id",
    params(
        ("id" = String, Path, description = "The user: its id, or with a user token also `provider|subject` of its own account."),
        ("resolve" = Option<bool>, Query, description = "Whether the id of a user that was linked into another reads the user that holds it now. Otherwise it is 404."),
        ("fields" = Option<String>, Query, description = "Names of fields, separated by commas."),
        ("include_fields" = Option<bool>, Query, description = "Whether the response has only these fields, the default, or all others."),
        ("search_engine" = Option<String>, Query, description = "Has no effect. Some clients send it with fields.", pattern = "^v[123]$"),
    ),
    responses((status = 200, description = "The user.", body = Selected)),
    extensions(("x-rpc" = json!("GetUser"))),
)]
pub(super) async fn read(
    State(AppState { use_cases, looks, .. }): State<AppState>,
    AdmittedCall { permit, route, reads_tokens, .. }: AdmittedCall,
    PathParts(id): PathParts<String>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let refused = |error| ApiError::from_error(route, error);
    let fields = params.fields();
    let is_resolving = params.boolean("resolve").unwrap_or_default();
    // Auth0's older Java client sends this parameter with every list of fields.
    params.search_engine();
    params.into_result()?;
    let absorbed_id = if is_resolving { AbsorbedId::Holder } else { AbsorbedId::Gone };
    let target = target(&permit, route, &id, absorbed_id)?;
    let reads = use_cases.store().reads(permit.tenant()).map_err(|error| refused(error.into()))?;
    let user = read_user(reads, &target, clock::now()).await.map_err(refused)?;
    let tokens = match reads_tokens {
        true => use_cases.kept_access_tokens(&permit, &user).await.map_err(refused)?,
        false => Vec::new(),
    };
    json(StatusCode::OK, &fields.select_with(&user, &looks, &tokens)?)
}

/// Changes a user. Metadata is merged at its first level.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    operation_id = "patch_users_by_id",
    params(("id" = String, Path, description = "The user: its id, or with a user token also `provider|subject` of its own account.")),
    request_body(content = UpdateBody, description = "The changes. A user token may change only user_metadata."),
    responses((status = 200, description = "The user.", body = Selected)),
    extensions(("x-rpc" = json!("UpdateUser"))),
)]
pub(super) async fn update(
    State(AppState { use_cases, looks, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    PathParts(id): PathParts<String>,
    JsonObject(object): JsonObject,
) -> Result<Response, ApiError> {
    let is_a_change = object.keys().any(|name| name != "connection");
    let body: UpdateBody = properties(object, &UNSUPPORTED_IN_UPDATE)?;
    if !is_a_change {
        return Err(ApiError::body("connection alone changes nothing"));
    }
    let mut wrong = Vec::new();
    let overrides = body.overrides();
    let profile_overrides = (!overrides.is_empty())
        .then(|| MetadataUpdate::Patch(metadata("profile", overrides, &mut wrong)));
    let mut patch = |name: &str, given: Option<Map<String, Value>>| {
        let given = metadata(name, given?, &mut wrong);
        Some(if given.is_empty() {
            MetadataUpdate::Replace(given)
        } else {
            MetadataUpdate::Patch(given)
        })
    };
    let user_metadata = patch("user_metadata", body.user_metadata);
    let app_metadata = patch("app_metadata", body.app_metadata);
    if !wrong.is_empty() {
        return Err(ApiError::violations(&wrong));
    }
    let target = target(&permit, route, &id, AbsorbedId::Gone)?;
    let refused = |error| ApiError::from_error(route, error);
    if let Some(connection) = &body.connection {
        // Some clients send the connection with every change. A connection of another identity has
        // no clear meaning.
        let reads =
            use_cases.store().reads(permit.tenant()).map_err(|error| refused(error.into()))?;
        let user = read_user(reads, &target, clock::now()).await.map_err(refused)?;
        if user.identity(&user.primary).is_none_or(|identity| identity.connection != *connection) {
            return Err(ApiError::body(
                "connection must be that of the user's first identity, or be left out",
            ));
        }
    }
    let update = UpdateUser {
        permit,
        target,
        user_metadata,
        app_metadata,
        profile_overrides,
        blocked: body.blocked,
        expected_version: None,
        validate_only: false,
        now: clock::now(),
    };
    let NotStored(user) = use_cases.run(update, None, NotStored).await.map_err(refused)?;
    json(StatusCode::OK, &UserBody::from_user(&user, &looks))
}

/// Deletes a user, with each user that was linked into it.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    operation_id = "delete_users_by_id",
    params(("id" = String, Path, description = "The user: its id, or with a user token also `provider|subject` of its own account.")),
    responses((status = 204, description = "The user is deleted.")),
    extensions(("x-rpc" = json!("DeleteUser"))),
)]
pub(super) async fn delete(
    State(AppState { use_cases, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    PathParts(id): PathParts<String>,
) -> Result<StatusCode, ApiError> {
    let target = target(&permit, route, &id, AbsorbedId::Gone)?;
    let (erasure, now) = (Uuid::new_v4(), clock::now());
    let delete = DeleteUser {
        permit,
        target,
        expected_version: None,
        include_absorbed: true,
        validate_only: false,
        erasure,
        now,
    };
    use_cases
        .run(delete, None, NotStored)
        .await
        .map_err(|error| ApiError::from_error(route, error))?;
    Ok(StatusCode::NO_CONTENT)
}

fn metadata(field: &str, given: Map<String, Value>, wrong: &mut Vec<Violation>) -> Metadata {
    Metadata::parse(field, given).unwrap_or_else(|violations| {
        wrong.extend(violations);
        Metadata::default()
    })
}
