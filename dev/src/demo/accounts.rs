//! What pages say about accounts, links and metadata.

use std::collections::BTreeSet;

use identity_link_proto::v1::{
    Identity, IdentityRef, LinkRecord, MetadataChange, MetadataNamespace, User,
    metadata_change::Effect,
};
use prost_types::{Timestamp, value::Kind};

use super::{catalog::display_name, sentences};

/// An account on the settings page.
pub(super) struct AccountCard {
    /// The provider's name for people.
    pub provider: String,
    pub subject: String,
    /// Empty if it has none.
    pub email: String,
    pub is_verified: bool,
    pub is_primary: bool,
    /// The day.
    pub since: String,
    /// What proved that it is the user's, in a sentence.
    pub why: &'static str,
    /// Whether it can be unlinked.
    pub can_leave: bool,
    /// Why it cannot be unlinked, in a sentence; empty if it can.
    pub stays: &'static str,
    /// The query that names the account.
    pub query: String,
}

/// A user that a link absorbed, on the settings page.
pub(super) struct JoinedCard {
    pub user_id: String,
    pub since: String,
    /// What proved the link, in a sentence.
    pub why: &'static str,
    pub link_id: String,
}

/// The accounts of a user, the primary one first. `sign_in` names the providers at which people sign
/// in, and `links` are the user's, the newest first.
pub(super) fn cards(
    user: &User,
    links: &[LinkRecord],
    sign_in: &BTreeSet<String>,
) -> Vec<AccountCard> {
    let signs_in = |identity: &Identity| sign_in.contains(&reference(identity).provider);
    let card = |(at, identity): (usize, &Identity)| {
        let account = reference(identity);
        let is_primary = at == 0;
        let others = || user.identities.iter().enumerate().filter(|(other, _)| *other != at);
        let is_last = others().next().is_none()
            || (signs_in(identity) && !others().any(|(_, other)| signs_in(other)));
        let stays = match (is_last, is_primary) {
            (true, _) => "It stays: it is the last account with which you can sign in.",
            (_, true) => {
                "It stays: your profile is that of the primary account. Make another one primary first."
            }
            (false, false) => "",
        };
        let link = standing(links).find(|link| link.moved_identities.contains(&account));
        AccountCard {
            provider: display_name(&account.provider).to_owned(),
            email: identity.email.clone(),
            is_verified: identity.email_verified,
            is_primary,
            since: day(identity.attach_time.as_ref()),
            why: link.map_or("You began with it.", |link| sentences::proof(link.proof.as_ref())),
            can_leave: stays.is_empty(),
            stays,
            query: query(&account),
            subject: account.subject,
        }
    };
    user.identities.iter().enumerate().map(card).collect()
}

/// The users that links have absorbed and that can come back.
pub(super) fn joined(links: &[LinkRecord]) -> Vec<JoinedCard> {
    let absorbed = standing(links).filter(|link| !link.secondary_user_id.is_empty());
    let card = |link: &LinkRecord| JoinedCard {
        user_id: link.secondary_user_id.clone(),
        since: day(link.link_time.as_ref()),
        why: sentences::proof(link.proof.as_ref()),
        link_id: link.id.clone(),
    };
    absorbed.map(card).collect()
}

fn standing(links: &[LinkRecord]) -> impl Iterator<Item = &LinkRecord> {
    links.iter().filter(|link| link.undo_time.is_none())
}

/// The account and its provider.
pub(super) fn reference(identity: &Identity) -> IdentityRef {
    identity.identity_ref.clone().unwrap_or_default()
}

/// The name in the user's profile; empty if there is none.
pub(super) fn name(user: &User) -> String {
    let name = user.profile.as_ref().and_then(|profile| profile.fields.get("name"));
    match name.and_then(|name| name.kind.as_ref()) {
        Some(Kind::StringValue(name)) => name.clone(),
        _ => String::new(),
    }
}

/// An account, as in "Google: ann.lee".
pub(super) fn short(account: &IdentityRef) -> String {
    format!("{}: {}", display_name(&account.provider), account.subject)
}

/// An account with its email, as in "Google: ann.lee (ann@example.com, verified)".
pub(super) fn line(identity: &Identity) -> String {
    let account = short(&reference(identity));
    match (identity.email.as_str(), identity.email_verified) {
        ("", _) => format!("{account} (no email)"),
        (email, true) => format!("{account} ({email}, verified)"),
        (email, false) => format!("{account} ({email}, not verified)"),
    }
}

/// What happens to the metadata, a sentence for each path.
pub(super) fn metadata(changes: &[MetadataChange]) -> Vec<String> {
    let sentence = |change: &MetadataChange| {
        let whose = match change.metadata_namespace() {
            MetadataNamespace::App => "The services' metadata",
            MetadataNamespace::User | MetadataNamespace::Unspecified => "Your metadata",
        };
        let at = if change.path.is_empty() { "" } else { " at " };
        let what = match change.effect() {
            Effect::Added => "comes over from the other user.",
            Effect::ConflictPrimary => "differs, and your value stays.",
            Effect::ConflictSecondary => "differs, and the other user's value replaces yours.",
            Effect::Combined => "is combined from both users.",
            Effect::Withheld => "does not come back. The link keeps it.",
            Effect::Reversed => "is again what it would be if the two had not been joined.",
            Effect::Kept => "stays as it is, because it has changed since.",
            Effect::Unspecified => "may change.",
        };
        format!("{whose}{at}{} {what}", change.path)
    };
    changes.iter().map(sentence).collect()
}

/// The query that names an account.
fn query(account: &IdentityRef) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("provider", &account.provider)
        .append_pair("subject", &account.subject)
        .finish()
}

/// The day of a time, in UTC; empty if it is absent.
fn day(time: Option<&Timestamp>) -> String {
    // RFC 3339: the day comes first.
    time.map_or_else(String::new, |time| time.to_string().chars().take(10).collect())
}
