//! Suggested linking: the users that may be the same person as a given user, and why.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
};

use chrono::{DateTime, Utc};

use super::{Identity, IdentityRef, LinkingPolicy, Provider, User, UserId};

/// The most candidates that are suggested.
pub const MAX_CANDIDATES: usize = 20;

/// A user that shares a verified email with another user.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The user.
    pub user: UserId,
    /// The canonical emails that are verified on both sides.
    pub shared_emails: BTreeSet<String>,
    /// The providers of the identities that have the shared emails.
    pub providers: BTreeSet<Provider>,
    /// When the last of these identities was verified.
    pub verify_time: DateTime<Utc>,
    /// Whether the two users were linked or one user before, and were separated.
    pub was_linked_before: bool,
    /// The candidate's accounts that have not proven a shared email, each with the time since which
    /// the candidate has it. A link with the candidate moves these accounts too.
    pub others: Vec<(IdentityRef, DateTime<Utc>)>,
}

impl Candidate {
    /// The providers of the accounts that have not proven a shared email.
    pub fn other_providers(&self) -> BTreeSet<&Provider> {
        self.others.iter().map(|(identity, _)| &identity.provider).collect()
    }
}

/// The canonical emails by which a sign-in would link or suggest this user. An email with non-ASCII
/// characters before the `@` is left out: it is easily confused with other addresses.
pub fn linking_emails(user: &User) -> BTreeSet<&str> {
    user.verified_emails().filter(|email| email.is_ascii() && links_by(user, email)).collect()
}

/// Whether no provider that has verified the email on this user forbids linking by it.
fn links_by(user: &User, canonical: &str) -> bool {
    user.linking_by(canonical).is_some_and(|linking| linking != LinkingPolicy::Off)
}

/// Ranks those of `others` that may be the same person as `user`, the likeliest first: a user that
/// was never separated from `user`, then more shared emails, then the more recent verification.
/// `undone` holds the primary and the secondary side of undone links. A blocked user cannot be
/// linked, so it is no candidate.
pub fn rank(user: &User, others: &[User], undone: &HashSet<(UserId, UserId)>) -> Vec<Candidate> {
    let emails = linking_emails(user);
    let others = others
        .iter()
        .filter(|other| other.id != user.id && other.absorbed.is_none() && !other.blocked);
    ranked(others.filter_map(|other| candidate(user, &emails, other, undone)).collect())
}

/// Sorts the candidates, the likeliest first, and keeps the first [`MAX_CANDIDATES`].
pub fn ranked(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_cached_key(|candidate| {
        let Candidate { user, shared_emails, verify_time, was_linked_before, .. } = candidate;
        (*was_linked_before, Reverse(shared_emails.len()), Reverse(*verify_time), user.clone())
    });
    candidates.truncate(MAX_CANDIDATES);
    candidates
}

fn candidate(
    user: &User,
    emails: &BTreeSet<&str>,
    other: &User,
    undone: &HashSet<(UserId, UserId)>,
) -> Option<Candidate> {
    let was_linked_before = were_together(user, other, undone);
    Some(Candidate { was_linked_before, ..sharing(emails, other)? })
}

/// A user that has proven some of these emails, as a candidate; `None` if it has proven none by
/// which it may be linked.
pub(super) fn sharing(emails: &BTreeSet<&str>, other: &User) -> Option<Candidate> {
    let emails: Vec<&str> = emails.iter().copied().filter(|email| links_by(other, email)).collect();
    let with =
        |email| other.identities.iter().filter_map(move |of| Some((of, of.verify_time_of(email)?)));
    let shared: Vec<(&Identity, DateTime<Utc>)> =
        emails.iter().flat_map(|email| with(email)).collect();
    let is_proof = |of: &&Identity| {
        !of.email_changed && shared.iter().any(|(identity, _)| identity.id == of.id)
    };
    let others = other.identities.iter().filter(|of| !is_proof(of));
    Some(Candidate {
        user: other.id.clone(),
        shared_emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        providers: shared.iter().map(|(identity, _)| identity.id.provider.clone()).collect(),
        verify_time: shared.iter().map(|(_, time)| *time).max()?,
        was_linked_before: false,
        others: others.map(|identity| (identity.id.clone(), identity.here_since())).collect(),
    })
}

/// Whether the two users, or any users that they hold, were linked or one user before.
pub(super) fn were_together(one: &User, other: &User, undone: &HashSet<(UserId, UserId)>) -> bool {
    let was_linked = |a: &UserId, b: &UserId| undone.contains(&(a.clone(), b.clone()));
    let was_detached = |a: &User, b: &User| b.ids().any(|id| a.ancestors.contains(id));
    let is_pair = |a| other.ids().any(|b| was_linked(a, b) || was_linked(b, a));
    was_detached(one, other) || was_detached(other, one) || one.ids().any(is_pair)
}
