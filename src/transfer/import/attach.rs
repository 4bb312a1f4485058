//! Links the users that signed in meanwhile: they have accounts of rows whose users are not here yet.
//!
//! The user of the row is created with its free accounts, and then absorbs the others by the ordinary
//! link, as the operator. Each link expects the versions of both users by which it was judged. So a
//! call that comes between changes nothing unseen: the row is judged again. After an interruption
//! between the two steps, the next run finds the user of the row by its id, and makes the link.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    ImportError,
    judge::{Attachment, attachment},
    reading::{Attached, NewUser, ReadRow, What},
    verdict::{Reason, ReasonCode},
};
use crate::{
    auth::Permit,
    clock,
    domain::{
        DomainError, IdentityRef, TenantId, User, UserId,
        attaching::{EarlierUser, against_attaching},
        linking::LinkTerms,
    },
    store::{ImportedUser, LockKeys, Session, StoreError, StoredName, StoredNames},
    use_cases::{Error, Link, NotStored, Secondary, UseCases},
};

/// How often a row is judged before it is refused because calls change its users each time.
const MAX_TRIES: usize = 3;

/// Links users into those of rows.
#[derive(Clone, Copy)]
pub(super) struct Attacher<'a> {
    /// The use cases, whose store is that of the import.
    pub use_cases: &'a Arc<UseCases>,
    /// Who links.
    pub permit: &'a Permit,
    /// The tenant.
    pub tenant_id: &'a TenantId,
    /// The run, which is the plan of the links.
    pub run: Uuid,
    /// Whether nothing is written.
    pub is_dry_run: bool,
}

/// What a try comes to.
enum Tried {
    /// The row is settled so.
    Settled(What),
    /// It is judged like any other row.
    Left,
    /// A call changed a user since it was read.
    Overtaken,
}

/// What was done for a row so far.
#[derive(Default)]
struct Done {
    /// The user of the row, if this run has created it.
    created: Option<UserId>,
    /// The users that were linked into it, or in a dry run would be.
    linked: Vec<UserId>,
}

/// The user of a row, and the users that it is to absorb.
struct Sides {
    /// The id of the user of the row, and its version if it is here already.
    primary: UserId,
    version: Option<i64>,
    secondaries: Vec<User>,
}

