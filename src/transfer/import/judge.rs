//! What becomes of a checked row, by what is stored under its names.

use super::{
    reading::NewUser,
    verdict::{Reason, ReasonCode},
};
use crate::{
    domain::UserId,
    store::{ImportedUser, StoredName, StoredNames},
};

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It becomes a user.
    New,
    /// It is this user already.
    Present(UserId),
    /// It cannot become a user.
    Refused(Vec<Reason>),
}

/// A row whose accounts belong in part to users that may be linked into its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attachment {
    /// The user of the row if it is here already.
    pub present: Option<UserId>,
    /// The accounts of others: the place of each in the row, and its user.
    pub taken: Vec<(usize, UserId)>,
}

/// What is to be attached to the user of a row; `None` if no other user has an account of it, or if
/// the row is refused for another reason. The user of the row is not here at all, or is here with
/// each of its ids and at least one account, and then lacks nothing but the accounts of others.
/// `created` is that user if this run has made it.
pub(super) fn attachment(
    row: &NewUser,
    stored: &StoredNames,
    created: Option<&UserId>,
) -> Option<Attachment> {
    if !row.repeated.is_empty() || the_user(row, stored).is_some() {
        return None;
    }
    let own = Some(&stored.id).filter(|_| row.has_own_id);
    let ids: Vec<&StoredName> = own.into_iter().chain(&stored.aliases).collect();
    let present = created.or_else(|| ids.first().and_then(|name| name.holder.as_ref())).cloned();
    let is_known = |name: &&StoredName| name.holder == present;
    let is_deleted = |name: &StoredName| name.holder.is_none() && name.was_deleted;
    let all = ids.iter().copied().chain(&stored.identities);
    if !ids.iter().all(is_known) || all.into_iter().any(is_deleted) {
        return None;
    }
    let accounts = row.places.iter().zip(&stored.identities);
    let of_others = accounts.filter_map(|(place, name)| Some((*place, name.holder.clone()?)));
    let taken: Vec<(usize, UserId)> =
        of_others.filter(|(_, holder)| Some(holder) != present.as_ref()).collect();
    let has_free = stored.identities.iter().any(|name| name.holder.is_none());
    let has_own = stored.identities.len() > taken.len();
    let is_whole = present.is_none() || !has_free && has_own;
    (is_whole && !taken.is_empty()).then_some(Attachment { present, taken })
}

impl Attachment {
    /// The user of the row without the accounts of others, the first free one as its primary one.
    pub(super) fn free(&self, row: &NewUser) -> ImportedUser {
        let mut imported = row.imported.clone();
        let is_free = |place: &usize| self.taken.iter().all(|(taken, _)| taken != place);
        let identities = row.places.iter().zip(std::mem::take(&mut imported.user.identities));
        let free = identities.filter(|(place, _)| is_free(place));
        imported.user.identities = free.map(|(_, identity)| identity).collect();
        if let Some(first) = imported.user.identities.first() {
            imported.user.primary = first.id.clone();
        }
        imported
    }
}

/// Judges a row. A row whose names all belong to one live user is there already, from an earlier
/// run or by sign-ins; nothing of that user is changed.
pub(super) fn judge(row: &NewUser, stored: &StoredNames) -> Judgement {
    if let Some(user) = the_user(row, stored) {
        return Judgement::Present(user.clone());
    }
    let id = [("id".to_owned(), &stored.id)].into_iter();
    let aliases =
        (0..).zip(&stored.aliases).map(|(at, name): (usize, _)| (format!("aliases/{at}"), name));
    let mut reasons = row.repeated.clone();
    reasons.extend(id.chain(aliases).filter_map(|(field, name)| against_id(field, name)));
    let accounts = row.places.iter().zip(&stored.identities);
    reasons.extend(accounts.filter_map(|(at, name)| against_account(*at, name)));
    if reasons.is_empty() { Judgement::New } else { Judgement::Refused(reasons) }
}

/// The one live user to which all names of the row belong.
fn the_user<'a>(row: &NewUser, stored: &'a StoredNames) -> Option<&'a UserId> {
    let id = Some(&stored.id).filter(|_| row.has_own_id);
    let mut names = id.into_iter().chain(&stored.aliases).chain(&stored.identities);
    let first = names.next()?.holder.as_ref()?;
    names.all(|name| name.holder.as_ref() == Some(first)).then_some(first)
}

fn against_id(field: String, name: &StoredName) -> Option<Reason> {
    match name {
        StoredName { holder: Some(holder), .. } => {
            let text = format!(
                "This id names the user {holder} already, who is not the user of this row."
            );
            Some(Reason::new(ReasonCode::IdTaken, field, text))
        }
        StoredName { was_deleted: true, .. } => {
            let text = "The user with this id was deleted here: a file does not bring it back.";
            Some(Reason::new(ReasonCode::Deleted, field, text))
        }
        StoredName { .. } => None,
    }
}

fn against_account(at: usize, name: &StoredName) -> Option<Reason> {
    let field = format!("identities/{at}");
    match name {
        StoredName { holder: Some(holder), .. } => {
            let text = format!("This account belongs to the user {holder} already.");
            Some(Reason::new(ReasonCode::IdentityTaken, field, text))
        }
        StoredName { was_deleted: true, .. } => {
            let text =
                "The user with this account was deleted here: a file does not bring it back.";
            Some(Reason::new(ReasonCode::Deleted, field, text))
        }
        StoredName { .. } => None,
    }
}
