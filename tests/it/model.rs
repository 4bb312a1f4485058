//! Links and unlinks in any order, against a model of two maps.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU32, Ordering},
};

use futures_util::future::join_all;
use identity_link::grpc::proto::{self as pb, link_response::Outcome};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use tonic::Status;

use crate::support::{
    model::{Call, Change, Id, Model},
    *,
};

/// The providers of a story's identities. A wallet is link-only.
const PROVIDERS: [&str; 7] =
    ["google-oauth2", "github", "sms", "wallet", "github", "sms", "wallet"];

/// The user that a step names.
#[derive(Debug, Clone)]
enum Who {
    /// The owner of this identity.
    OwnerOf(Id),
    /// Any user that has ever existed.
    Anybody(Index),
}

/// A step of a story, before its users are known.
#[derive(Debug, Clone)]
enum Step {
    Create(Id),
    LinkIdentity(Who, Id),
    LinkUser(Who, Who),
    /// The identity is unlinked from its owner.
    Detach(Id),
    Unlink(Who, Id),
    /// The identity's owner releases it.
    Release(Id),
    SetPrimary(Id),
    SetPrimaryOf(Who, Id),
    Delete(Who, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let id = || 0..PROVIDERS.len();
    let who = || prop_oneof![3 => id().prop_map(Who::OwnerOf), 1 => any::<Index>().prop_map(Who::Anybody)];
    prop_oneof![
        3 => id().prop_map(Step::Create),
        6 => (who(), id()).prop_map(|(user, id)| Step::LinkIdentity(user, id)),
        4 => (who(), who()).prop_map(|(user, other)| Step::LinkUser(user, other)),
        10 => id().prop_map(Step::Detach),
        2 => (who(), id()).prop_map(|(user, id)| Step::Unlink(user, id)),
        2 => id().prop_map(Step::Release),
        5 => id().prop_map(Step::SetPrimary),
        1 => (who(), id()).prop_map(|(user, id)| Step::SetPrimaryOf(user, id)),
        1 => (who(), any::<bool>()).prop_map(|(user, include)| Step::Delete(user, include)),
    ]
}

/// One story on the server, with identities of its own.
struct Story {
    service: Caller,
    prefix: String,
    model: Model,
    /// The id of every user that has ever existed.
    ids: Vec<String>,
}

impl Story {
    fn new(service: Caller) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let link_only = (0..PROVIDERS.len()).filter(|id| PROVIDERS[*id] == "wallet").collect();
        Self { service, prefix, model: Model::new(link_only), ids: Vec::new() }
    }

    fn subject(&self, id: Id) -> String {
        format!("{}-{id}", self.prefix)
    }

    fn who(&self, who: &Who) -> String {
        let known = match who {
            Who::OwnerOf(id) => self.model.owner.get(id),
            Who::Anybody(_) if self.ids.is_empty() => None,
            Who::Anybody(index) => Some(index.get(&self.ids)),
        };
        known.cloned().unwrap_or_else(|| "usr_nobody".to_owned())
    }

    fn call(&self, step: &Step) -> Call {
        match step {
            Step::Create(id) => Call::Create(*id),
            Step::LinkIdentity(user, id) => Call::LinkIdentity(self.who(user), *id),
            Step::LinkUser(user, other) => Call::LinkUser(self.who(user), self.who(other)),
            Step::Detach(id) => Call::Unlink(self.who(&Who::OwnerOf(*id)), *id),
            Step::Unlink(user, id) => Call::Unlink(self.who(user), *id),
            Step::Release(id) => Call::Release(self.who(&Who::OwnerOf(*id)), *id),
            Step::SetPrimary(id) => Call::SetPrimary(self.who(&Who::OwnerOf(*id)), *id),
            Step::SetPrimaryOf(user, id) => Call::SetPrimary(self.who(user), *id),
            Step::Delete(user, include) => {
                Call::Delete { user: self.who(user), include_absorbed: *include }
            }
        }
    }

