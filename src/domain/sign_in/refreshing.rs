//! What a sign-in refreshes of a known account: its email and profile, and the identities for which
//! it vouches.

use chrono::{DateTime, TimeDelta, Utc};

use super::RECENT_SIGN_IN;
use crate::domain::{
    Identity, IdentityEmail, IdentityRef, Metadata, ProviderPolicy, User, Verifier,
    linking::UnownedIdentity, policy::HOSTED_DOMAIN,
};

/// The age at which a verification is renewed by another sign-in, so that not each sign-in writes.
const RENEWAL: TimeDelta = TimeDelta::days(30);

/// The identity with what its provider sends now; `None` if nothing changed. A claim that the
/// provider does not send stays: some providers send a claim only once. An email that stays
/// verified keeps its time of verification for a month.
pub fn refreshed(
    identity: &Identity,
    sent: &UnownedIdentity,
    policy: &ProviderPolicy,
    now: DateTime<Utc>,
) -> Option<Identity> {
    let mut fresh = identity.clone();
    if let Some(email) = &sent.email {
        let known = identity.email.as_ref().filter(|known| is_same_address(known, email));
        let verified = match (&email.verified, known.and_then(|known| known.verified.as_ref())) {
            // The word of the source of an import is replaced by the first one that is better.
            (Some(sent), Some(known))
                if known.by != Verifier::Import && sent.time - known.time < RENEWAL =>
            {
                Some(known.clone())
            }
            (sent, _) => sent.clone(),
        };
        fresh.email_changed |= known.is_none();
        fresh.email_proven_since =
            verified.as_ref().map(|_| known.and(identity.email_proven_since).unwrap_or(now));
        fresh.email = Some(IdentityEmail { verified, ..email.clone() });
    }
    let profile = refreshed_profile(&identity.profile_data, sent);
    if is_another_profile(&identity.profile_data, &profile) {
        fresh.profile_data = profile;
    }
    // The policy applies to the merged profile, which may have more claims than the provider sent
    // now.
    if let Some(email) = &mut fresh.email {
        email.judge(policy, &fresh.profile_data);
    }
    // A claim that makes the email count for the first time, such as `hd`, proves the address only
    // now. So does the first sign-in that repeats what an import said, if that did not count.
    if !has_verified_email(identity)
        && (has_verified_email(&fresh)
            || is_import_word(identity) && has_claim(&fresh) && !is_import_word(&fresh))
    {
        fresh.email_proven_since = Some(now);
    }
    (fresh != *identity).then_some(fresh)
}

/// The owner's identities for which a sign-in at this account vouches. The sign-in must be at most
/// ten minutes old, since a provider may keep a session for long.
pub fn vouched_for(
    owner: &User,
    account: &UnownedIdentity,
    now: DateTime<Utc>,
) -> Vec<IdentityRef> {
    match account.signed_in_at {
        Some(time) if time >= now - RECENT_SIGN_IN => owner.vouched_for_by(&account.id),
        _ => Vec::new(),
    }
}

/// Whether a sign-in has proven an address that was unproven before, or another address of the same
/// identity.
pub fn proves_address(before: &Identity, after: &Identity) -> bool {
    has_verified_email(after) && after.email_proven_since != before.email_proven_since
}

fn has_verified_email(identity: &Identity) -> bool {
    identity.email.as_ref().is_some_and(IdentityEmail::is_verified)
}

fn has_claim(identity: &Identity) -> bool {
    identity.email.as_ref().is_some_and(|email| email.verified.is_some())
}

/// Whether only the source of an import says that the email is verified.
fn is_import_word(identity: &Identity) -> bool {
    let verified = identity.email.as_ref().and_then(|email| email.verified.as_ref());
    verified.is_some_and(|verified| verified.by == Verifier::Import)
}

fn is_same_address(one: &IdentityEmail, other: &IdentityEmail) -> bool {
    match (&one.canonical, &other.canonical) {
        (Some(one), Some(other)) => one == other,
        _ => one.given == other.given,
    }
}

/// The known profile with each claim that the provider sends now, JSON `null` included. If the
/// result is too large for a profile, only the claims of now are kept.
///
/// The hosted domain belongs to the email: it stays if no email is sent, and is never combined with
/// an email that came without it.
fn refreshed_profile(known: &Metadata, sent: &UnownedIdentity) -> Metadata {
    let (known, sent) = match sent.email {
        Some(_) => (known.clone().without(HOSTED_DOMAIN), sent.profile_data.clone()),
        None => (known.clone(), sent.profile_data.clone().without(HOSTED_DOMAIN)),
    };
    known.overlaid(&sent).unwrap_or(sent)
}

/// Whether a claim other than `updated_at` changed: some providers change `updated_at` with each
/// sign-in.
fn is_another_profile(known: &Metadata, fresh: &Metadata) -> bool {
    known.clone().without("updated_at") != fresh.clone().without("updated_at")
}
