//! Firebase's users, as `auth:export` writes them and `accounts:batchGet` returns them.

use serde_json::{Map, Value};

use super::{
    Found, Kind, LeftOut, Reading, give_email, lay_over,
    object::{Faults, Object, as_map},
    set_email,
};
use crate::transfer::row::RowIdentity;

/// The columns of a CSV are not reliable: each user chooses its photo's URL, which is written as it
/// is, with its commas and line breaks.
pub(super) const NOT_JSON: &str = "this is no JSON, and CSV of Firebase is not read: it does not escape the URL of a photo, so a user can write rows into the file. Export again with --format=json";
pub(super) const WITHOUT_ACCOUNTS: &str = "A user needs at least one account, and this one has none: `auth:export` leaves most providers out, so read the users by accounts:batchGet, which has all.";

/// The names of providers that are Firebase itself. Their subject is the user's id: an email or a
/// phone number is none.
const PASSWORD: &str = "password";
const PHONE: &str = "phone";
const CUSTOM: &str = "custom";

pub(super) fn read(json: &str, faults: &Faults) -> Option<Reading> {
    let mut user = Object::parse(json, faults)?;
    let mut found = Found::default();
    let id = user.required_text("localId");
    let email = user.filled("email");
    let is_verified = user.flag("emailVerified") == Some(true);
    let phone = user.filled("phoneNumber");
    let passwords = usize::from(user.take_any("passwordHash"));
    user.take_any("salt");
    found.left_out.kind(Kind::Password, passwords);
    found.left_out.kind(Kind::SecondFactor, user.objects("mfaInfo").len());
    let is_custom = user.flag("customAuth") == Some(true);
    let mut root = Map::new();
    user.claims(&[("displayName", "name"), ("photoUrl", "picture")], &mut root);

    let mut local = Local { password: passwords > 0, phone: phone.is_some(), custom: is_custom };
    let verified = email.as_deref().filter(|_| is_verified);
    for entry in user.objects("providerUserInfo") {
        found.row.identities.extend(account(entry, verified, &mut local, &mut found.left_out));
    }
    let has_email = email.is_some();
    let local = local.accounts(&id, email.as_deref(), is_verified, phone);
    found.row.identities.splice(0..0, local);
    if found.row.identities.is_empty() && !has_email {
        return Some(Reading::Skipped("an anonymous user: no sign-in would find it again"));
    }
    give_email(&mut found, email, is_verified);
    give_profile(&mut found, root);

    found.row.id = Some(id);
    found.row.create_time = user.millis("createdAt");
    found.row.blocked = user.flag("disabled").unwrap_or_default();
    found.row.tokens_valid_from = user.seconds("validSince");
    if let Some(claims) = user.filled("customAttributes") {
        let path = user.path("customAttributes");
        found.row.app_metadata = as_map(&path, &claims, faults).unwrap_or_default();
    }
    user.rest().for_each(|name| found.left_out.field(name));
    Some(Reading::User(Box::new(found)))
}

/// Which accounts a user has at Firebase itself.
struct Local {
    password: bool,
    phone: bool,
    custom: bool,
}

impl Local {
    fn accounts(
        &self,
        id: &str,
        email: Option<&str>,
        is_verified: bool,
        phone: Option<String>,
    ) -> Vec<RowIdentity> {
        let account = |provider: &str| RowIdentity {
            provider: provider.to_owned(),
            subject: id.to_owned(),
            ..RowIdentity::default()
        };
        let password = self.password.then(|| {
            let mut account = account(PASSWORD);
            set_email(&mut account, email.unwrap_or_default().to_owned(), is_verified);
            account
        });
        let phone = self.phone.then(|| {
            let mut account = account(PHONE);
            if let Some(phone) = phone {
                account.profile_data.insert("phone_number".to_owned(), phone.into());
            }
            account
        });
        let custom = self.custom.then(|| account(CUSTOM));
        [password, phone, custom].into_iter().flatten().collect()
    }
}

/// An account at a provider; `None` for one at Firebase itself. An email that is the user's own,
/// which is verified, is verified.
fn account(
    mut entry: Object<'_>,
    verified: Option<&str>,
    local: &mut Local,
    left_out: &mut LeftOut,
) -> Option<RowIdentity> {
    let provider = entry.required_text("providerId");
    match provider.as_str() {
        PASSWORD => local.password = true,
        PHONE => local.phone = true,
        _ => {
            let mut identity = RowIdentity {
                provider,
                subject: entry.required_id("rawId"),
                ..RowIdentity::default()
            };
            if let Some(email) = entry.filled("email") {
                let is_verified =
                    verified.is_some_and(|verified| verified.eq_ignore_ascii_case(&email));
                set_email(&mut identity, email, is_verified);
            }
            let claims = [
                ("displayName", "name"),
                ("photoUrl", "picture"),
                ("screenName", "preferred_username"),
                ("phoneNumber", "phone_number"),
            ];
            entry.claims(&claims, &mut identity.profile_data);
            // The same id once more, for some providers as a URL.
            entry.take_any("federatedId");
            entry.rest().for_each(|name| left_out.field(&format!("providerUserInfo.{name}")));
            return Some(identity);
        }
    }
    None
}

/// The user's own name and picture: of its account at Firebase, or over the profile of its first
/// account where they differ.
fn give_profile(found: &mut Found, root: Map<String, Value>) {
    match found.row.identities.first_mut() {
        Some(main) if [PASSWORD, PHONE, CUSTOM].contains(&main.provider.as_str()) => {
            main.profile_data.extend(root);
        }
        _ => lay_over(found, root),
    }
}
