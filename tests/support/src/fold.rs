//! The feed folded into fresh tables, as a consumer of it does.

use std::collections::BTreeMap;

use identity_link::grpc::proto::{self as pb, event::Detail};

use super::cluster::Database;

/// What a consumer stores: users by their ids, and the owners of identities.
#[derive(Debug, Default)]
pub struct Folded {
    users: BTreeMap<String, Held>,
    /// By `provider|subject`.
    owners: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
struct Held {
    version: i64,
    absorbed_into: Option<String>,
    blocked: bool,
}

impl Folded {
    /// Applies the next event of a feed that is folded from its beginning. Each change must begin
    /// at the version that the change before it ended with.
    #[track_caller]
    pub fn take_in_order(&mut self, event: &pb::Event) {
        for change in changes(event) {
            assert_eq!(change.version_before, self.version(&change.user_id), "{event:#?}");
            assert!(change.version_after > change.version_before, "{event:#?}");
        }
        self.take(event);
    }

    /// Applies an event, unless the list of users already contained its changes.
    pub fn take_if_new(&mut self, event: &pb::Event) {
        if changes(event).iter().any(|change| change.version_after > self.version(&change.user_id))
        {
            self.take(event);
        }
    }

    /// Stores a user from a list.
    pub fn take_listed(&mut self, user: &pb::User) {
        let held = Held { version: user.version, absorbed_into: None, blocked: user.blocked };
        self.users.insert(user.id.clone(), held);
        for identity in &user.identities {
            self.own(&user.id, identity.identity_ref.as_ref());
        }
    }

    /// Whether this user is stored.
    pub fn holds(&self, user_id: &str) -> bool {
        self.users.contains_key(user_id)
    }

    /// Asserts that the stored users and owners are equal to those of the database.
    pub async fn db_assert_is_all(&self, database: &Database) {
        let all = self.users.iter().map(|(id, held)| {
            let absorbed_into = held.absorbed_into.as_deref().unwrap_or("no user");
            format!("{id} {} {absorbed_into} {}", held.version, held.blocked)
        });
        let users = "SELECT id || ' ' || version || ' ' || coalesce(absorbed_into, 'no user') || ' ' || blocked \
            FROM users WHERE tenant_id = 'default' ORDER BY id";
        assert_eq!(all.collect::<Vec<_>>(), database.db_texts(users).await);
        self.db_assert_owners(database).await;
    }

    /// The same without absorbed users, for a consumer that began with a list, which does not
    /// contain them.
    pub async fn db_assert_is_all_that_lives(&self, database: &Database) {
        let live = self.users.iter().filter(|(_, held)| held.absorbed_into.is_none());
        let live: Vec<_> =
            live.map(|(id, held)| format!("{id} {} {}", held.version, held.blocked)).collect();
        let users = "SELECT id || ' ' || version || ' ' || blocked FROM users \
            WHERE tenant_id = 'default' AND absorbed_into IS NULL ORDER BY id";
        assert_eq!(live, database.db_texts(users).await);
        self.db_assert_owners(database).await;
    }

    async fn db_assert_owners(&self, database: &Database) {
        let owned: Vec<_> =
            self.owners.iter().map(|(identity, owner)| format!("{identity} {owner}")).collect();
        let identities = "SELECT provider || '|' || subject || ' ' || owner_id FROM identities \
            WHERE tenant_id = 'default' ORDER BY (provider || '|' || subject) COLLATE \"C\"";
        assert_eq!(owned, database.db_texts(identities).await);
    }

    fn version(&self, user_id: &str) -> i64 {
        self.users.get(user_id).map_or(0, |held| held.version)
    }