impl Attacher<'_> {
    /// The places of the rows of which users have accounts.
    ///
    /// # Errors
    /// [`ImportError::Store`].
    pub(super) async fn find(self, rows: &[ReadRow]) -> Result<Vec<usize>, ImportError> {
        let users = (0..).zip(rows).filter_map(|(at, row)| match &row.what {
            What::User(user) => Some((at, &**user)),
            What::Attached(_) | What::Skipped | What::Refused(_) => None,
        });
        let users: Vec<(usize, &NewUser)> = users.collect();
        let imported: Vec<&ImportedUser> = users.iter().map(|(_, user)| &user.imported).collect();
        let stored = self.session().await?.stored_names(&imported).await?;
        let found = users.iter().zip(&stored);
        let found = found.filter(|((_, user), stored)| attachment(user, stored, None).is_some());
        Ok(found.map(|((at, _), _)| *at).collect())
    }

    /// Settles the rows at these places.
    ///
    /// # Errors
    /// [`ImportError::Store`]; what was linked before stays.
    pub(super) async fn attach(
        self,
        rows: &mut [ReadRow],
        places: Vec<usize>,
    ) -> Result<(), ImportError> {
        for row in places {
            let Some(row) = rows.get_mut(row) else { continue };
            let What::User(user) = &row.what else { continue };
            if let Some(what) = self.settle(user).await? {
                row.what = what;
            }
        }
        Ok(())
    }

    /// What a row is afterwards; `None` if it is to be judged like any other.
    async fn settle(self, row: &NewUser) -> Result<Option<What>, ImportError> {
        let mut done = Done::default();
        for _ in 0..MAX_TRIES {
            match self.try_once(row, &mut done).await? {
                Tried::Settled(what) => return Ok(Some(what)),
                Tried::Left => return Ok(None),
                Tried::Overtaken => {}
            }
        }
        let text =
            "Calls changed a user with accounts of this row each time: import the row again.";
        Ok(Some(not_attached(row, text)))
    }

    /// Judges a row, and links its users.
    async fn try_once(self, row: &NewUser, done: &mut Done) -> Result<Tried, ImportError> {
        let mut session = self.session().await?;
        let stored = session.stored_names(&[&row.imported]).await?;
        let Some(stored) = stored.first() else { return Ok(Tried::Left) };
        let Some(attachment) = attachment(row, stored, done.created.as_ref()) else {
            return Ok(done.without_more(row, stored));
        };
        let sides = match self.judge(&mut session, row, &attachment).await? {
            Ok(Some(sides)) => sides,
            Ok(None) => return Ok(Tried::Overtaken),
            Err(reasons) => return Ok(Tried::Settled(What::Refused(row.refused(reasons)))),
        };
        let Sides { primary, version, secondaries } = sides;
        if version.is_none() {
            if !self.is_dry_run && !self.create(&mut session, &attachment.free(row)).await? {
                return Ok(Tried::Overtaken);
            }
            done.created = Some(primary.clone());
        }
        // The link uses a connection of its own.
        drop(session);
        let version = version.unwrap_or(row.imported.user.version);
        // Each link adds one to the version of the primary user.
        for (secondary, version) in secondaries.into_iter().zip(version..) {
            if !self.is_dry_run && !self.link(&primary, version, &secondary).await? {
                return Ok(Tried::Overtaken);
            }
            done.linked.push(secondary.id);
        }
        Ok(Tried::Settled(done.attached(row, primary)))
    }

    /// The sides of the links, or all reasons against them; no sides if a user is gone since.
    async fn judge(
        self,
        session: &mut Session,
        row: &NewUser,
        attachment: &Attachment,
    ) -> Result<Result<Option<Sides>, Vec<Reason>>, ImportError> {
        let holders: BTreeSet<&UserId> =
            attachment.taken.iter().map(|(_, holder)| holder).collect();
        let mut found = Vec::new();
        for holder in holders {
            let Some(user) = session.earlier_user(holder).await? else { return Ok(Ok(None)) };
            found.push(user);
        }
        let target = match &attachment.present {
            None => None,
            Some(id) => match session.users(&[id]).await?.pop() {
                Some(user) if user.absorbed.is_none() => Some(user),
                _ => return Ok(Ok(None)),
            },
        };
        let all: Vec<&User> = found.iter().map(|of| &of.user).chain(&target).collect();
        let ids: Vec<&UserId> = all.iter().copied().flat_map(User::ids).collect();
        let undone = session.undone_links_between(&ids, &ids).await?;
        let reasons = reasons(row, attachment, &found, &all, &undone);
        if !reasons.is_empty() {
            return Ok(Err(reasons));
        }
        let version = target.as_ref().map(|target| target.version);
        let primary = target.map_or_else(|| row.imported.user.id.clone(), |target| target.id);
        let secondaries = found.into_iter().map(|earlier| earlier.user).collect();
        Ok(Ok(Some(Sides { primary, version, secondaries })))
    }

    /// Creates the user of a row, with its event; `false` if a name is no longer free.
    async fn create(self, session: &mut Session, user: &ImportedUser) -> Result<bool, ImportError> {
        let created = async {
            let now = session.begin_locked(&LockKeys::default()).await?;
            session.insert_imported(&[user], now)?;
            session.record_import(self.run, 1, now)?;
            session.commit().await
        };
        match created.await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict(_)) => {
                session.abandon().await?;
                Ok(false)
            }
            Err(error) => {
                // If this fails too, the pool discards the connection.
                drop(session.abandon().await);
                Err(error.into())
            }
        }
    }

    /// Links a user into that of the row; `false` if one of them has changed.
    async fn link(
        self,
        primary: &UserId,
        version: i64,
        secondary: &User,
    ) -> Result<bool, ImportError> {
        let permit = self.permit.clone();
        let target = permit.target(Some(primary.clone())).map_err(|error| failed(&error.into()))?;
        let terms = LinkTerms {
            expected_version: Some(version),
            expected_secondary_version: Some(secondary.version),
            plan: Some(self.run),
            ..LinkTerms::default()
        };
        let link = Link {
            permit,
            target,
            secondary: Secondary::User(secondary.id.clone()),
            terms,
            validate_only: false,
            now: clock::now(),
        };
        match link.execute(self.use_cases, None, NotStored).await {
            Ok(NotStored(_)) => Ok(true),
            Err(Error::Domain(
                DomainError::VersionMismatch
                | DomainError::ConflictRetry
                | DomainError::UserNotFound
                | DomainError::UserAbsorbed
                | DomainError::UserBlocked
                | DomainError::TooManyIdentities,
            )) => Ok(false),
            Err(Error::Store(error)) => Err(error.into()),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn session(self) -> Result<Session, StoreError> {
        self.use_cases.store().session(self.tenant_id).await
    }
}

impl Done {
    /// What a row is whose user is this one.
    fn attached(&mut self, row: &NewUser, user: UserId) -> What {
        What::Attached(Box::new(Attached {
            user,
            is_created: self.created.is_some(),
            linked: std::mem::take(&mut self.linked),
            source_id: row.source_id.clone(),
        }))
    }

    /// What a row comes to when nothing more is to be attached.
    fn without_more(&mut self, row: &NewUser, stored: &StoredNames) -> Tried {
        let Some(created) = self.created.clone() else { return Tried::Left };
        let is_its = |name: &StoredName| name.holder.as_ref() == Some(&created);
        Tried::Settled(if stored.identities.iter().all(is_its) {
            self.attached(row, created)
        } else {
            not_attached(
                row,
                "The user of this row was created without the accounts of others, which have changed since: import the row again.",
            )
        })
    }
}

/// A row that is refused as a whole.
fn not_attached(row: &NewUser, text: &str) -> What {
    What::Refused(row.refused(vec![Reason::new(ReasonCode::NotAttached, "", text)]))
}

/// All that stands against the links of a row, for each account that another user has.
fn reasons(
    row: &NewUser,
    attachment: &Attachment,
    found: &[EarlierUser],
    all: &[&User],
    undone: &HashSet<(UserId, UserId)>,
) -> Vec<Reason> {
    let accounts: BTreeSet<&IdentityRef> =
        row.imported.user.identities.iter().map(|identity| &identity.id).collect();
    let target = attachment.present.as_ref();
    let is_blocked = match target {
        None => row.imported.user.blocked,
        Some(id) => all.iter().any(|user| user.id == *id && user.blocked),
    };
    let mut reasons = Vec::new();
    for (place, holder) in &attachment.taken {
        let Some(earlier) = found.iter().find(|of| of.user.id == *holder) else { continue };
        let others: Vec<&User> = all.iter().copied().filter(|of| of.id != *holder).collect();
        let objections = against_attaching(earlier, &accounts, is_blocked, &others, undone);
        let texts: Vec<&str> = objections.iter().map(|objection| objection.text()).collect();
        if !texts.is_empty() {
            let text = format!(
                "This account belongs to the user {holder}, who is not attached: {}.",
                texts.join(", and ")
            );
            reasons.push(Reason::new(ReasonCode::NotAttached, format!("identities/{place}"), text));
        }
    }
    if attachment.present.is_none() && attachment.taken.len() == row.places.len() {
        let text = "Other users have all accounts of this row: without one of its own, the link could not be undone.";
        reasons.push(Reason::new(ReasonCode::NotAttached, "identities", text));
    }
    reasons
}

/// A failure that no row causes.
fn failed(error: &Error) -> ImportError {
    ImportError::Store(StoreError::Fault(format!("a user could not be attached: {error:?}")))
}
