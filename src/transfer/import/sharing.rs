//! Which new users share an email with a user that is here already. Both are likely one person, and
//! the operator may want to link them.
//!
//! It changes nothing of the import. An account of a row is the row's, also if other users have the
//! address, and a verified email links no user by itself: a sign-in that meets two users with one
//! address lets the person choose.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    Source,
    keys::KeyHash,
    reading::{ReadRow, What},
};
use crate::{
    domain::UserId,
    store::{ImportedUser, Session, StoreError},
};

/// The most addresses that are looked up at once. A batch seldom has more.
const MOST_EMAILS: usize = 2000;

/// The search.
#[derive(Clone, Copy)]
pub(super) struct Sharing<'a> {
    /// The addresses that are in several rows, which the first pass counts. As one of the rows may be
    /// a user by now, they are not looked up.
    pub in_files: &'a HashSet<KeyHash>,
}

impl Sharing<'_> {
    /// A line for each of these new users that shares a verified email with a user that is here: the
    /// place of its row and the id of that user, but no address.
    pub(super) async fn find(
        self,
        session: &mut Session,
        rows: &[ReadRow],
        new: &[&ImportedUser],
        source: &Source,
    ) -> Result<Vec<String>, StoreError> {
        let mut asked: BTreeMap<&str, Option<UserId>> = BTreeMap::new();
        for user in new {
            asked.extend(self.emails(user).map(|email| (email, None)));
        }
        let emails: Vec<String> = asked.keys().map(|email| (*email).to_owned()).collect();
        for emails in emails.chunks(MOST_EMAILS) {
            for found in session.owners_of_emails(emails, false, 1).await? {
                if let Some(owner) = asked.get_mut(&*found.email) {
                    *owner = Some(found.owner);
                }
            }
        }
        if asked.values().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let new: BTreeSet<&UserId> = new.iter().map(|user| &user.user.id).collect();
        let mut lines = Vec::new();
        for ReadRow { place, what } in rows {
            let What::User(row) = what else { continue };
            if !new.contains(&row.imported.user.id) {
                continue;
            }
            let owners = self.emails(&row.imported).filter_map(|email| asked.get(email)?.as_ref());
            let owners: BTreeSet<&str> = owners.map(UserId::as_str).collect();
            if !owners.is_empty() {
                let owners: Vec<&str> = owners.into_iter().collect();
                lines.push(format!("{}: {}", source.show(*place), owners.join(", ")));
            }
        }
        Ok(lines)
    }

    /// The emails of a user that its source says are verified, as they are compared.
    fn emails(self, user: &ImportedUser) -> impl Iterator<Item = &str> {
        let emails = user.user.identities.iter().filter_map(|identity| identity.email.as_ref());
        let verified = emails.filter(|email| email.verified.is_some());
        verified
            .filter_map(|email| email.canonical.as_deref())
            .filter(move |email| !self.in_files.contains(&KeyHash::of_email(email)))
    }
}
