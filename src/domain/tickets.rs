//! Tickets: an account that was just proven, until whoever it is has said who.

use chrono::{DateTime, Utc};

use super::{User, UserId, linking::UnownedIdentity};

/// An account that was just proven, and is nobody's. It proves that account and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// The account.
    pub account: UnownedIdentity,
    /// Who may link it, and which version they had.
    pub candidates: Vec<(UserId, i64)>,
    /// When it was proven.
    pub issue_time: DateTime<Utc>,
}

impl Ticket {
    /// Whether this very user may link the account by it: it was a candidate, and no link or unlink has
    /// touched it since.
    pub fn is_for(&self, user: &User) -> bool {
        let is_as_it_was = |version: i64| user.identities_version <= version && user.create_time <= self.issue_time;
        self.candidates.iter().any(|(id, version)| *id == user.id && is_as_it_was(*version))
    }

    /// Whether it is worth nothing more because what it proves was deleted since.
    pub fn is_outlived_by(&self, delete_time: Option<DateTime<Utc>>) -> bool {
        delete_time.is_some_and(|deleted| self.issue_time <= deleted)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::{IdentityRef, Metadata, linking::owned, unlinking::user_of_its_own};

    #[test]
    fn a_ticket_is_for_its_candidates_as_they_were() {
        let day = |number| DateTime::UNIX_EPOCH + TimeDelta::days(number);
        let account = UnownedIdentity {
            id: IdentityRef::parse_joined("github|1").unwrap(),
            connection: "github".to_owned(),
            social: true,
            email: None,
            profile_data: Metadata::default(),
        };
        let id = |text| UserId::parse(text).unwrap();
        let ticket = Ticket { account: account.clone(), candidates: vec![(id("ann"), 3)], issue_time: day(2) };
        let user = |text, identities_version, created| User {
            version: 9,
            identities_version,
            ..user_of_its_own(id(text), &owned(account.clone(), id(text), 0, day(1)), day(created))
        };
        assert!(ticket.is_for(&user("ann", 1, 1)));
        assert!(ticket.is_for(&user("ann", 3, 2)));
        assert!(!ticket.is_for(&user("ann", 4, 1)), "a link or an unlink has touched it");
        assert!(!ticket.is_for(&user("ann", 1, 3)), "it was deleted and is another");
        assert!(!ticket.is_for(&user("ben", 1, 1)));
        assert!(!ticket.is_outlived_by(None));
        assert!(!ticket.is_outlived_by(Some(day(1))));
        assert!(ticket.is_outlived_by(Some(day(2))));
    }
}
