//! Finding duplicates: users that are likely one person, why, and what stands against a link.
//!
//! A rule looks at live users alone, with their emails judged by today's policies. What it finds is
//! a value that several users have, such as a verified email. Users that share values, directly or
//! over others, are one cluster.

mod evidence;
mod objections;

use std::collections::HashSet;

pub use self::{
    evidence::{Holder, Rule, Rules, Shared, gmail_mailbox, is_phone_number},
    objections::{Mark, Objection},
};
use super::{
    ProviderPolicies, User, UserId,
    clusters::Clusters,
    linking::{MetadataChanges, merge_metadata},
    merge::{Arrays, Conflict, Strategy},
};

/// How the preview merges metadata: as an empty `MetadataMerge` does.
const PREVIEW: Strategy =
    Strategy::Merge { conflict: Conflict::PrimaryWins, arrays: Arrays::Concatenate };

/// Which user of a cluster would absorb the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrimaryChoice {
    /// The one that was created first.
    #[default]
    Oldest,
    /// The one with the most identities; of several, the one that was created first.
    MostUsed,
}

/// Users that are likely one person.
#[derive(Debug)]
pub struct Cluster {
    /// The user that would absorb the others.
    pub primary: User,
    /// The others, in the order in which they were created.
    pub secondaries: Vec<User>,
    /// What they share.
    pub shared: Vec<Shared>,
    /// What the merge of each secondary's metadata would change, after those before it. It ends
    /// before the first merge that is too large.
    pub merges: Vec<MetadataChanges>,
    /// What stands against the links; empty if nothing does.
    pub objections: Vec<Objection>,
}

/// The clusters of these live users, in the order of their smallest ids. `undone` holds the primary
/// and the secondary side of the undone links among the users and those that they hold.
pub fn clusters(
    users: Vec<User>,
    rules: Rules,
    choice: PrimaryChoice,
    policies: &ProviderPolicies,
    undone: &HashSet<(UserId, UserId)>,
) -> Vec<Cluster> {
    let shared = evidence::shared(&users, rules, policies);
    let mut connected = Clusters::default();
    shared.iter().flat_map(Shared::pairs).for_each(|(one, other)| connected.join(one, other));
    let (mut users, mut shared) = (users, shared);
    let sets = connected.into_sets().into_iter();
    let clusters = sets.filter_map(|ids| {
        let (of_set, rest): (Vec<User>, Vec<User>) = std::mem::take(&mut users)
            .into_iter()
            .partition(|user| ids.binary_search(&user.id).is_ok());
        users = rest;
        // The holders of a value are all in one cluster.
        let is_of_set = |value: &Shared| value.users().any(|user| ids.binary_search(user).is_ok());
        let (evidence, rest): (Vec<Shared>, Vec<Shared>) =
            std::mem::take(&mut shared).into_iter().partition(is_of_set);
        shared = rest;
        cluster(of_set, evidence, choice, policies, undone)
    });
    clusters.collect()
}

/// The cluster of these users; `None` if they are none.
fn cluster(
    mut users: Vec<User>,
    shared: Vec<Shared>,
    choice: PrimaryChoice,
    policies: &ProviderPolicies,
    undone: &HashSet<(UserId, UserId)>,
) -> Option<Cluster> {
    let mut objections = objections::of(&users, &shared, policies, undone);
    users.sort_by(|a, b| (a.create_time, &a.id).cmp(&(b.create_time, &b.id)));
    let at = match choice {
        PrimaryChoice::Oldest => 0,
        PrimaryChoice::MostUsed => {
            let most = users.iter().map(|user| user.identities.len()).max()?;
            users.iter().position(|user| user.identities.len() == most)?
        }
    };
    if at >= users.len() {
        return None;
    }
    let primary = users.remove(at);
    let mut merged = primary.clone();
    let mut merges = Vec::new();
    for secondary in &users {
        let merge = merge_metadata(
            &mut merged,
            (&secondary.user_metadata, PREVIEW),
            (&secondary.app_metadata, PREVIEW),
        );
        if let Ok(changes) = merge {
            merges.push(changes);
        } else {
            objections.push(Objection::of_users(Mark::MetadataTooLarge, [&secondary.id]));
            break;
        }
    }
    Some(Cluster { primary, secondaries: users, shared, merges, objections })
}

#[cfg(test)]
mod tests;
