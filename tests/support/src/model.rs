//! A model of what links and unlinks do, in a few maps: no database, no rows, no times.

use std::collections::{BTreeMap, BTreeSet};

/// The number of an identity in the story.
pub type Id = usize;

/// The model of all users and identities.
#[derive(Debug, Default)]
pub struct Model {
    /// The owner of each identity.
    pub owner: BTreeMap<Id, String>,
    /// The holder of each user: the user itself, or the user that absorbed it.
    pub holder: BTreeMap<String, String>,
    /// The origin user of each identity.
    pub home: BTreeMap<Id, String>,
    /// The primary identity of each live user.
    pub primary: BTreeMap<String, Id>,
    /// The ids of deleted users.
    pub deleted: BTreeSet<String>,
    /// The identities in the order in which they came to their owners.
    arrivals: Vec<Id>,
    /// The identities that cannot sign in.
    link_only: BTreeSet<Id>,
}

/// A call, with the users and identities that it names.
#[derive(Debug, Clone)]
pub enum Call {
    Create(Id),
    LinkIdentity(String, Id),
    LinkUser(String, String),
    Unlink(String, Id),
    Release(String, Id),
    SetPrimary(String, Id),
    Delete { user: String, include_absorbed: bool },
}

/// What a call changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Nothing,
    Created(Id),
    Absorbed { primary: String, secondary: String },
    Restored { identity: Id, user: String },
    Detached(Id),
    Released(Id),
    Primary(String, Id),
    Deleted(Vec<String>),
}

type Judged<T> = Result<T, &'static str>;

impl Model {
    /// A model without users; these identities cannot sign in.
    pub fn new(link_only: BTreeSet<Id>) -> Self {
        Self { link_only, ..Self::default() }
    }

    /// A user's identities in the order of a response.
    pub fn identities(&self, user: &str) -> Vec<Id> {
        let first = self.primary.get(user);
        let rest = self.arrivals.iter().filter(|id| self.owner[id] == user && Some(*id) != first);
        first.into_iter().chain(rest).copied().collect()
    }

    /// The absorbed users that no unlink brings back, since no identity has them as origin user, in
    /// byte order.
    pub fn stranded(&self) -> Vec<String> {
        let absorbed =
            self.holder.iter().filter(|(user, holder)| user != holder).map(|(user, _)| user);
        absorbed.filter(|user| !self.home.values().any(|home| home == *user)).cloned().collect()
    }

    /// What the call of a service does: its change, or the code and reason of its refusal.
    pub fn judge(&self, call: &Call) -> Judged<Change> {
        match call {
            Call::Create(id) if self.owner.contains_key(id) => Err("AlreadyExists IDENTITY_TAKEN"),
            Call::Create(id) => Ok(Change::Created(*id)),
            Call::LinkIdentity(user, id) => {
                self.live(user)?;
                let owner = self.owner.get(id).ok_or("NotFound IDENTITY_NOT_FOUND")?;
                Ok(self.absorbing(user, owner))
            }
            Call::LinkUser(user, secondary) if user == secondary => {
                Err("InvalidArgument SAME_USER")
            }
            Call::LinkUser(user, secondary) => {
                self.live(user)?;
                if self.holder.get(secondary) == Some(user) {
                    return Ok(Change::Nothing);
                }
                self.live(secondary)?;
                Ok(self.absorbing(user, secondary))
            }
            Call::Unlink(user, id) => self.judge_unlink(user, *id),
            Call::Release(user, id) => self.judge_unlink(user, *id).map(|_| Change::Released(*id)),
            Call::SetPrimary(user, id) => {
                self.live(user)?;
                self.owned(user, *id)?;
                let is_set = self.primary[user] == *id;
                Ok(if is_set { Change::Nothing } else { Change::Primary(user.clone(), *id) })
            }
            Call::Delete { user, include_absorbed } => {
                self.live(user)?;
                let held = self
                    .holder
                    .iter()
                    .filter(|(_, holder)| *holder == user)
                    .map(|(held, _)| held.clone());
                let held: Vec<String> = held.collect();
                if held.len() > 1 && !include_absorbed {
                    return Err("FailedPrecondition ABSORBED_USERS_EXIST");
                }
                Ok(Change::Deleted(held))
            }
        }
    }

