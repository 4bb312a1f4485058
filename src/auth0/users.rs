//! `/users`: the records.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Surface,
    body::{JsonObject, given, properties},
    gate::Admission,
    json,
    messages::Refused,
    params::{Params, PathParts},
    shapes::{Selected, UserBody},
    target,
};
use crate::{
    auth::{Caller, Permit},
    clock,
    domain::{
        Email, IdentityEmail, IdentityRef, Metadata, MetadataUpdate, Subject, Verified, Verifier, Violation,
        linking::UnownedIdentity,
    },
    linking::{CreateUser, DeleteUser, Unkept, UpdateUser, read_user},
};

/// A user to be, with its first identity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    /// The connection through which the account signs in: the name of a provider, or one that a provider lists.
    connection: String,
    /// The account at its provider; one is made up if it is left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    user_id: Option<String>,
    /// Its email.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// Whether that is verified.
    #[serde(default)]
    email_verified: bool,
    /// The name under which it signs in.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// Its phone number.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    phone_number: Option<String>,
    /// Whether that is verified.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    phone_verified: Option<bool>,
    /// The person's name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The person's nickname.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    nickname: Option<String>,
    /// The person's given name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    given_name: Option<String>,
    /// The person's family name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    family_name: Option<String>,
    /// Where a picture of the person is.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    picture: Option<String>,
    /// Whether the user is blocked from the start.
    #[serde(default)]
    blocked: bool,
    /// What the person may change.
    #[serde(default)]
    user_metadata: Map<String, Value>,
    /// What only services may change.
    #[serde(default)]
    app_metadata: Map<String, Value>,
}

/// What is changed of a user; the rest stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateBody {
    /// Whether the user is blocked.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    blocked: Option<bool>,
    /// These keys with these values; without those whose value is null; nothing at all if there are none.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    user_metadata: Option<Map<String, Value>>,
    /// The same, of what only services may change.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    app_metadata: Option<Map<String, Value>>,
    /// What the user shows instead of its first identity's; null for that again.
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
    /// The same, of its nickname.
    #[serde(default, deserialize_with = "given")]
    nickname: Option<Option<String>>,
    /// The same, of its given name.
    #[serde(default, deserialize_with = "given")]
    given_name: Option<Option<String>>,
    /// The same, of its family name.
    #[serde(default, deserialize_with = "given")]
    family_name: Option<Option<String>>,
    /// The same, of its picture.
    #[serde(default, deserialize_with = "given")]
    picture: Option<Option<String>>,
}

const NO_PASSWORDS: &str = "is not kept here: people sign in at their providers";
const NO_MAILS: &str = "cannot be done here: a provider verifies emails and phone numbers";
const OF_A_PROVIDER: &str = "cannot be updated: it is what the identity's provider tells";

/// What Auth0 takes of a new user, and is not taken.
const NOT_CREATED: [(&str, &str); 2] = [("password", NO_PASSWORDS), ("verify_email", NO_MAILS)];

/// What Auth0 takes of a change, and is not taken.
const NOT_UPDATED: [(&str, &str); 10] = [
    ("client_id", OF_A_PROVIDER),
    ("connection", OF_A_PROVIDER),
    ("email", OF_A_PROVIDER),
    ("email_verified", OF_A_PROVIDER),
    ("password", NO_PASSWORDS),
    ("phone_number", OF_A_PROVIDER),
    ("phone_verified", OF_A_PROVIDER),
    ("username", OF_A_PROVIDER),
    ("verify_email", NO_MAILS),
    ("verify_phone_number", NO_MAILS),
];

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
    State(Surface { linking, .. }): State<Surface>,
    Admission { permit, rule }: Admission,
    JsonObject(object): JsonObject,
) -> Result<Response, Refused> {
    let refused = |error| Refused::of(rule, error);
    let body: CreateBody = properties(object, &NOT_CREATED)?;
    let tenant = linking.tenant(&permit).map_err(refused)?;
    let provider = tenant.provider_of_connection(&body.connection).ok_or_else(Refused::connection)?.clone();
    let social = tenant.provider(&provider).social;
    let mut wrong = Vec::new();
    let account = body.user_id.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let subject = Subject::parse(&account);
    if subject.is_none() {
        wrong.push(Violation::new("user_id", Subject::FORM));
    }
    let email = body.email.as_deref().and_then(|email| {
        Email::parse(email).map_err(|error| wrong.push(Violation::new("email", error.to_string()))).ok()
    });
    if body.email_verified && body.email.is_none() {
        wrong.push(Violation::new("email_verified", "needs an email"));
    }
    let profile_data = metadata("profile", body.profile(), &mut wrong);
    let user_metadata = metadata("user_metadata", body.user_metadata, &mut wrong);
    let app_metadata = metadata("app_metadata", body.app_metadata, &mut wrong);
    let Some(subject) = subject.filter(|_| wrong.is_empty()) else { return Err(Refused::violations(&wrong)) };

    let verified = body.email_verified.then(|| Verified { time: clock::now(), by: verifier(&permit) });
    let email = email.map(|email| IdentityEmail {
        given: email.given().to_owned(),
        canonical: Some(email.canonical().to_owned()),
        verified,
    });
    let id = IdentityRef { provider, subject };
    let create = CreateUser {
        permit,
        identity: UnownedIdentity { id, connection: body.connection, social, email, profile_data },
        user_id_form: None,
        user_metadata,
        app_metadata,
        profile_overrides: Metadata::default(),
        blocked: body.blocked,
        validate_only: false,
    };
    let Unkept(user) = linking.run(create, None, Unkept).await.map_err(refused)?;
    json(StatusCode::CREATED, &UserBody::of(&user))
}

