//! What becomes of a checked row, by what is stored under its names.

use super::{
    reading::NewUser,
    verdict::{Reason, ReasonCode},
};
use crate::{
    domain::UserId,
    store::{StoredName, StoredNames},
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

/// Judges a row. A row whose names all belong to one live user is there already, from an earlier
/// run or by sign-ins; nothing of that user is changed.
pub(super) fn judge(row: &NewUser, stored: &StoredNames) -> Judgement {
    if let Some(user) = the_user(row, stored) {
        return Judgement::Present(user.clone());
    }
    let id = [("id".to_owned(), &stored.id)].into_iter();
    let aliases =
        (0..).zip(&stored.aliases).map(|(at, name): (usize, _)| (format!("aliases/{at}"), name));
    let mut reasons: Vec<Reason> =
        id.chain(aliases).filter_map(|(field, name)| against_id(field, name)).collect();
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