    fn judge_unlink(&self, user: &str, id: Id) -> Judged<Change> {
        self.live(user)?;
        self.owned(user, id)?;
        let rest: Vec<Id> =
            self.identities(user).into_iter().filter(|other| *other != id).collect();
        let signs_in = |id: &Id| !self.link_only.contains(id);
        if rest.is_empty() || (signs_in(&id) && !rest.iter().any(signs_in)) {
            return Err("FailedPrecondition LAST_IDENTITY");
        }
        if self.primary[user] == id {
            return Err("FailedPrecondition PRIMARY_IDENTITY");
        }
        let home = &self.home[&id];
        let comes_back = home != user && !rest.iter().any(|other| self.home[other] == *home);
        Ok(if comes_back {
            Change::Restored { identity: id, user: home.clone() }
        } else {
            Change::Detached(id)
        })
    }

    fn live(&self, user: &str) -> Judged<()> {
        match self.holder.get(user) {
            None => Err("NotFound USER_NOT_FOUND"),
            Some(holder) if holder == user => Ok(()),
            Some(_) => Err("FailedPrecondition USER_ABSORBED"),
        }
    }

    fn owned(&self, user: &str, id: Id) -> Judged<()> {
        if self.owner.get(&id).is_some_and(|owner| owner == user) {
            Ok(())
        } else {
            Err("NotFound IDENTITY_NOT_FOUND")
        }
    }

    fn absorbing(&self, primary: &str, secondary: &str) -> Change {
        if primary == secondary {
            return Change::Nothing;
        }
        Change::Absorbed { primary: primary.to_owned(), secondary: secondary.to_owned() }
    }

    /// Makes a change; `new_user` is the new user's id from the response, if there is a new user.
    pub fn make(&mut self, change: Change, new_user: String) {
        match change {
            Change::Nothing => {}
            Change::Created(id) | Change::Detached(id) => {
                self.home.insert(id, new_user.clone());
                self.holder.insert(new_user.clone(), new_user.clone());
                self.give(id, new_user);
            }
            Change::Restored { identity, user } => {
                self.holder.insert(user.clone(), user.clone());
                self.give(identity, user);
            }
            Change::Absorbed { primary, secondary } => {
                let moved =
                    self.arrivals.clone().into_iter().filter(|id| self.owner[id] == secondary);
                for id in moved.collect::<Vec<_>>() {
                    self.arrivals.retain(|other| *other != id);
                    self.arrivals.push(id);
                    self.owner.insert(id, primary.clone());
                }
                for holder in self.holder.values_mut().filter(|holder| **holder == secondary) {
                    holder.clone_from(&primary);
                }
                self.primary.remove(&secondary);
            }
            Change::Released(id) => {
                self.arrivals.retain(|other| *other != id);
                self.owner.remove(&id);
                self.home.remove(&id);
            }
            Change::Primary(user, id) => {
                self.primary.insert(user, id);
            }
            Change::Deleted(users) => {
                self.arrivals.retain(|id| !users.contains(&self.owner[id]));
                self.owner.retain(|_, owner| !users.contains(owner));
                self.home.retain(|id, _| self.owner.contains_key(id));
                self.holder.retain(|user, _| !users.contains(user));
                self.primary.retain(|user, _| !users.contains(user));
                self.deleted.extend(users);
            }
        }
    }

    fn give(&mut self, id: Id, user: String) {
        self.arrivals.retain(|other| *other != id);
        self.arrivals.push(id);
        self.primary.insert(user.clone(), id);
        self.owner.insert(id, user);
    }
}
