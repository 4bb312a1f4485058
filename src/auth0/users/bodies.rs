//! The bodies of requests that create or change a user.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::auth0::body::given;

/// A new user, with its first identity. Its profile has the fields that Auth0 normalizes, and the
/// standard claims of `OpenID` Connect (Core 1.0 §5.1). Any other name is refused: it is more often
/// misspelt than meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::auth0) struct CreateBody {
    /// The connection through which the account signs in: the name of a provider, or one that a
    /// provider lists.
    pub(super) connection: String,
    /// The account's id at its provider; the server generates one if it is absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) user_id: Option<String>,
    /// The account's email.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) email: Option<String>,
    /// Whether that email is verified.
    #[serde(default)]
    pub(super) email_verified: bool,
    /// The user name with which the account signs in.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// The account's phone number.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    phone_number: Option<String>,
    /// Whether that phone number is verified.
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
    /// The URL of the person's picture.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    picture: Option<String>,
    /// The person's middle names.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    middle_name: Option<String>,
    /// The user name that the person prefers.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    preferred_username: Option<String>,
    /// The URL of the person's profile page.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    profile: Option<String>,
    /// The URL of the person's own page.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    website: Option<String>,
    /// The person's gender.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    gender: Option<String>,
    /// The person's date of birth.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    birthdate: Option<String>,
    /// The person's time zone.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    zoneinfo: Option<String>,
    /// The person's language and region.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    locale: Option<String>,
    /// The same as `phone_verified`, under its name in `OpenID` Connect.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    phone_number_verified: Option<bool>,
    /// The person's address.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    address: Option<Map<String, Value>>,
    /// Whether the user is blocked from the start.
    #[serde(default)]
    pub(super) blocked: bool,
    /// Metadata that the person may change.
    #[serde(default)]
    pub(super) user_metadata: Map<String, Value>,
    /// Metadata that only services may change.
    #[serde(default)]
    pub(super) app_metadata: Map<String, Value>,
}

/// The changes of a user. Absent properties stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::auth0) struct UpdateBody {
    /// Whether the user is blocked.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) blocked: Option<bool>,
    /// The connection of the user's primary identity, whose profile the change is laid over. Any
    /// other one is refused.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) connection: Option<String>,
    /// Metadata that the person may change: these keys get these values, and keys with null are
    /// removed. An empty object removes all keys.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) user_metadata: Option<Map<String, Value>>,
    /// Metadata that only services may change, by the same rules.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) app_metadata: Option<Map<String, Value>>,
    /// The name that replaces the primary identity's; null ends the replacement.
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
    /// The nickname, by the same rules.
    #[serde(default, deserialize_with = "given")]
    nickname: Option<Option<String>>,
    /// The given name, by the same rules.
    #[serde(default, deserialize_with = "given")]
    given_name: Option<Option<String>>,
    /// The family name, by the same rules.
    #[serde(default, deserialize_with = "given")]
    family_name: Option<Option<String>>,
    /// The URL of the picture, by the same rules.
    #[serde(default, deserialize_with = "given")]
    picture: Option<Option<String>>,
}

const NO_PASSWORDS: &str = "is not stored here: people sign in at their providers";
const NO_MAILS: &str = "is not supported: a provider verifies emails and phone numbers";
const PROVIDERS_OWN: &str = "cannot be updated: the identity's provider states it";
const OF_THE_SERVICE: &str = "cannot be set: the server records this time";
const NOT_KNOWN: &str = "is not stored here: the provider records sign-ins";

/// Properties that Auth0 accepts for a new user or returns for an existing one, and this server
/// refuses.
pub(super) const UNSUPPORTED_IN_CREATE: [(&str, &str); 10] = [
    ("created_at", OF_THE_SERVICE),
    (
        "identities",
        "cannot be set: connection and user_id name the first, and POST /users/{id}/identities links others",
    ),
    ("last_ip", NOT_KNOWN),
    ("last_login", NOT_KNOWN),
    ("last_password_reset", NO_PASSWORDS),
    ("logins_count", NOT_KNOWN),
    ("multifactor", NOT_KNOWN),
    ("password", NO_PASSWORDS),
    ("updated_at", OF_THE_SERVICE),
    ("verify_email", NO_MAILS),
];

/// Properties that Auth0 accepts in a change, and this server refuses.
pub(super) const UNSUPPORTED_IN_UPDATE: [(&str, &str); 9] = [
    ("client_id", PROVIDERS_OWN),
    ("email", PROVIDERS_OWN),
    ("email_verified", PROVIDERS_OWN),
    ("password", NO_PASSWORDS),
    ("phone_number", PROVIDERS_OWN),
    ("phone_verified", PROVIDERS_OWN),
    ("username", PROVIDERS_OWN),
    ("verify_email", NO_MAILS),
    ("verify_phone_number", NO_MAILS),
];

impl CreateBody {
    /// The properties that describe the person.
    pub(super) fn profile(&self) -> Map<String, Value> {
        let texts = [
            ("username", &self.username),
            ("phone_number", &self.phone_number),
            ("name", &self.name),
            ("nickname", &self.nickname),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("picture", &self.picture),
            ("middle_name", &self.middle_name),
            ("preferred_username", &self.preferred_username),
            ("profile", &self.profile),
            ("website", &self.website),
            ("gender", &self.gender),
            ("birthdate", &self.birthdate),
            ("zoneinfo", &self.zoneinfo),
            ("locale", &self.locale),
        ];
        let flags = [
            ("phone_verified", self.phone_verified),
            ("phone_number_verified", self.phone_number_verified),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?.into())));
        let flags = flags.into_iter().filter_map(|(name, flag)| Some((name, flag?.into())));
        let address = self.address.clone().map(|address| ("address", address.into()));
        texts.chain(flags).chain(address).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl UpdateBody {
    /// The values that replace the provider's.
    pub(super) fn overrides(&self) -> Map<String, Value> {
        let texts = [
            ("name", &self.name),
            ("nickname", &self.nickname),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("picture", &self.picture),
        ];
        texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())))
            .collect()
    }
}
