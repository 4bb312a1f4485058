//! The walks over all identities, which find users that may share a value.

use super::{DuplicatesError, notes::Notes};
use crate::{
    domain::{
        UserId,
        clusters::Clusters,
        duplicates::{Rules, gmail_mailbox, is_phone_number},
    },
    store::{AccountPlace, EmailOwner, EmailPlace, Session},
};

/// How many identities a page has.
const PAGE: usize = 10_000;
/// The most users of one email that are connected. An email of more belongs to no person.
const MAX_OWNERS: usize = 1_000;
/// How many emails are looked up at once.
const EMAILS: usize = 100;

/// The walks of one search.
pub(super) struct Walk<P> {
    rules: Rules,
    clusters: Clusters<UserId>,
    read: u64,
    progress: P,
}

impl<P: Fn(u64)> Walk<P> {
    /// `progress` is called with the number of identities that were read.
    pub(super) fn new(rules: Rules, progress: P) -> Self {
        Self { rules, clusters: Clusters::default(), read: 0, progress }
    }

    /// The sets of users that may be one person, each in the order of the ids, and how many
    /// identities were read.
    ///
    /// # Errors
    /// [`DuplicatesError::Notes`] and [`DuplicatesError::Store`].
    pub(super) async fn all(
        mut self,
        session: &mut Session,
    ) -> Result<(Vec<Vec<UserId>>, u64), DuplicatesError> {
        if self.rules.verified_email || self.rules.email_one_side {
            self.emails(session).await?;
        }
        if self.rules.verified_phone || self.rules.gmail {
            self.claims(session).await?;
        }
        Ok((self.clusters.into_sets(), self.read))
    }

    fn has_read(&mut self, count: u64) {
        self.read += count;
        (self.progress)(self.read);
    }

    async fn emails(&mut self, session: &mut Session) -> Result<(), DuplicatesError> {
        let mut after = EmailPlace::default();
        // The place before the one that is looked at: a page may begin with the same email.
        let mut before = EmailPlace::default();
        let mut last_shared = String::new();
        loop {
            let page = session.emails_after(&after, PAGE).await?;
            let Some(last) = page.emails.last() else { return Ok(()) };
            after = last.clone();
            let mut shared = Vec::new();
            for place in page.emails {
                let is_shared = place.email == before.email && place.owner != before.owner;
                if is_shared && place.email != last_shared {
                    last_shared.clone_from(&place.email);
                    shared.push(place.email.clone());
                }
                before = place;
            }
            for emails in shared.chunks(EMAILS) {
                let unverified = self.rules.email_one_side;
                let owners = session.owners_of_emails(emails, unverified, MAX_OWNERS).await?;
                owners
                    .chunk_by(|one, other| one.email == other.email)
                    .for_each(|owners| self.join_owners(owners));
            }
            self.has_read(page.read);
        }
    }

    /// Connects the users of one email.
    fn join_owners(&mut self, owners: &[EmailOwner]) {
        let Some(first) = owners.iter().find(|owner| owner.counts) else { return };
        let joined = owners.iter().filter(|owner| owner.counts || self.rules.email_one_side);
        joined.for_each(|owner| self.clusters.join(&first.owner, &owner.owner));
    }

    async fn claims(&mut self, session: &mut Session) -> Result<(), DuplicatesError> {
        let mut notes = Notes::new()?;
        let mut after = AccountPlace::default();
        loop {
            let page = session.claims_after(&after, PAGE).await?;
            for claims in page.claims {
                let phone = claims.phone.filter(|number| is_phone_number(number));
                if let Some(number) = phone.filter(|_| self.rules.verified_phone) {
                    notes.note(&number, &claims.owner)?;
                }
                let mailbox = claims.gmail.as_deref().and_then(gmail_mailbox);
                if let Some(mailbox) = mailbox.filter(|_| self.rules.gmail) {
                    notes.note(&mailbox, &claims.owner)?;
                }
            }
            self.has_read(page.read);
            let Some(next) = page.next else { break };
            after = next;
        }
        Ok(notes.join_into(&mut self.clusters)?)
    }
}
