//! Accounts that a sign-in proved, kept for a few minutes, and the tickets that stand for them.

use chrono::{DateTime, Utc};

use super::{User, UserId, linking::UnownedIdentity};

/// An account that was proven, and its owner at that time. It proves nothing after the account has
/// moved.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvenAccount {
    /// The account.
    pub account: UnownedIdentity,
    /// The user that owned it; `None` if no user did.
    pub owner: Option<UserSnapshot>,
    /// When the person signed in at the provider. Tokens of the account from then on prove as much
    /// as this.
    pub proven_at: DateTime<Utc>,
    /// When the proof was stored.
    pub time: DateTime<Utc>,
}

/// A user as of some time. It counts as unchanged until it gains or loses an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSnapshot {
    /// The user.
    pub id: UserId,
    /// The version at which it had last gained or lost an identity.
    pub identities_version: i64,
}

/// A proven account for the caller that holds the ticket, with its permitted use.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// What it proves.
    pub proven: ProvenAccount,
    /// The only use that the ticket permits.
    pub purpose: TicketPurpose,
}

/// The use that a ticket permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketPurpose {
    /// To link an account without an owner to one of these users, or to create a new user for it.
    Candidates(Vec<UserSnapshot>),
    /// To sign in as the rules decide then. A preview issued it.
    SignIn,
    /// To sign in, and to create a new user where the tenant's registration asks first: the caller
    /// was asked.
    Registration,
    /// To link the account to this user, which began the flow. A preview issued it. The link may
    /// absorb the account's owner.
    Link(UserSnapshot),
}

impl UserSnapshot {
    /// The user as it is now.
    pub fn now(user: &User) -> Self {
        Self { id: user.id.clone(), identities_version: user.identities_version }
    }

    /// Whether `user` is this user and has neither gained nor lost an identity since.
    pub fn is_unchanged(&self, user: &User, then: DateTime<Utc>) -> bool {
        // A user of the same id that was created later is another user: the first one was deleted.
        user.id == self.id
            && user.identities_version <= self.identities_version
            && user.create_time <= then
    }
}

impl ProvenAccount {
    /// Whether the account still has the same owner, or belongs to a user that was made since of
    /// this account alone.
    pub fn is_still_of(&self, owner: Option<&User>) -> bool {
        match (&self.owner, owner) {
            (None, None) => true,
            (Some(then), Some(owner)) => {
                then.is_unchanged(owner, self.time) && !self.is_overruled_by(owner)
            }
            // Such a user has never gained an identity.
            (None, Some(owner)) => owner.identities_version == 1,
            (Some(_), None) => false,
        }
    }

    /// Whether another account of the owner has proven an address since. Proofs from before that
    /// are void, as tokens are.
    pub fn is_overruled_by(&self, owner: &User) -> bool {
        let own = owner.identity(&self.account.id).and_then(|identity| identity.email_proven_since);
        owner.writes_valid_from.is_some_and(|from| self.time <= from && own != Some(from))
    }

    /// Whether the account was deleted since, which voids the proof.
    pub fn is_outlived_by(&self, delete_time: Option<DateTime<Utc>>) -> bool {
        delete_time.is_some_and(|deleted| self.time <= deleted)
    }
}

impl Ticket {
    /// Whether this user may link the account by the ticket: the ticket was issued for this user,
    /// and no link or unlink has changed the user since.
    pub fn is_for(&self, user: &User) -> bool {
        let is_it = |then: &UserSnapshot| then.is_unchanged(user, self.proven.time);
        match &self.purpose {
            TicketPurpose::Candidates(candidates) => candidates.iter().any(is_it),
            TicketPurpose::Link(user) => is_it(user),
            TicketPurpose::SignIn | TicketPurpose::Registration => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::{IdentityRef, Metadata, linking::owned_identity, unlinking::new_user};

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn account() -> UnownedIdentity {
        UnownedIdentity {
            id: IdentityRef::parse_joined("github|1").unwrap(),
            connection: "github".to_owned(),
            social: true,
            email: None,
            other_emails: Vec::new(),
            profile_data: Metadata::default(),
            signed_in_at: None,
            tokens: None,
        }
    }

    fn id(text: &str) -> UserId {
        UserId::parse(text).unwrap()
    }

    fn then(text: &str, identities_version: i64) -> UserSnapshot {
        UserSnapshot { id: id(text), identities_version }
    }

    fn user(text: &str, identities_version: i64, created: i64) -> User {
        let own = owned_identity(account(), id(text), 0, day(1));
        User { version: 9, identities_version, ..new_user(id(text), &own, day(created)) }
    }

    fn proven(owner: Option<UserSnapshot>) -> ProvenAccount {
        ProvenAccount { account: account(), owner, proven_at: day(2), time: day(2) }
    }

    #[test]
    fn a_ticket_is_for_the_unchanged_user_that_it_was_given_for() {
        for purpose in
            [TicketPurpose::Candidates(vec![then("ann", 3)]), TicketPurpose::Link(then("ann", 3))]
        {
            let ticket = Ticket { proven: proven(None), purpose };
            assert!(ticket.is_for(&user("ann", 1, 1)));
            assert!(ticket.is_for(&user("ann", 3, 2)));
            assert!(!ticket.is_for(&user("ann", 4, 1)), "its identities have changed");
            assert!(!ticket.is_for(&user("ann", 1, 3)), "a new user has the id");
            assert!(!ticket.is_for(&user("ben", 1, 1)));
        }
        for purpose in [TicketPurpose::SignIn, TicketPurpose::Registration] {
            assert!(!Ticket { proven: proven(None), purpose }.is_for(&user("ann", 1, 1)));
        }
    }

    #[test]
    fn a_proof_holds_while_the_account_has_the_same_owner() {
        let of_ann = proven(Some(then("ann", 3)));
        assert!(of_ann.is_still_of(Some(&user("ann", 3, 2))));
        assert!(!of_ann.is_still_of(Some(&user("ann", 4, 2))), "its identities have changed");
        assert!(!of_ann.is_still_of(Some(&user("ann", 1, 3))), "a new user has the id");
        assert!(!of_ann.is_still_of(Some(&user("ben", 1, 1))));
        let proved = |number| User { writes_valid_from: Some(day(number)), ..user("ann", 3, 2) };
        assert!(of_ann.is_still_of(Some(&proved(1))));
        assert!(
            !of_ann.is_still_of(Some(&proved(2))),
            "another account has proven an address since"
        );
        assert!(!of_ann.is_still_of(None));
        assert!(proven(None).is_still_of(None));
        assert!(proven(None).is_still_of(Some(&user("ann", 1, 3))), "the account became this user");
        assert!(
            !proven(None).is_still_of(Some(&user("ann", 2, 1))),
            "the account was attached to an older user"
        );
        assert!(!proven(None).is_outlived_by(None));
        assert!(!proven(None).is_outlived_by(Some(day(1))));
        assert!(proven(None).is_outlived_by(Some(day(2))));
    }
}
