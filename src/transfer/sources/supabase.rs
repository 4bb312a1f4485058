//! Users of Supabase: rows of `auth.users` as JSON, each with its `identities`.

use chrono::{DateTime, Utc};

use super::{
    Found, Kind, LeftOut, Reading, give_email,
    object::{Faults, Object},
    set_email,
};
use crate::transfer::row::RowIdentity;

const TOKENS: [&str; 7] = [
    "confirmation_token",
    "recovery_token",
    "email_change_token",
    "email_change_token_new",
    "email_change_token_current",
    "phone_change_token",
    "reauthentication_token",
];

/// What the user has confirmed at Supabase itself.
struct Confirmed {
    email: Option<String>,
    email_time: Option<DateTime<Utc>>,
    phone: Option<String>,
    phone_time: Option<DateTime<Utc>>,
}

pub(super) fn read(json: &str, faults: &Faults, now: DateTime<Utc>) -> Option<Reading> {
    let mut user = Object::parse(json, faults)?;
    if user.take_any("deleted_at") {
        return Some(Reading::Skipped("a user that was deleted at the source"));
    }
    let mut found = Found::default();
    let confirmed = Confirmed {
        email: user.filled("email"),
        email_time: user.time("email_confirmed_at"),
        phone: user.filled("phone"),
        phone_time: user.time("phone_confirmed_at"),
    };
    let is_anonymous = user.flag("is_anonymous") == Some(true);
    let accounts = user.objects("identities");
    if is_anonymous && accounts.is_empty() {
        return Some(Reading::Skipped("an anonymous user: no sign-in would find it again"));
    }
    found.row.identities = accounts
        .into_iter()
        .map(|account| identity(account, &confirmed, &mut found.left_out))
        .collect();
    let has_phone = found.row.identities.iter().any(|identity| identity.provider == "phone");
    if confirmed.phone.is_some() && !has_phone {
        found.left_out.field("phone");
    }
    let is_verified = confirmed.email_time.is_some();
    give_email(&mut found, confirmed.email, is_verified);

    found.row.id = Some(user.required_text("id"));
    found.row.create_time = user.time("created_at");
    found.row.update_time = user.time("updated_at");
    found.row.blocked = user.time("banned_until").is_some_and(|until| until > now);
    found.row.user_metadata = user.map("raw_user_meta_data");
    found.row.app_metadata = user.map("raw_app_meta_data");
    found.left_out.kind(Kind::Password, usize::from(user.take_any("encrypted_password")));
    let tokens = TOKENS.iter().filter(|name| user.take_any(name)).count();
    found.left_out.kind(Kind::Token, tokens);
    found.left_out.kind(Kind::SecondFactor, user.objects("factors").len());
    // What the fields above say once more.
    for name in ["confirmed_at", "is_sso_user"] {
        user.take(name);
    }
    user.rest().for_each(|name| found.left_out.field(name));
    Some(Reading::User(Box::new(found)))
}

fn identity(mut account: Object<'_>, confirmed: &Confirmed, left_out: &mut LeftOut) -> RowIdentity {
    // The API has the row's own id as `identity_id` and the provider's as `id`; the table has `id`
    // and `provider_id`.
    let is_of_the_api = account.take("identity_id").is_some();
    let mut identity = RowIdentity {
        provider: account.required_text("provider"),
        subject: account.required_id(if is_of_the_api { "id" } else { "provider_id" }),
        attach_time: account.time("created_at"),
        ..RowIdentity::default()
    };
    let mut email = account.filled("email");
    let mut is_verified = false;
    if let Some(mut data) = account.object("identity_data") {
        // The column is made of this one, in lower case.
        email = data.filled("email").or(email);
        is_verified = data.flag("email_verified") == Some(true);
        for name in ["sub", "provider_id", "phone", "phone_verified"] {
            data.take(name);
        }
        data.rest_as_claims(&mut identity.profile_data);
    }
    match identity.provider.as_str() {
        "email" => {
            let is_confirmed = matches!(
                (&email, &confirmed.email), (Some(own), Some(of_user)) if own.eq_ignore_ascii_case(of_user)
            );
            identity.email_verify_time = confirmed.email_time.filter(|_| is_confirmed);
            is_verified = identity.email_verify_time.is_some();
        }
        "phone" => {
            if let Some(phone) = &confirmed.phone {
                // Supabase stores the digits without the + in front.
                let number = format!("+{}", phone.trim_start_matches('+'));
                let profile = &mut identity.profile_data;
                profile.insert("phone_number".to_owned(), number.into());
                let is_confirmed = confirmed.phone_time.is_some();
                profile.insert("phone_number_verified".to_owned(), is_confirmed.into());
            }
        }
        _ => {}
    }
    set_email(&mut identity, email.unwrap_or_default(), is_verified);
    for name in ["id", "user_id"] {
        account.take(name);
    }
    account.rest().for_each(|name| left_out.field(&format!("identities.{name}")));
    identity
}
