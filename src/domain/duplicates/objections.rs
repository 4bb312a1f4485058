//! What stands against the links of a cluster.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::evidence::{Rule, Shared};
use crate::domain::{
    LinkingPolicy, Provider, ProviderPolicies, User, UserId,
    candidates::were_together,
    clusters::Clusters,
    linking::MAX_IDENTITIES,
    sign_in::{EmailMatch, MAX_VERIFICATION_AGE},
};

/// A reason not to link the users of a cluster unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A user is blocked.
    Blocked,
    /// Two of them were linked or one user before, and were taken apart.
    TakenApart,
    /// Several of them have accounts of one provider.
    SameProvider,
    /// Together they have more identities than a user can have.
    TooManyIdentities,
    /// A value comes from a provider with `linking = "off"`, or from an undeclared one.
    LinkingOff,
    /// Without emails that are verified on one side only, they would not be connected.
    EmailUnverified,
    /// The part before the `@` is not ASCII, which is easily confused with other addresses.
    EmailNotAscii,
    /// The accounts with which a user proved the email had another address when they were added.
    EmailChanged,
    /// A user has an account from before the email was proven that has not proven it.
    AccountOlderThanEmail,
    /// The proofs of an email are so far apart that it may have changed hands between them.
    VerifiedFarApart,
    /// The merged metadata would be larger than a user's can be.
    MetadataTooLarge,
    /// The cluster has so many users that only a part of them is named.
    TooManyUsers,
}

/// A reason not to link, with the users or providers that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The reason.
    pub mark: Mark,
    /// The users that it concerns; empty if it is all of them.
    pub users: BTreeSet<UserId>,
    /// The providers that it concerns.
    pub providers: BTreeSet<Provider>,
}

impl Mark {
    /// All marks.
    pub const ALL: [Self; 12] = [
        Self::Blocked,
        Self::TakenApart,
        Self::SameProvider,
        Self::TooManyIdentities,
        Self::LinkingOff,
        Self::EmailUnverified,
        Self::EmailNotAscii,
        Self::EmailChanged,
        Self::AccountOlderThanEmail,
        Self::VerifiedFarApart,
        Self::MetadataTooLarge,
        Self::TooManyUsers,
    ];

    /// The mark as text, for plans and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::TakenApart => "taken_apart",
            Self::SameProvider => "same_provider",
            Self::TooManyIdentities => "too_many_identities",
            Self::LinkingOff => "linking_off",
            Self::EmailUnverified => "email_unverified",
            Self::EmailNotAscii => "email_not_ascii",
            Self::EmailChanged => "email_changed",
            Self::AccountOlderThanEmail => "account_older_than_email",
            Self::VerifiedFarApart => "verified_far_apart",
            Self::MetadataTooLarge => "metadata_too_large",
            Self::TooManyUsers => "too_many_users",
        }
    }

    /// The mark with this text; `None` if there is none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.as_str() == text)
    }
}

impl Objection {
    /// A reason that concerns these users.
    pub(super) fn of_users<'a>(mark: Mark, users: impl IntoIterator<Item = &'a UserId>) -> Self {
        Self { mark, users: users.into_iter().cloned().collect(), providers: BTreeSet::new() }
    }

    /// A reason that concerns all users.
    pub fn of_all(mark: Mark) -> Self {
        Self { mark, users: BTreeSet::new(), providers: BTreeSet::new() }
    }
}

/// What stands against the links of these users, which share these values.
pub(super) fn of(
    users: &[User],
    shared: &[Shared],
    policies: &ProviderPolicies,
    undone: &HashSet<(UserId, UserId)>,
) -> Vec<Objection> {
    let identities: usize = users.iter().map(|user| user.identities.len()).sum();
    let is_weak = |value: &&Shared| value.rule == Rule::EmailOneSide;
    let strong = shared.iter().filter(|value| !is_weak(value));
    let too_many = identities > MAX_IDENTITIES;
    let all = [
        some_users(Mark::Blocked, users.iter().filter(|user| user.blocked).map(|user| &user.id)),
        some_users(Mark::TakenApart, taken_apart(users, undone)),
        same_providers(users),
        too_many.then(|| Objection::of_all(Mark::TooManyIdentities)),
        linking_off(shared, policies),
        (!connects_all(users, strong)).then(|| Objection::of_all(Mark::EmailUnverified)),
    ];
    all.into_iter().flatten().chain(of_emails(users, shared)).collect()
}

