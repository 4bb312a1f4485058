//! Whether a user that signed in before its row was imported may be linked into the user of the row.
//!
//! The file says that several accounts are one person's. That is the word of its source, as for each
//! imported user. But the user that is here already may be another person, or more than what the file
//! knows of: then nothing says that the rest of it belongs to the row.

use std::collections::{BTreeSet, HashSet};

use super::{IdentityRef, User, UserId, candidates::were_together};

/// A user that has an account of an imported row, with what is stored of its past.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierUser {
    /// The user, live.
    pub user: User,
    /// Whether it holds other users: absorbed ones, or former ids of an import.
    pub holds_others: bool,
    /// Whether a sign-in or a call created it, as the feed says. An import creates users without
    /// such an event.
    pub was_created_by_call: bool,
    /// Whether one of its accounts was deleted or released before: the row may be the one of an
    /// earlier owner.
    pub had_former_owner: bool,
}

/// Why a user is not linked into the user of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttachObjection {
    /// It, or the user of the row, is blocked.
    Blocked,
    /// It has accounts that the row does not name.
    OtherAccounts,
    /// It has absorbed users, or has former ids.
    HoldsOthers,
    /// An import made it, or an unlink did, or its creation is no longer in the feed.
    NotSignedIn,
    /// Its id is neither random nor the name of its own account, so a service knows it by that id.
    OtherId,
    /// It and another of the users that would be one were one user before, and were taken apart.
    TakenApart,
    /// One of its accounts was deleted or released here before.
    FormerOwner,
}

impl AttachObjection {
    /// The reason as the end of a sentence about the user.
    pub fn text(self) -> &'static str {
        match self {
            Self::Blocked => "it or the user of this row is blocked",
            Self::OtherAccounts => "it has accounts that this row does not name",
            Self::HoldsOthers => "it has absorbed other users, or has former ids",
            Self::NotSignedIn => {
                "no sign-in made it, or the feed no longer has the event of its creation"
            }
            Self::OtherId => "its id was given by a service",
            Self::TakenApart => {
                "it and another user with accounts of this row were taken apart before"
            }
            Self::FormerOwner => "one of its accounts was deleted or released here before",
        }
    }
}

/// What stands against linking `earlier` into the user of a row with these accounts, which is blocked
/// if `is_blocked` is set. `others` are the users that would be one with it: the user of the row if
/// it is here already, and further ones that have an account of the row. `undone` are the undone
/// links between them. An empty result permits the link.
pub fn against_attaching(
    earlier: &EarlierUser,
    accounts: &BTreeSet<&IdentityRef>,
    is_blocked: bool,
    others: &[&User],
    undone: &HashSet<(UserId, UserId)>,
) -> Vec<AttachObjection> {
    let EarlierUser { user, holds_others, was_created_by_call, had_former_owner } = earlier;
    let has_others = user.identities.iter().any(|identity| !accounts.contains(&identity.id));
    // An account that came from another user brought the past of that user along.
    let holds_others = *holds_others || user.ids().any(|id| *id != user.id);
    let was_one = others.iter().any(|other| were_together(user, other, undone));
    let objections = [
        (user.blocked || is_blocked, AttachObjection::Blocked),
        (has_others, AttachObjection::OtherAccounts),
        (holds_others, AttachObjection::HoldsOthers),
        (!was_created_by_call || !user.ancestors.is_empty(), AttachObjection::NotSignedIn),
        (!has_id_of_sign_in(user), AttachObjection::OtherId),
        (was_one, AttachObjection::TakenApart),
        (*had_former_owner, AttachObjection::FormerOwner),
    ];
    objections.into_iter().filter(|(applies, _)| *applies).map(|(_, objection)| objection).collect()
}