/// Reads a user. The id of a user that was linked into another reads that one.
#[utoipa::path(
    get,
    path = "/users/{id}",
    operation_id = "get_users_by_id",
    params(
        ("id" = String, Path, description = "The user."),
        ("fields" = Option<String>, Query, description = "Names of fields, separated by commas."),
        ("include_fields" = Option<bool>, Query, description = "Whether these are the fields that are wanted, or those that are not."),
    ),
    responses((status = 200, description = "The user.", body = Selected)),
    extensions(("x-rpc" = json!("GetUser"))),
)]
pub(super) async fn read(
    State(Surface { linking, .. }): State<Surface>,
    Admission { permit, rule }: Admission,
    PathParts(id): PathParts<String>,
    mut params: Params,
) -> Result<Response, Refused> {
    let refused = |error| Refused::of(rule, error);
    let fields = params.fields();
    params.finish()?;
    let target = target(&permit, rule, &id)?;
    let mut session = linking.store().session(permit.tenant()).await.map_err(|error| refused(error.into()))?;
    let user = read_user(&mut session, &target, clock::now()).await.map_err(refused)?;
    json(StatusCode::OK, &fields.of(&user)?)
}

/// Changes a user. Metadata is merged at its first level.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    operation_id = "patch_users_by_id",
    params(("id" = String, Path, description = "The user.")),
    request_body(content = UpdateBody, description = "What is changed. A user token changes user_metadata alone."),
    responses((status = 200, description = "The user.", body = Selected)),
    extensions(("x-rpc" = json!("UpdateUser"))),
)]
pub(super) async fn update(
    State(Surface { linking, .. }): State<Surface>,
    Admission { permit, rule }: Admission,
    PathParts(id): PathParts<String>,
    JsonObject(object): JsonObject,
) -> Result<Response, Refused> {
    let body: UpdateBody = properties(object, &NOT_UPDATED)?;
    let mut wrong = Vec::new();
    let overrides = body.overrides();
    let profile_overrides =
        (!overrides.is_empty()).then(|| MetadataUpdate::Patch(metadata("profile", overrides, &mut wrong)));
    let mut patch = |name: &str, given: Option<Map<String, Value>>| {
        let given = metadata(name, given?, &mut wrong);
        Some(if given.is_empty() { MetadataUpdate::Replace(given) } else { MetadataUpdate::Patch(given) })
    };
    let user_metadata = patch("user_metadata", body.user_metadata);
    let app_metadata = patch("app_metadata", body.app_metadata);
    if !wrong.is_empty() {
        return Err(Refused::violations(&wrong));
    }
    let target = target(&permit, rule, &id)?;
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
    let Unkept(user) = linking.run(update, None, Unkept).await.map_err(|error| Refused::of(rule, error))?;
    json(StatusCode::OK, &UserBody::of(&user))
}

/// Deletes a user, with whatever was linked into it.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    operation_id = "delete_users_by_id",
    params(("id" = String, Path, description = "The user.")),
    responses((status = 204, description = "The user is deleted.")),
    extensions(("x-rpc" = json!("DeleteUser"))),
)]
pub(super) async fn delete(
    State(Surface { linking, .. }): State<Surface>,
    Admission { permit, rule }: Admission,
    PathParts(id): PathParts<String>,
) -> Result<StatusCode, Refused> {
    let target = target(&permit, rule, &id)?;
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
    linking.run(delete, None, Unkept).await.map_err(|error| Refused::of(rule, error))?;
    Ok(StatusCode::NO_CONTENT)
}

impl CreateBody {
    /// What of it describes the person.
    fn profile(&self) -> Map<String, Value> {
        let texts = [
            ("username", &self.username),
            ("phone_number", &self.phone_number),
            ("name", &self.name),
            ("nickname", &self.nickname),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("picture", &self.picture),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())));
        let phone_verified = self.phone_verified.map(|verified| ("phone_verified".to_owned(), verified.into()));
        texts.chain(phone_verified).collect()
    }
}

impl UpdateBody {
    /// What is to be shown instead of what the provider tells.
    fn overrides(&self) -> Map<String, Value> {
        let texts = [
            ("name", &self.name),
            ("nickname", &self.nickname),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("picture", &self.picture),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into()))).collect()
    }
}

fn metadata(field: &str, given: Map<String, Value>, wrong: &mut Vec<Violation>) -> Metadata {
    Metadata::parse(field, given).unwrap_or_else(|violations| {
        wrong.extend(violations);
        Metadata::default()
    })
}

/// On whose word an email is verified that a caller says is.
fn verifier(permit: &Permit) -> Verifier {
    match permit.caller() {
        Caller::User(user) => Verifier::Issuer(user.issuer.clone()),
        Caller::Service { issuer, subject } => Verifier::Service { issuer: issuer.clone(), subject: subject.clone() },
    }
}
