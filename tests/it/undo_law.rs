//! The law of undoing: after all links are undone, in any order and after any other changes, every
//! user has what it would have without the links. The test judges that by responses alone.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use identity_link::grpc::proto::{self as pb, metadata_merge as mm};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json as object};

use crate::support::*;

const PROVIDERS: [&str; 5] = ["auth0", "github", "google-oauth2", "okta", "sms"];

/// One step. Its users and links are chosen from those that fit when it is played.
#[derive(Debug, Clone)]
enum Step {
    /// One live user absorbs another.
    Link { primary: usize, secondary: usize, conflict: mm::Conflict, arrays: mm::Arrays },
    /// A live user gets a value that no other user has, or loses one.
    Edit { user: usize, place: usize, sets: bool },
    /// An identity is unlinked from its user.
    Unlink(usize),
    /// A standing link is undone.
    Undo(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let number = any::<usize>;
    let conflict = prop_oneof![Just(mm::Conflict::PrimaryWins), Just(mm::Conflict::SecondaryWins)];
    let arrays = prop_oneof![
        Just(mm::Arrays::Concatenate),
        Just(mm::Arrays::Union),
        Just(mm::Arrays::Replace)
    ];
    prop_oneof![
        5 => (number(), number(), conflict, arrays).prop_map(|(primary, secondary, conflict, arrays)| {
            Step::Link { primary, secondary, conflict, arrays }
        }),
        3 => (number(), number(), any::<bool>()).prop_map(|(user, place, sets)| Step::Edit { user, place, sets }),
        1 => number().prop_map(Step::Unlink),
        2 => number().prop_map(Step::Undo),
    ]
}

fn any_metadata() -> impl Strategy<Value = Value> {
    let value = || {
        prop_oneof![
            2 => (0..4_i32).prop_map(|n| object!(n)),
            2 => prop::collection::vec(0..3_i32, 0..3).prop_map(|items| object!(items)),
            1 => Just(object!({"x": 1})),
            1 => Just(object!({"x": 2, "y": null})),
            1 => Just(Value::Null),
        ]
    };
    prop::collection::btree_map(prop::sample::select(&["a", "b", "c", "d"][..]), value(), 0..4)
        .prop_map(|map| object!(map))
}

/// One story with users of its own, which have one identity each.
struct Story {
    service: Caller,
    subject: String,
    ids: Vec<String>,
    /// What each user would have without any link.
    without_links: BTreeMap<String, [Value; 2]>,
    /// The ids of the standing links and of the users that they absorbed.
    links: Vec<(String, String)>,
}

impl Story {
    async fn begin(service: Caller, documents: Vec<[Value; 2]>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let subject = format!("law-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut story = Self {
            service,
            subject,
            ids: Vec::new(),
            without_links: BTreeMap::new(),
            links: Vec::new(),
        };
        for (provider, metadata) in PROVIDERS.into_iter().zip(documents) {
            let [user, app] = metadata.clone();
            let created = story.service.create_with(provider, &story.subject, |request| {
                (request.user_metadata, request.app_metadata) = (object(user), object(app));
            });
            let id = created.await.id;
            story.without_links.insert(id.clone(), metadata);
            story.ids.push(id);
        }
        story
    }

    async fn live(&self) -> Vec<String> {
        let mut live = Vec::new();
        for id in &self.ids {
            if self.service.user(id).await.id == *id {
                live.push(id.clone());
            }
        }
        live
    }

    async fn play(&mut self, number: usize, step: Step) {
        let live = self.live().await;
        match step {
            Step::Link { primary, secondary, conflict, arrays } => {
                let (primary, secondary) =
                    (&live[primary % live.len()], &live[secondary % live.len()]);
                if primary != secondary {
                    let all = merge(conflict, arrays);
                    let link = pb::LinkRequest {
                        user_metadata: all,
                        app_metadata: all,
                        ..link_user(primary, secondary)
                    };
                    let link = self.service.link(link).await.unwrap().link.unwrap();
                    self.links.push((link.id, secondary.clone()));
                }
            }
            Step::Edit { user, place, sets } => {
                let (id, key) = (&live[user % live.len()], ["a", "b", "c", "d"][place % 4]);
                let now = self.service.user(id).await;
                let mut told = [json(&now.user_metadata), json(&now.app_metadata)];
                let expected = self.without_links.get_mut(id).unwrap();
                for document in told.iter_mut().chain(expected) {
                    let document = document.as_object_mut().unwrap();
                    if sets {
                        document.insert(key.to_owned(), object!(1000 + number));
                    } else {
                        document.remove(key);
                    }
                }
                let [user_metadata, app_metadata] = told.map(object);
                let new = pb::UserUpdate { user_metadata, app_metadata, ..Default::default() };
                self.service
                    .update_user(update(id, &["user_metadata", "app_metadata"], new))
                    .await
                    .unwrap();
            }
            Step::Unlink(at) => {
                let at = at % self.ids.len();
                let owner = self.service.user(&self.ids[at]).await.id;
                // The last identity and the primary one are not unlinked, which other tests cover.
                if let Ok(unlinked) =
                    self.service.unlink(unlink(&owner, PROVIDERS[at], &self.subject)).await
                {
                    assert_eq!(
                        unlinked.detached_user.unwrap().id,
                        self.ids[at],
                        "its origin user comes back"
                    );
                    self.links.retain(|(link, _)| *link != unlinked.link_id);
                }
            }
            Step::Undo(at) if !self.links.is_empty() => self.undo(at).await,
            Step::Undo(_) => {}
        }
    }

    async fn undo(&mut self, at: usize) {
        let (link_id, secondary) = self.links.remove(at % self.links.len());
        let undone = self
            .service
            .undo_link(pb::UndoLinkRequest { link_id, ..Default::default() })
            .await
            .unwrap();
        assert_eq!(undone.restored_user.unwrap().id, secondary);
    }

    async fn compare(&self) {
        for (id, provider) in self.ids.iter().zip(PROVIDERS) {
            let user = self.service.user(id).await;
            assert_eq!(user.id, *id, "the user is live");
            assert_eq!(identities(&user), [format!("{provider}|{}", self.subject)]);
            assert_eq!(user.identities[0].origin_user_id, *id);
            assert_eq!(
                [json(&user.user_metadata), json(&user.app_metadata)],
                self.without_links[id]
            );
        }
    }
}

#[test]
fn undoing_everything_leaves_what_there_would_have_been() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(TestServer::start());
    let config =
        Config { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let documents = prop::collection::vec([any_metadata(), any_metadata()], PROVIDERS.len());
    let stories = (
        documents,
        prop::collection::vec(any_step(), 4..24),
        prop::collection::vec(any::<usize>(), 24),
    );

    TestRunner::new(config)
        .run(&stories, |(documents, steps, order)| {
            runtime.block_on(async {
                let mut story = Story::begin(server.service(), documents).await;
                for (number, step) in steps.into_iter().enumerate() {
                    story.play(number, step).await;
                }
                for at in order {
                    if !story.links.is_empty() {
                        story.undo(at).await;
                    }
                }
                story.compare().await;
            });
            Ok(())
        })
        .unwrap();

    runtime.block_on(server.database.db_assert_invariants());
}
