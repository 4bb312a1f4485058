//! Auth0's export job as JSON, and users of its Management API.

use serde_json::{Map, Value};

use super::{
    Found, Kind, Note, Reading,
    object::{Faults, Object},
    set_email,
};
use crate::transfer::row::RowIdentity;

/// Fields of the root that are no claims of the profile.
const NO_CLAIMS: [&str; 7] = [
    "last_ip",
    "last_login",
    "last_password_reset",
    "logins_count",
    "multifactor_last_modified",
    "guardian_authenticators",
    "blocked_for",
];
pub(super) const PASSWORDS: [&str; 4] =
    ["password", "passwordHash", "password_hash", "custom_password_hash"];
pub(super) const SECOND_FACTORS: [&str; 2] = ["multifactor", "mfa_factors"];
pub(super) const TOKENS: [&str; 3] = ["access_token", "access_token_secret", "refresh_token"];

pub(super) fn read(json: &str, faults: &Faults) -> Option<Reading> {
    let mut user = Object::parse(json, faults)?;
    let mut found = Found::default();
    let id = user.required_text("user_id");
    let (email, is_verified) = (user.filled("email"), user.flag("email_verified"));

    let accounts = user.objects("identities");
    let mut identities: Vec<RowIdentity> =
        accounts.into_iter().map(|account| identity(account, &mut found)).collect();
    let main = identities.iter().position(|identity| is_named(&id, identity));
    let mut main = match main {
        Some(index) => {
            let mut main = identities.remove(index);
            if let Some(email) = email {
                set_email(&mut main, email, is_verified == Some(true));
            }
            main
        }
        None => {
            // Whose the email at the root is, is unknown then.
            if email.is_some() {
                found.left_out.kind(Kind::Email, 1);
            }
            found.notes.push(Note::MainAccountAdded);
            main_of(&id, &user)?
        }
    };

    let row = &mut found.row;
    row.create_time = user.time("created_at");
    row.update_time = user.time("updated_at");
    row.blocked = user.flag("blocked").unwrap_or_default();
    row.user_metadata = user.map("user_metadata");
    row.app_metadata = user.map("app_metadata");
    let is_linked = !identities.is_empty();
    if is_linked && [&row.user_metadata, &row.app_metadata].into_iter().any(has_array) {
        found.notes.push(Note::MergedArrays);
    }
    for (names, kind) in [(&PASSWORDS[..], Kind::Password), (&SECOND_FACTORS, Kind::SecondFactor)] {
        let count = names.iter().filter(|name| user.take_any(name)).count();
        found.left_out.kind(kind, count);
    }
    for name in NO_CLAIMS.iter().filter(|name| user.take_any(name)) {
        found.left_out.field(name);
    }
    user.rest_as_claims(&mut main.profile_data);
    found.row.id = Some(id);
    found.row.identities = [main].into_iter().chain(identities).collect();
    Some(Reading::User(Box::new(found)))
}

/// The account that a user's id names, as `provider|subject`.
fn main_of(id: &str, user: &Object<'_>) -> Option<RowIdentity> {
    let Some((provider, subject)) = id.split_once('|') else {
        user.report("user_id", "This has no `|`, and none of the identities is its account.");
        return None;
    };
    let (provider, subject) = (provider.to_owned(), subject.to_owned());
    Some(RowIdentity { provider, subject, ..RowIdentity::default() })
}

fn is_named(id: &str, identity: &RowIdentity) -> bool {
    id.strip_prefix(identity.provider.as_str()).and_then(|rest| rest.strip_prefix('|'))
        == Some(identity.subject.as_str())
}

fn identity(mut account: Object<'_>, found: &mut Found) -> RowIdentity {
    let mut identity = RowIdentity {
        provider: account.required_text("provider"),
        subject: account.required_id("user_id"),
        connection: account.text("connection").unwrap_or_default(),
        social: account.flag("isSocial").unwrap_or_default(),
        ..RowIdentity::default()
    };
    if let Some(mut profile) = account.object("profileData") {
        let (email, is_verified) = (profile.filled("email"), profile.flag("email_verified"));
        if let Some(email) = email {
            set_email(&mut identity, email, is_verified == Some(true));
        }
        profile.rest_as_claims(&mut identity.profile_data);
    }
    let tokens = TOKENS.iter().filter(|name| account.take_any(name)).count();
    found.left_out.kind(Kind::Token, tokens);
    // How long the token lasts, which is left out with it.
    account.take_any("expires_in");
    account.rest().for_each(|name| found.left_out.field(&format!("identities.{name}")));
    identity
}

fn has_array(map: &Map<String, Value>) -> bool {
    map.values().any(|value| match value {
        Value::Array(_) => true,
        Value::Object(map) => has_array(map),
        _ => false,
    })
}