/// The reason, if it concerns a user.
fn some_users<'a>(mark: Mark, users: impl IntoIterator<Item = &'a UserId>) -> Option<Objection> {
    Some(Objection::of_users(mark, users)).filter(|objection| !objection.users.is_empty())
}

fn taken_apart<'a>(
    users: &'a [User],
    undone: &'a HashSet<(UserId, UserId)>,
) -> impl Iterator<Item = &'a UserId> {
    let pairs = users.iter().enumerate();
    let pairs =
        pairs.flat_map(|(at, one)| users.iter().skip(at + 1).map(move |other| (one, other)));
    pairs
        .filter(|(one, other)| were_together(one, other, undone))
        .flat_map(|(one, other)| [&one.id, &other.id])
}

/// The providers at which several of the users have accounts.
fn same_providers(users: &[User]) -> Option<Objection> {
    let mut at: BTreeMap<&Provider, BTreeSet<&UserId>> = BTreeMap::new();
    for user in users {
        for identity in &user.identities {
            at.entry(&identity.id.provider).or_default().insert(&user.id);
        }
    }
    at.retain(|_, users| users.len() > 1);
    let concerned = at.values().flatten().copied();
    let objection = some_users(Mark::SameProvider, concerned)?;
    Some(Objection {
        providers: at.keys().map(|provider| (*provider).clone()).collect(),
        ..objection
    })
}

/// The providers of shared values that must not be linked by them.
fn linking_off(shared: &[Shared], policies: &ProviderPolicies) -> Option<Objection> {
    let holders = shared.iter().flat_map(|value| &value.holders);
    let closed: Vec<(&UserId, &Provider)> = holders
        .flat_map(|holder| holder.identities.iter().map(|of| (&holder.user, &of.provider)))
        .filter(|(_, provider)| policies.for_provider(provider).linking == LinkingPolicy::Off)
        .collect();
    let objection = some_users(Mark::LinkingOff, closed.iter().map(|(user, _)| *user))?;
    let providers = closed.iter().map(|(_, provider)| (*provider).clone()).collect();
    Some(Objection { providers, ..objection })
}

/// Whether these values connect all users.
fn connects_all<'a>(users: &[User], shared: impl Iterator<Item = &'a Shared>) -> bool {
    let mut connected = Clusters::default();
    shared.flat_map(Shared::pairs).for_each(|(one, other)| connected.join(one, other));
    let sets = connected.into_sets();
    sets.first().is_some_and(|first| first.len() == users.len())
}

/// What stands against links by the emails, as at a sign-in.
fn of_emails(users: &[User], shared: &[Shared]) -> Vec<Objection> {
    let mut found: BTreeMap<Mark, BTreeSet<&UserId>> = BTreeMap::new();
    for value in shared.iter().filter(|value| value.rule != Rule::VerifiedPhone) {
        let mut note = |mark| found.entry(mark).or_default().extend(value.users());
        if !value.value.is_ascii() {
            note(Mark::EmailNotAscii);
        }
        let times = || value.holders.iter().filter_map(|holder| holder.verify_time);
        if let (Some(first), Some(last)) = (times().min(), times().max())
            && last - first > MAX_VERIFICATION_AGE
        {
            note(Mark::VerifiedFarApart);
        }
        for holder in &value.holders {
            let Some(user) = users.iter().find(|user| user.id == holder.user) else { continue };
            let proofs = holder.emails.iter().filter_map(|email| EmailMatch::of(user, email));
            for proof in proofs {
                if proof.has_only_changed_proofs() {
                    found.entry(Mark::EmailChanged).or_default().insert(&user.id);
                } else if proof.is_joined_by_older_account() {
                    found.entry(Mark::AccountOlderThanEmail).or_default().insert(&user.id);
                }
            }
        }
    }
    found.into_iter().map(|(mark, users)| Objection::of_users(mark, users)).collect()
}
