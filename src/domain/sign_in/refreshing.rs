//! What a sign-in tells of an account that is known: the email and the profile that are kept, and for whom it vouches.

use chrono::{DateTime, TimeDelta, Utc};

use super::RECENT_SIGN_IN;
use crate::domain::{
    Identity, IdentityEmail, IdentityRef, Metadata, ProviderPolicy, User, linking::UnownedIdentity,
    policy::HOSTED_DOMAIN,
};

/// How old a verification becomes before another sign-in renews it: not every one has to be written.
const RENEWAL: TimeDelta = TimeDelta::days(30);

/// An identity with what its provider tells of it now; `None` if it is as it was. What is not told stays, claim by
/// claim: some tell it only once. An email that is as verified as before keeps the time at which it was, for a month.
pub fn refreshed(
    identity: &Identity,
    told: &UnownedIdentity,
    policy: &ProviderPolicy,
    now: DateTime<Utc>,
) -> Option<Identity> {
    let mut fresh = identity.clone();
    if let Some(email) = &told.email {
        let known = identity.email.as_ref().filter(|known| is_same_address(known, email));
        let verified = match (&email.verified, known.and_then(|known| known.verified.as_ref())) {
            (Some(told), Some(known)) if told.time - known.time < RENEWAL => Some(known.clone()),
            (told, _) => told.clone(),
        };
        fresh.email_changed |= known.is_none();
        fresh.email_proven_since = verified.as_ref().map(|_| known.and(identity.email_proven_since).unwrap_or(now));
        fresh.email = Some(IdentityEmail { verified, ..email.clone() });
    }
    let profile = refreshed_profile(&identity.profile_data, told);
    if is_another_profile(&identity.profile_data, &profile) {
        fresh.profile_data = profile;
    }
    // By the profile that is kept: it may say more than what was told now.
    if let Some(email) = &mut fresh.email {
        policy.judge(email, &fresh.profile_data);
    }
    // What makes a word count that did not, such as `hd`, proves the address only now.
    if has_verified_email(&fresh) && !has_verified_email(identity) {
        fresh.email_proven_since = Some(now);
    }
    (fresh != *identity).then_some(fresh)
}

/// The identities of the owner that a sign-in at this account vouches for: it must be of the last ten minutes, since a
/// provider may keep a session for long.
pub fn vouched_for(owner: &User, account: &UnownedIdentity, now: DateTime<Utc>) -> Vec<IdentityRef> {
    match account.signed_in_at {
        Some(time) if time >= now - RECENT_SIGN_IN => owner.vouched_for_by(&account.id),
        _ => Vec::new(),
    }
}

/// Whether a sign-in has made a proven address of one that was not, or another one of an identity that was there.
pub fn proves_an_address(before: &Identity, after: &Identity) -> bool {
    has_verified_email(after) && after.email_proven_since != before.email_proven_since
}

fn has_verified_email(identity: &Identity) -> bool {
    identity.email.as_ref().is_some_and(IdentityEmail::is_verified)
}

fn is_same_address(one: &IdentityEmail, other: &IdentityEmail) -> bool {
    match (&one.canonical, &other.canonical) {
        (Some(one), Some(other)) => one == other,
        _ => one.given == other.given,
    }
}

/// A profile with each claim that is told now; one that is told to be null is null. What is told is kept alone where both
/// are more than a profile may hold.
///
/// The hosted domain goes with the email: it stays if no email is told, and never comes to one that was told without it.
fn refreshed_profile(known: &Metadata, told: &UnownedIdentity) -> Metadata {
    let (known, told) = match told.email {
        Some(_) => (known.clone().without(HOSTED_DOMAIN), told.profile_data.clone()),
        None => (known.clone(), told.profile_data.clone().without(HOSTED_DOMAIN)),
    };
    known.overlaid(&told).unwrap_or(told)
}

/// Whether something else is told, and not only that something was: some providers change `updated_at` with each
/// sign-in.
fn is_another_profile(known: &Metadata, fresh: &Metadata) -> bool {
    known.clone().without("updated_at") != fresh.clone().without("updated_at")
}
