//! Users and identities in Auth0's JSON format.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::{
    error::ApiError,
    looks::{Look, Looks},
};
use crate::{
    domain::{Identity, IdentityEmail, IdentityRef, Metadata, User},
    secret::Secret,
};

/// Names with a meaning of their own at a user's root. No profile value appears under them, even
/// under those that the server never sets: a client would read the value with the name's meaning.
const OWN_NAMES: [&str; 14] = [
    "app_metadata",
    "blocked",
    "created_at",
    "email",
    "email_verified",
    "identities",
    "last_ip",
    "last_login",
    "last_password_reset",
    "logins_count",
    "multifactor",
    "updated_at",
    "user_id",
    "user_metadata",
];

/// A user, with the selected fields.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserBody<'a> {
    /// The user's id, such as `google-oauth2|115015401343387192604`.
    #[schema(required = false)]
    user_id: &'a str,
    /// The email of the primary identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<&'a str>,
    /// Whether a trusted provider verified that email; false without an email.
    #[schema(required = false)]
    email_verified: bool,
    /// The name from the provider or a service; without one, the email, phone number, user name,
    /// nickname or account.
    #[schema(required = false)]
    name: String,
    /// The nickname from the provider or a service; without one, the email up to the `@`, the user
    /// name, or the name.
    #[schema(required = false)]
    nickname: String,
    /// The URL of a picture from the provider or a service; without one, a picture that is the same
    /// for all users.
    #[schema(required = false)]
    picture: String,
    /// When the user was created, in UTC to the millisecond.
    #[serde(serialize_with = "to_the_millisecond")]
    #[schema(value_type = String, format = DateTime, required = false)]
    created_at: DateTime<Utc>,
    /// When the user was last changed, in UTC to the millisecond.
    #[serde(serialize_with = "to_the_millisecond")]
    #[schema(value_type = String, format = DateTime, required = false)]
    updated_at: DateTime<Utc>,
    /// The user's identities, the primary one first.
    #[schema(required = false)]
    identities: Vec<IdentityBody<'a>>,
    /// Metadata that the person may change.
    #[schema(required = false)]
    user_metadata: &'a Map<String, Value>,
    /// Metadata that only services may change.
    #[schema(required = false)]
    app_metadata: &'a Map<String, Value>,
    /// Whether the user is blocked.
    #[schema(required = false)]
    blocked: bool,
    /// The rest of the primary identity's profile, such as `given_name` and `locale`, with the
    /// values that services set over it.
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    profile: Map<String, Value>,
}

/// An identity of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Identity)]
pub(super) struct IdentityBody<'a> {
    /// The connection through which the account signs in.
    connection: &'a str,
    /// The account's id at its provider.
    user_id: &'a str,
    /// The provider, such as `google-oauth2`.
    provider: &'a str,
    /// Whether the connection is a social one.
    #[serde(rename = "isSocial")]
    is_social: bool,
    /// The account's profile from the provider; absent for the primary identity, whose profile is
    /// at the user's root.
    #[serde(rename = "profileData", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    profile_data: Option<ProfileBody<'a>>,
    /// The access token that the provider issued for the account. Only a service with the scope
    /// `read:user_idp_tokens`, which the operator lists for the provider, gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    access_token: Option<AccessToken>,
}

/// An access token of a provider. `Debug` does not show it.
#[derive(Debug, ToSchema)]
#[schema(value_type = String)]
struct AccessToken(Secret);

impl Serialize for AccessToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

/// An account's profile from its provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfileData)]
pub(super) struct ProfileBody<'a> {
    /// The account's email.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<&'a str>,
    /// Whether a trusted provider verified that email; absent without an email.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email_verified: Option<bool>,
    /// The rest of the profile.
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    rest: Map<String, Value>,
}

