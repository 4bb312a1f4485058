//! Users of a pool of Cognito, as `list-users` returns them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Found, Kind, Reading, give_email,
    object::{Faults, Object},
    set_email, times,
};
use crate::transfer::row::RowIdentity;

/// The name of the accounts that people have in the pool itself. Their subject is the user's `sub`,
/// that of Cognito's tokens.
const LOCAL: &str = "cognito";

const TIME: &str = "This has to be a time of RFC 3339, or seconds since 1970.";
/// The attributes that are claims of OpenID Connect. All values are texts.
const CLAIMS: [&str; 14] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
];

pub(super) fn read(json: &str, faults: &Faults) -> Option<Reading> {
    let mut user = Object::parse(json, faults)?;
    let mut found = Found::default();
    let mut attributes = attributes(&mut user);
    let Some(id) = attributes.remove("sub") else {
        user.report("Attributes", "The attribute sub, the user's id, is missing.");
        return None;
    };
    let name = user.required_text("Username");
    let status = user.required_text("UserStatus");
    let is_enabled = user.flag("Enabled");
    if is_enabled.is_none() {
        user.report("Enabled", "This is missing.");
    }
    found.row.blocked =
        is_enabled != Some(true) || ["COMPROMISED", "ARCHIVED"].contains(&status.as_str());

    let email = attributes.remove("email").filter(|email| !email.is_empty());
    let is_verified = flag("email_verified", &mut attributes, &user) == Some(true);
    let linked = attributes.remove("identities").unwrap_or_default();
    found.row.identities = identities(&linked, faults);
    let mut profile = Map::new();
    claims(&mut profile, &mut attributes, &user);
    if status == "EXTERNAL_PROVIDER" {
        give_email(&mut found, email, is_verified);
    } else {
        let mut local = RowIdentity {
            provider: LOCAL.to_owned(),
            subject: id.clone(),
            ..RowIdentity::default()
        };
        set_email(&mut local, email.unwrap_or_default(), is_verified);
        if name != id {
            profile.insert("username".to_owned(), name.into());
        }
        found.row.identities.insert(0, local);
    }
    if let Some(main) = found.row.identities.first_mut() {
        main.profile_data = profile;
    }

    found.row.id = Some(id);
    found.row.create_time = user.time_as("UserCreateDate", time, TIME);
    found.row.update_time = user.time_as("UserLastModifiedDate", time, TIME);
    found.left_out.kind(Kind::SecondFactor, user.objects("MFAOptions").len());
    for (name, value) in attributes {
        if name.starts_with("custom:") || name.starts_with("dev:custom:") {
            found.row.app_metadata.insert(name, value.into());
        } else {
            found.left_out.field(&name);
        }
    }
    user.rest().for_each(|name| found.left_out.field(name));
    Some(Reading::User(Box::new(found)))
}

fn time(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    times::rfc3339(text).or_else(|| times::fractional_seconds(text))
}

/// The attributes by their names. Reports a name that comes twice.
fn attributes(user: &mut Object<'_>) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for mut attribute in user.objects("Attributes") {
        let (name, value) = (attribute.required_text("Name"), attribute.text("Value"));
        if attributes.insert(name, value.unwrap_or_default()).is_some() {
            attribute.report("Name", "This attribute occurs twice.");
        }
    }
    attributes
}

fn flag(name: &str, attributes: &mut BTreeMap<String, String>, user: &Object<'_>) -> Option<bool> {
    let value = attributes.remove(name)?;
    match value.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => {
            user.report("Attributes", &format!("The attribute {name} has to be true or false."));
            None
        }
    }
}

fn claims(
    profile: &mut Map<String, Value>,
    attributes: &mut BTreeMap<String, String>,
    user: &Object<'_>,
) {
    for name in CLAIMS {
        if let Some(value) = attributes.remove(name).filter(|value| !value.is_empty()) {
            profile.insert(name.to_owned(), value.into());
        }
    }
    if let Some(is_verified) = flag("phone_number_verified", attributes, user) {
        profile.insert("phone_number_verified".to_owned(), is_verified.into());
    }
}

/// The linked accounts, which are JSON in a text; the primary one first.
fn identities(json: &str, faults: &Faults) -> Vec<RowIdentity> {
    if json.is_empty() {
        return Vec::new();
    }
    // The list as the only member of an object, so that all readings of lists are one.
    let wrapped = format!("{{\"identities\":{json}}}");
    let Some(mut object) = Object::parse_at("/Attributes", &wrapped, faults) else {
        return Vec::new();
    };
    let mut found: Vec<(bool, RowIdentity)> = Vec::new();
    for mut account in object.objects("identities") {
        let is_primary = account.flag("primary") == Some(true);
        let identity = RowIdentity {
            provider: account.required_text("providerName"),
            subject: account.required_id("userId"),
            attach_time: account.millis("dateCreated"),
            ..RowIdentity::default()
        };
        found.push((!is_primary, identity));
    }
    found.sort_by_key(|(is_later, _)| *is_later);
    found.into_iter().map(|(_, identity)| identity).collect()
}