/// Whether the user has an id that a sign-in gives: a random one, or the name of its own account.
fn has_id_of_sign_in(user: &User) -> bool {
    let is_account = |id: &IdentityRef| id.as_user_id().as_ref() == Some(&user.id);
    user.id.is_random() || user.identities.iter().any(|identity| is_account(&identity.id))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::{Metadata, linking::UnownedIdentity, unlinking::new_user};

    fn account(joined: &str) -> IdentityRef {
        IdentityRef::parse_joined(joined).unwrap()
    }

    fn id(text: &str) -> UserId {
        UserId::parse(text).unwrap()
    }

    fn user(own: &str, accounts: &[&str]) -> User {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let identity = |(ordinal, joined): (i32, &&str)| {
            let unowned = UnownedIdentity {
                id: account(joined),
                connection: String::new(),
                social: false,
                email: None,
                other_emails: Vec::new(),
                profile_data: Metadata::default(),
                signed_in_at: None,
                tokens: None,
            };
            super::super::linking::owned_identity(unowned, id(own), ordinal, now)
        };
        let identities: Vec<_> = (0..).zip(accounts).map(identity).collect();
        User { identities: identities.clone(), ..new_user(id(own), &identities[0], now) }
    }

    fn random(accounts: &[&str]) -> User {
        user("usr_0123456789abcdef0123456789abcdef", accounts)
    }

    fn signed_in(user: User) -> EarlierUser {
        EarlierUser {
            user,
            holds_others: false,
            was_created_by_call: true,
            had_former_owner: false,
        }
    }

    fn against(earlier: &EarlierUser, target: Option<&User>) -> Vec<AttachObjection> {
        let row = [account("google-oauth2|1"), account("github|2"), account("auth0|x")];
        let is_blocked = target.is_some_and(|target| target.blocked);
        let undone = [(id("old"), id("usr_ffffffffffffffffffffffffffffffff"))].into();
        let others: Vec<&User> = target.into_iter().collect();
        against_attaching(earlier, &row.iter().collect(), is_blocked, &others, &undone)
    }

    #[test]
    fn a_user_that_only_signed_in_is_linked() {
        let old = user("old", &["auth0|x"]);
        for earlier in [
            random(&["google-oauth2|1"]),
            random(&["google-oauth2|1", "github|2"]),
            user("google-oauth2|1", &["google-oauth2|1"]),
        ] {
            for target in [None, Some(&old)] {
                assert_eq!(against(&signed_in(earlier.clone()), target), []);
            }
        }
    }

    #[test]
    fn all_that_stands_against_it_is_named() {
        let old = user("old", &["auth0|x"]);
        let refused = |earlier: &EarlierUser, objection| {
            assert_eq!(against(earlier, Some(&old)), [objection], "{earlier:?}");
        };
        let of_row = || random(&["google-oauth2|1"]);
        refused(&signed_in(User { blocked: true, ..of_row() }), AttachObjection::Blocked);
        refused(&signed_in(random(&["google-oauth2|1", "sms|3"])), AttachObjection::OtherAccounts);
        refused(
            &EarlierUser { holds_others: true, ..signed_in(of_row()) },
            AttachObjection::HoldsOthers,
        );
        let mut linked = of_row();
        linked.identities[0].origin = id("another");
        refused(&signed_in(linked), AttachObjection::HoldsOthers);
        refused(
            &EarlierUser { was_created_by_call: false, ..signed_in(of_row()) },
            AttachObjection::NotSignedIn,
        );
        refused(
            &signed_in(User { ancestors: vec![id("another")], ..of_row() }),
            AttachObjection::NotSignedIn,
        );
        refused(&signed_in(user("ann", &["google-oauth2|1"])), AttachObjection::OtherId);
        refused(&signed_in(user("auth0|x", &["google-oauth2|1"])), AttachObjection::OtherId);
        refused(
            &signed_in(user("usr_ffffffffffffffffffffffffffffffff", &["google-oauth2|1"])),
            AttachObjection::TakenApart,
        );
        refused(
            &EarlierUser { had_former_owner: true, ..signed_in(of_row()) },
            AttachObjection::FormerOwner,
        );
        let blocked = User { blocked: true, ..user("old", &["auth0|x"]) };
        let all = EarlierUser {
            user: user("ann", &["sms|3"]),
            holds_others: true,
            was_created_by_call: false,
            had_former_owner: true,
        };
        assert_eq!(against(&all, Some(&blocked)).len(), 6);
    }
}
