//! Users of a realm of Keycloak, as its export and `UserRepresentation` have them.

use chrono::DateTime;
use serde_json::Map;

use super::{
    Found, Kind, Reading, give_email, lay_over,
    object::{Faults, Object},
    set_email,
};
use crate::transfer::row::RowIdentity;

/// The name of the accounts that people have at Keycloak itself. Their subject is the user's id,
/// the `sub` of Keycloak's tokens.
const LOCAL: &str = "keycloak";

pub(super) fn read(json: &str, faults: &Faults) -> Option<Reading> {
    let mut user = Object::parse(json, faults)?;
    if user.take_any("serviceAccountClientId") {
        return Some(Reading::Skipped("a service account of a client, which is no person"));
    }
    let mut found = Found::default();
    let id = user.required_text("id");
    let email = user.filled("email");
    let is_verified = user.flag("emailVerified") == Some(true);

    let (mut passwords, mut others) = (0, 0);
    for mut credential in user.objects("credentials") {
        match credential.text("type").as_deref() {
            Some("password") => passwords += 1,
            _ => others += 1,
        }
    }
    found.left_out.kind(Kind::Password, passwords);
    found.left_out.kind(Kind::SecondFactor, others);

    let accounts = user.objects("federatedIdentities");
    let is_of_a_directory = user.take_any("federationLink");
    let is_local = passwords + others > 0 || is_of_a_directory || accounts.is_empty();
    found.row.identities = accounts.into_iter().map(identity).collect();
    let names = [
        ("username", "preferred_username"),
        ("firstName", "given_name"),
        ("lastName", "family_name"),
    ];
    if is_local {
        let mut local = RowIdentity {
            provider: LOCAL.to_owned(),
            subject: id.clone(),
            ..RowIdentity::default()
        };
        set_email(&mut local, email.unwrap_or_default(), is_verified);
        user.claims(&names, &mut local.profile_data);
        found.row.identities.insert(0, local);
    } else {
        give_email(&mut found, email, is_verified);
        let mut profile = Map::new();
        user.claims(&names, &mut profile);
        lay_over(&mut found, profile);
    }

    found.row.id = Some(id);
    found.row.create_time = user.millis("createdTimestamp");
    // Keycloak takes a user without the field for a disabled one.
    found.row.blocked = user.flag("enabled") != Some(true);
    // 0 stands for no such time.
    found.row.tokens_valid_from =
        user.seconds("notBefore").filter(|time| *time > DateTime::UNIX_EPOCH);
    found.row.app_metadata = user.map("attributes");
    user.rest().for_each(|name| found.left_out.field(name));
    Some(Reading::User(Box::new(found)))
}

fn identity(mut account: Object<'_>) -> RowIdentity {
    let mut identity = RowIdentity {
        provider: account.required_text("identityProvider"),
        subject: account.required_id("userId"),
        ..RowIdentity::default()
    };
    account.claims(&[("userName", "preferred_username")], &mut identity.profile_data);
    identity
}