    fn take(&mut self, event: &pb::Event) {
        for change in changes(event) {
            self.users.entry(change.user_id.clone()).or_default().version = change.version_after;
        }
        match event.detail.as_ref().unwrap() {
            Detail::UserCreated(e) => {
                let user = self.users.get_mut(id(&e.user)).unwrap();
                (user.blocked, user.absorbed_into) = (e.blocked, None);
                self.move_to(id(&e.user), &e.identities);
            }
            Detail::UsersImported(_)
            | Detail::UserUpdated(_)
            | Detail::IdentityUpdated(_)
            | Detail::UserMetadataMerged(_)
            | Detail::UserPrimaryIdentityChanged(_)
            | Detail::IdentityLoggedOut(_)
            | Detail::AccountEventReported(_) => {}
            Detail::UserBlocked(e) => self.users.get_mut(id(&e.user)).unwrap().blocked = e.blocked,
            Detail::UserDeleted(e) => {
                for user_id in e.absorbed_user_ids.iter().map(String::as_str).chain([id(&e.user)]) {
                    self.users.remove(user_id);
                }
                for identity in &e.identities {
                    self.owners.remove(&name(identity));
                }
            }
            Detail::UserLinked(e) => {
                self.point(&e.repointed_user_ids, id(&e.primary));
                self.point(&[id(&e.absorbed).to_owned()], id(&e.primary));
                self.move_to(id(&e.primary), &e.moved_identities);
            }
            Detail::UserUnlinked(e) => {
                self.restore(id(&e.restored), &e.repointed_user_ids, &e.moved_identities);
            }
            Detail::LinkUndone(e) => {
                self.restore(id(&e.restored), &e.repointed_user_ids, &e.moved_identities);
            }
            Detail::IdentityAttached(e) => self.own(id(&e.user), e.identity.as_ref()),
            Detail::IdentityDetached(e) => {
                self.restore(id(&e.detached), &[], e.identity.as_slice());
            }
            Detail::IdentitiesRenamed(e) => {
                for pb::RenamedIdentity { identity, former } in &e.renamed {
                    self.owners.remove(&name(former.as_ref().unwrap()));
                    self.own(id(&e.user), identity.as_ref());
                }
            }
            Detail::IdentityReleased(e) => {
                drop(self.owners.remove(&name(e.identity.as_ref().unwrap())));
            }
        }
    }

    fn restore(&mut self, user_id: &str, with: &[String], identities: &[pb::IdentityRef]) {
        let user = self.users.get_mut(user_id).unwrap();
        (user.blocked, user.absorbed_into) = (false, None);
        self.point(with, user_id);
        self.move_to(user_id, identities);
    }

    fn point(&mut self, user_ids: &[String], to: &str) {
        for user_id in user_ids {
            self.users.entry(user_id.clone()).or_default().absorbed_into = Some(to.to_owned());
        }
    }

    fn move_to(&mut self, user_id: &str, identities: &[pb::IdentityRef]) {
        for identity in identities {
            self.own(user_id, Some(identity));
        }
    }

    fn own(&mut self, user_id: &str, identity: Option<&pb::IdentityRef>) {
        self.owners.insert(name(identity.unwrap()), user_id.to_owned());
    }
}

fn name(identity: &pb::IdentityRef) -> String {
    format!("{}|{}", identity.provider, identity.subject)
}

fn id(change: &Option<pb::UserChange>) -> &str {
    &change.as_ref().unwrap().user_id
}

/// The changes of users that an event contains.
fn changes(event: &pb::Event) -> Vec<&pb::UserChange> {
    let (sides, also): (Vec<_>, &[pb::UserChange]) = match event.detail.as_ref().unwrap() {
        Detail::UserCreated(e) => (vec![&e.user], &[]),
        Detail::UsersImported(_)
        | Detail::IdentityLoggedOut(_)
        | Detail::AccountEventReported(_) => (vec![], &[]),
        Detail::UserUpdated(e) => (vec![&e.user], &[]),
        Detail::UserBlocked(e) => (vec![&e.user], &[]),
        Detail::UserDeleted(e) => (vec![&e.user], &[]),
        Detail::UserLinked(e) => (vec![&e.primary, &e.absorbed], &[]),
        Detail::UserUnlinked(e) => (vec![&e.user, &e.restored], &e.also_changed),
        Detail::LinkUndone(e) => (vec![&e.user, &e.restored], &e.also_changed),
        Detail::IdentityAttached(e) => (vec![&e.user], &[]),
        Detail::IdentityDetached(e) => (vec![&e.user, &e.detached], &[]),
        Detail::IdentityReleased(e) => (vec![&e.user], &[]),
        Detail::IdentitiesRenamed(e) => (vec![&e.user], &[]),
        Detail::IdentityUpdated(e) => (vec![&e.user], &[]),
        Detail::UserMetadataMerged(e) => (vec![&e.user], &[]),
        Detail::UserPrimaryIdentityChanged(e) => (vec![&e.user], &[]),
    };
    sides.into_iter().filter_map(Option::as_ref).chain(also).collect()
}