impl<'a> UserBody<'a> {
    pub(super) fn from_user(user: &'a User, looks: &Looks) -> Self {
        let email = user.identity(&user.primary).and_then(|identity| identity.email.as_ref());
        let mut profile = without(&user.profile(), &OWN_NAMES);
        let Look { name, nickname, picture } = looks.take(user, &mut profile);
        Self {
            user_id: user.id.as_str(),
            email: email.map(|email| email.given.as_str()),
            email_verified: email.is_some_and(IdentityEmail::is_verified),
            name,
            nickname,
            picture,
            created_at: user.create_time,
            updated_at: user.update_time,
            identities: identities(user),
            user_metadata: user.user_metadata.as_map(),
            app_metadata: user.app_metadata.as_map(),
            blocked: user.blocked,
            profile,
        }
    }
}

/// The identities of a user, the primary one first.
pub(super) fn identities(user: &User) -> Vec<IdentityBody<'_>> {
    user.identities_primary_first()
        .map(|identity| IdentityBody::from_identity(identity, identity.id == user.primary))
        .collect()
}

impl<'a> IdentityBody<'a> {
    fn from_identity(identity: &'a Identity, is_main: bool) -> Self {
        Self {
            connection: &identity.connection,
            user_id: identity.id.subject.as_str(),
            provider: identity.id.provider.as_str(),
            is_social: identity.social,
            profile_data: (!is_main).then(|| ProfileBody {
                email: identity.email.as_ref().map(|email| email.given.as_str()),
                email_verified: identity.email.as_ref().map(IdentityEmail::is_verified),
                rest: without(&identity.profile_data, &["email", "email_verified"]),
            }),
            access_token: None,
        }
    }
}

/// A profile without these names, which have another meaning here.
fn without(profile: &Metadata, names: &[&str]) -> Map<String, Value> {
    let others = profile.as_map().iter().filter(|(name, _)| !names.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(super) fn to_the_millisecond<S: Serializer>(
    time: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The fields of a user that a response has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    names: Vec<String>,
    excluded: bool,
}

impl Fields {
    /// The fields with these names, separated by commas or, if they are `excluded`, all others.
    /// Without any name, all fields.
    pub(super) fn new(names: &str, excluded: bool) -> Self {
        let names =
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        Self { names: names.collect(), excluded }
    }

    /// A user with the selected fields.
    pub(super) fn select<'a>(
        &self,
        user: &'a User,
        looks: &Looks,
    ) -> Result<Selected<'a>, ApiError> {
        self.select_with(user, looks, &[])
    }

    /// The same, with these access tokens of its identities.
    pub(super) fn select_with<'a>(
        &self,
        user: &'a User,
        looks: &Looks,
        tokens: &[(IdentityRef, Secret)],
    ) -> Result<Selected<'a>, ApiError> {
        let mut whole = UserBody::from_user(user, looks);
        for identity in &mut whole.identities {
            let is_its = |(of, _): &&(IdentityRef, Secret)| {
                (of.provider.as_str(), of.subject.as_str()) == (identity.provider, identity.user_id)
            };
            let token = tokens.iter().find(is_its).map(|(_, token)| AccessToken(token.clone()));
            identity.access_token = token;
        }
        if self.names.is_empty() {
            return Ok(Selected::Whole(Box::new(whole)));
        }
        let Ok(Value::Object(mut some)) = serde_json::to_value(whole) else {
            return Err(ApiError::log_fault("a user is not an object"));
        };
        some.retain(|name, _| self.names.contains(name) != self.excluded);
        Ok(Selected::Some(some))
    }
}

/// A user with the selected fields.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Selected<'a> {
    Whole(Box<UserBody<'a>>),
    Some(Map<String, Value>),
}

impl PartialSchema for Selected<'_> {
    fn schema() -> RefOr<Schema> {
        UserBody::schema()
    }
}

impl ToSchema for Selected<'_> {
    fn name() -> Cow<'static, str> {
        UserBody::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        UserBody::schemas(schemas);
    }
}