    /// Makes the call. Returns the change that the response shows, and the id of a new user, or an
    /// empty text.
    async fn make(&self, call: Call) -> Result<(Change, String), Status> {
        let none = String::new();
        Ok(match call {
            Call::Create(id) => {
                let identity_ref = identity_ref(PROVIDERS[id], &self.subject(id));
                let identity = Some(pb::NewIdentity { identity_ref, ..Default::default() });
                let request = pb::CreateUserRequest { identity, ..Default::default() };
                (Change::Created(id), self.service.create_user(request).await?.user.unwrap().id)
            }
            Call::LinkIdentity(user, id) => {
                let request = link_identity(&user, PROVIDERS[id], &self.subject(id));
                (linked(self.service.link(request).await?), none)
            }
            Call::LinkUser(user, other) => {
                (linked(self.service.link(link_user(&user, &other)).await?), none)
            }
            Call::Unlink(user, id) => {
                let unlinked =
                    self.service.unlink(unlink(&user, PROVIDERS[id], &self.subject(id))).await?;
                let detached = unlinked.detached_user.unwrap().id;
                match unlinked.restored {
                    true => (Change::Restored { identity: id, user: detached }, none),
                    false => (Change::Detached(id), detached),
                }
            }
            Call::Release(user, id) => {
                let released =
                    self.service.unlink(release(&user, PROVIDERS[id], &self.subject(id))).await?;
                assert_eq!((released.released, released.detached_user), (true, None));
                (Change::Released(id), none)
            }
            Call::SetPrimary(user_id, id) => {
                let before =
                    self.service.get_user(pb::GetUserRequest { user_id: user_id.clone() }).await?;
                let identity = identity_ref(PROVIDERS[id], &self.subject(id));
                let request = pb::SetPrimaryIdentityRequest {
                    user_id: user_id.clone(),
                    identity,
                    ..Default::default()
                };
                let after = self.service.set_primary_identity(request).await?;
                let changed = before.user != after.user;
                (if changed { Change::Primary(user_id, id) } else { Change::Nothing }, none)
            }
            Call::Delete { user, include_absorbed } => {
                let request =
                    pb::DeleteUserRequest { user_id: user, include_absorbed, ..Default::default() };
                (Change::Deleted(self.service.delete_user(request).await?.deleted_user_ids), none)
            }
        })
    }

    async fn play(&mut self, step: &Step) {
        let call = self.call(step);
        let expected = self.model.judge(&call).map_err(str::to_owned);
        match (expected, self.make(call.clone()).await) {
            (Ok(expected), Ok((change, new_user))) => {
                assert_eq!(change, expected, "{call:?}");
                if !new_user.is_empty() {
                    self.ids.push(new_user.clone());
                }
                self.model.make(change, new_user);
            }
            (expected, outcome) => assert_eq!(
                outcome.map_err(|status| refusal::<()>(Err(status))).map(|(change, _)| change),
                expected,
                "{call:?}"
            ),
        }
        self.compare().await;
    }

    /// Each lookup returns what the model returns.
    async fn compare(&self) {
        let mut users = std::collections::BTreeMap::new();
        let look_ups = (0..PROVIDERS.len()).map(|id| {
            let identity = identity_ref(PROVIDERS[id], &self.subject(id));
            self.service.find_by_identity(pb::FindByIdentityRequest { identity })
        });
        for (id, found) in join_all(look_ups).await.into_iter().enumerate() {
            let Some(owner) = self.model.owner.get(&id) else {
                assert_eq!(refusal(found), "NotFound IDENTITY_NOT_FOUND");
                continue;
            };
            let user = found.unwrap().user.unwrap();
            assert_eq!(user.id, *owner);
            let expected = self.model.identities(owner);
            let names =
                expected.iter().map(|id| format!("{}|{}", PROVIDERS[*id], self.subject(*id)));
            assert_eq!(identities(&user), names.collect::<Vec<_>>());
            let homes: Vec<_> =
                user.identities.iter().map(|identity| &identity.origin_user_id).collect();
            assert_eq!(homes, expected.iter().map(|id| &self.model.home[id]).collect::<Vec<_>>());
            users.insert(owner, user);
        }
        let state = |id: &String| match self.model.holder.get(id) {
            Some(holder) if holder == id => format!("CURRENT {id}"),
            Some(holder) => format!("ABSORBED {holder}"),
            None => "DELETED ".to_owned(),
        };
        if !self.ids.is_empty() {
            let asked: Vec<&str> = self.ids.iter().map(String::as_str).collect();
            assert_eq!(
                self.service.resolved(&asked).await,
                self.ids.iter().map(state).collect::<Vec<_>>()
            );
        }
        for (id, holder) in self.model.holder.iter().filter(|(id, holder)| id != holder) {
            assert_eq!(&self.service.user(id).await, &users[holder]);
        }
    }
}

fn linked(answer: pb::LinkResponse) -> Change {
    match answer.outcome() {
        Outcome::Absorbed => {
            let link = answer.link.unwrap();
            Change::Absorbed { primary: link.primary_user_id, secondary: link.secondary_user_id }
        }
        Outcome::AlreadyLinked => Change::Nothing,
        other => panic!("a link without a proof attaches nothing: {other:?}"),
    }
}

#[test]
fn any_sequence_of_calls_has_the_result_of_the_model() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(TestServer::start());
    let stranded = RefCell::new(Vec::new());
    // The shrunk input of a failure is printed. Nothing else is kept to repeat it.
    let config =
        Config { cases: 12, max_shrink_iters: 100, failure_persistence: None, ..Config::default() };
    let steps = prop::collection::vec(any_step(), 40..80);

    TestRunner::new(config)
        .run(&steps, |steps| {
            let mut story = Story::new(server.service());
            let first = (0..PROVIDERS.len()).map(Step::Create);
            for step in first.chain(steps) {
                runtime.block_on(story.play(&step));
            }
            stranded.borrow_mut().extend(story.model.stranded());
            Ok(())
        })
        .unwrap();

    let mut stranded = stranded.into_inner();
    stranded.sort();
    runtime.block_on(server.database.db_assert_invariants_but_no_way_back_for(&stranded));
}
