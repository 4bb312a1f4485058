//! Taking back by examples and by its law.

use proptest::{
    prelude::{Just, ProptestConfig, any, prop, prop_assert_eq, prop_oneof, proptest},
    strategy::Strategy as _,
};
use serde_json::json;

use super::*;
use crate::domain::merge::{Conflict, Strategy, merge};

fn metadata(value: Value) -> Metadata {
    match value {
        Value::Object(map) => Metadata::from_stored(map),
        other => panic!("not an object: {other}"),
    }
}

/// Users and links, as the store keeps them.
#[derive(Default)]
struct World {
    documents: Documents,
    /// The metadata that each user would have without any link.
    without_links: BTreeMap<UserId, Metadata>,
    links: Vec<(Uuid, UserId, UserId)>,
    versions: i64,
}

fn id(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn path(text: &str) -> Vec<String> {
    text.split('/').skip(1).map(str::to_owned).collect()
}

impl World {
    fn user(&mut self, name: &str, document: Value) {
        let metadata = metadata(document);
        self.without_links.insert(id(name), metadata.clone());
        self.documents.users.insert(id(name), Document { metadata, absorbed_by: None });
    }

    /// The live user that holds this one.
    fn holder(&self, user: &UserId) -> UserId {
        let absorbed_by = self.documents.users[user].absorbed_by;
        match absorbed_by.and_then(|by| self.links.iter().find(|(link, ..)| *link == by)) {
            Some((_, primary, _)) => self.holder(primary),
            None => user.clone(),
        }
    }

    fn link(&mut self, primary: &UserId, secondary: &UserId, strategy: Strategy) -> Uuid {
        let link = Uuid::new_v4();
        let theirs = self.documents.users[secondary].metadata.clone();
        let document = self.documents.users.get_mut(primary).unwrap();
        let merged = merge(&document.metadata, &theirs, strategy).unwrap();
        document.metadata = merged.metadata;
        self.documents.users.get_mut(secondary).unwrap().absorbed_by = Some(link);
        self.versions += 1;
        let Strategy::Merge { arrays, .. } = strategy else { panic!("it merges") };
        let changed = merged.changes.into_iter().filter(|change| change.before != change.after);
        let traces = changed.map(|change| Trace {
            path: path(&change.path),
            before: change.before,
            after: change.after,
        });
        let (order, primary_id) = (self.versions, primary.clone());
        self.documents.links.push(LinkTraces {
            link,
            primary: primary_id,
            order,
            arrays,
            traces: traces.collect(),
        });
        self.links.push((link, primary.clone(), secondary.clone()));
        link
    }

    fn undo(&mut self, link: Uuid) -> Unmerged {
        let outcome = self.documents.unmerge(link);
        let at = self.links.iter().position(|(id, ..)| *id == link).unwrap();
        let (_, _, secondary) = self.links.remove(at);
        self.documents.users.get_mut(&secondary).unwrap().absorbed_by = None;
        outcome
    }

    /// Sets or removes a value, both with links and without.
    fn edit(&mut self, user: &UserId, at: &[String], value: Option<&Value>) {
        let document = &mut self.documents.users.get_mut(user).unwrap().metadata;
        for metadata in [document, self.without_links.get_mut(user).unwrap()] {
            let mut root = Some(Value::Object(metadata.as_map().clone()));
            match value {
                Some(value) => put(&mut root, at, Some(value.clone())),
                None => remove(root.as_mut().unwrap(), at),
            }
            *metadata = self::metadata(root.unwrap());
        }
    }

    fn shown(&self, name: &str) -> Value {
        Value::Object(self.documents.users[&id(name)].metadata.as_map().clone())
    }
}

fn remove(value: &mut Value, at: &[String]) {
    match at {
        [] => {}
        [key] => drop(value.as_object_mut().map(|map| map.remove(key))),
        [key, rest @ ..] => {
            if let Some(below) = value.get_mut(key) {
                remove(below, rest);
            }
        }
    }
}

fn merging(conflict: Conflict, arrays: Arrays) -> Strategy {
    Strategy::Merge { conflict, arrays }
}

fn secondary_wins() -> Strategy {
    merging(Conflict::SecondaryWins, Arrays::Concatenate)
}

#[test]
fn what_was_edited_since_stays_and_is_named() {
    let mut world = World::default();
    world.user("p", json!({"own": 1, "theme": "dark"}));
    world.user("s", json!({"theme": "light", "lang": "de", "tz": "CET"}));
    let link = world.link(&id("p"), &id("s"), secondary_wins());
    world.edit(&id("p"), &path("/lang"), Some(&json!("fr")));

    let outcome = world.undo(link);

    assert_eq!(world.shown("p"), json!({"own": 1, "theme": "dark", "lang": "fr"}));
    assert_eq!(world.shown("s"), json!({"theme": "light", "lang": "de", "tz": "CET"}));
    assert_eq!(outcome.kept, [path("/lang")]);
    assert_eq!(outcome.taken.len(), 2);
}

#[test]
fn an_earlier_link_is_taken_back_from_below_a_later_one() {
    let mut world = World::default();
    world.user("p", json!({}));
    world.user("s", json!({"theme": "light", "box": {"x": 1}}));
    world.user("t", json!({"theme": "red", "box": {"y": 2}}));
    let first = world.link(&id("p"), &id("s"), secondary_wins());
    let second = world.link(&id("p"), &id("t"), secondary_wins());

    world.undo(first);
    assert_eq!(world.shown("p"), json!({"theme": "red", "box": {"y": 2}}));
    world.undo(second);
    assert_eq!(world.shown("p"), json!({}), "the object that the first link made is gone too");
}

#[test]
fn several_objects_that_a_later_link_wrote_into_are_gone_with_it() {
    let mut world = World::default();
    world.user("p", json!({}));
    world.user("s", json!({"o": {"own": 1}}));
    world.user("t", json!({"o": {"a": {"x": 1}, "b": {"x": 1}}}));
    world.user("u", json!({"o": {"a": {"x": 2}, "b": {"x": 2}}}));
    let inner = world.link(&id("s"), &id("t"), secondary_wins());
    let outer = world.link(&id("p"), &id("s"), secondary_wins());
    let later = world.link(&id("p"), &id("u"), secondary_wins());

    // Both objects came from `t`, and hold values of `u` alone now.
    world.undo(inner);
    assert_eq!(world.shown("p"), json!({"o": {"own": 1, "a": {"x": 2}, "b": {"x": 2}}}));
    world.undo(later);
    assert_eq!(world.shown("p"), json!({"o": {"own": 1}}));
    world.undo(outer);
    assert_eq!(world.shown("p"), json!({}));
}

#[test]
fn an_object_that_an_edit_removed_is_a_later_links_own() {
    let mut world = World::default();
    world.user("p", json!({"box": 0}));
    world.user("s", json!({"box": {"x": 1}}));
    world.user("t", json!({"box": {}}));
    let first = world.link(&id("p"), &id("s"), secondary_wins());
    world.edit(&id("p"), &path("/box"), None);
    let second = world.link(&id("p"), &id("t"), secondary_wins());

    let outcome = world.undo(first);
    assert_eq!(world.shown("p"), json!({"box": {}}), "nothing of the first link is there");
    assert_eq!(outcome.kept, [path("/box")]);
    world.undo(second);
    assert_eq!(world.shown("p"), json!({}));
}

#[test]
fn objects_of_a_link_that_is_gone_belong_to_the_next_link_alone() {
    let mut world = World::default();
    world.user("p", json!({}));
    world.user("s", json!({"o": {"o": {"x": 0}}}));
    world.user("t", json!({"o": {"o": {"y": 0}}}));
    world.user("u", json!({"o": {"o": {"x": 1}}}));
    let first = world.link(&id("p"), &id("s"), secondary_wins());
    let second = world.link(&id("p"), &id("t"), secondary_wins());
    let third = world.link(&id("p"), &id("u"), secondary_wins());

    world.undo(first);
    assert_eq!(world.shown("p"), json!({"o": {"o": {"x": 1, "y": 0}}}));
    world.undo(third);
    assert_eq!(world.shown("p"), json!({"o": {"o": {"y": 0}}}));
    world.undo(second);
    assert_eq!(world.shown("p"), json!({}));
}

#[test]
fn what_an_object_of_several_values_lost_is_what_was_there_before() {
    let mut world = World::default();
    world.user("p", json!({}));
    world.user("s", json!({"o": {"x": 0, "tags": [0]}}));
    world.user("t", json!({"o": {"y": 0}}));
    world.user("u", json!({"o": {"x": 2, "tags": [2]}}));
    let first = world.link(&id("p"), &id("s"), secondary_wins());
    let inner = world.link(&id("t"), &id("u"), secondary_wins());
    world.edit(&id("p"), &path("/o/x"), Some(&json!(1)));
    world.edit(&id("p"), &path("/o/tags"), Some(&json!([1])));
    let outer = world.link(&id("p"), &id("t"), secondary_wins());
    assert_eq!(world.shown("p"), json!({"o": {"x": 2, "y": 0, "tags": [1, 2]}}));

    // The object is of `outer` now.
    world.undo(first);
    world.edit(&id("p"), &path("/o/x"), None);
    world.undo(inner);
    assert_eq!(world.shown("p"), json!({"o": {"y": 0, "tags": [1]}}));
    world.undo(outer);
    assert_eq!(world.shown("p"), json!({"o": {"tags": [1]}}));
}

#[test]
fn what_a_chain_carried_on_is_taken_back_at_its_end() {
    let mut world = World::default();
    world.user("p", json!({"tags": ["p"]}));
    world.user("s", json!({"tags": ["s"], "box": {"own": 1}}));
    world.user("t", json!({"tags": ["t"], "box": {"x": 1}, "lang": "de"}));
    let inner = world.link(&id("s"), &id("t"), secondary_wins());
    let outer = world.link(&id("p"), &id("s"), secondary_wins());
    assert_eq!(
        world.shown("p"),
        json!({"tags": ["p", "s", "t"], "box": {"own": 1, "x": 1}, "lang": "de"})
    );

    world.undo(inner);
    assert_eq!(world.shown("p"), json!({"tags": ["p", "s"], "box": {"own": 1}}));
    assert_eq!(world.shown("s"), json!({"tags": ["s"], "box": {"own": 1}}));
    world.undo(outer);
    assert_eq!(world.shown("p"), json!({"tags": ["p"]}));
    assert_eq!(world.shown("t"), json!({"tags": ["t"], "box": {"x": 1}, "lang": "de"}));
}

#[test]
fn nothing_is_taken_back_twice() {
    let mut world = World::default();
    world.user("p", json!({}));
    world.user("s", json!({"a": 1}));
    let link = world.link(&id("p"), &id("s"), secondary_wins());
    world.documents.unmerge(link);
    world.edit(&id("p"), &path("/a"), Some(&json!(1)));

    assert_eq!(world.documents.unmerge(link), Unmerged::default());
    assert_eq!(world.shown("p"), json!({"a": 1}));
}

const USERS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The document without containers that are empty now. If both a link and an edit put values into
/// an object and removed them, the owner of the empty object is undefined.
fn tidy(mut document: Value) -> Value {
    for at in ["/o/o", "/o", "/q"] {
        if document.pointer(at) == Some(&json!({})) {
            remove(&mut document, &path(at));
        }
    }
    document
}

/// One step of a history. Users and links are chosen among those that fit at that step.
#[derive(Debug, Clone)]
enum Step {
    Link { primary: usize, secondary: usize, strategy: Strategy },
    Edit { user: usize, at: Vec<String>, value: bool },
    Undo { link: usize },
}

fn paths() -> impl proptest::strategy::Strategy<Value = Vec<String>> {
    // Inside `o` and `o/o`, all containers are objects, so that an edit means the same with links
    // and without.
    let leaf = prop::sample::select(&["x", "y", "z"][..]);
    let above = prop::sample::select(&["", "/o", "/o/o", "/q"][..]);
    (above, leaf).prop_map(|(above, leaf)| path(&format!("{above}/{leaf}")))
}

fn documents() -> impl proptest::strategy::Strategy<Value = Value> {
    let value = prop_oneof![
        (0..4_i32).prop_map(|n| json!(n)),
        prop::collection::vec(0..4_i32, 0..3).prop_map(|items| json!(items)),
        Just(json!({"deep": 1})),
        Just(json!({"deep": 2, "other": null})),
        Just(json!({})),
    ];
    prop::collection::vec((paths(), value), 0..6).prop_map(|entries| {
        let mut root = Some(json!({}));
        for (at, value) in entries {
            put(&mut root, &at, Some(value));
        }
        root.unwrap()
    })
}

fn steps() -> impl proptest::strategy::Strategy<Value = Step> {
    let strategy = (
        prop::sample::select(&[Conflict::PrimaryWins, Conflict::SecondaryWins][..]),
        prop::sample::select(&[Arrays::Concatenate, Arrays::Union, Arrays::Replace][..]),
    );
    prop_oneof![
        4 => (any::<usize>(), any::<usize>(), strategy).prop_map(|(primary, secondary, (conflict, arrays))| {
            Step::Link { primary, secondary, strategy: merging(conflict, arrays) }
        }),
        2 => (any::<usize>(), paths(), any::<bool>()).prop_map(|(user, at, value)| Step::Edit { user, at, value }),
        2 => any::<usize>().prop_map(|link| Step::Undo { link }),
    ]
}

proptest! {
    // Few histories have links that write into objects of each other, and an edit between.
    // PROPTEST_CASES makes it more.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(4096)))]

    /// After all links have been taken back, in any order, with any edits between, each user has
    /// the metadata that it would have without links.
    #[test]
    fn undoing_everything_leaves_what_there_would_have_been(
        documents in prop::collection::vec(documents(), USERS.len()),
        history in prop::collection::vec(steps(), 0..14),
        order in prop::collection::vec(any::<usize>(), 14),
    ) {
        let mut world = World::default();
        for (name, document) in USERS.iter().zip(documents) {
            world.user(name, document);
        }
        for (n, step) in history.into_iter().enumerate() {
            let live: Vec<UserId> =
                USERS.iter().map(|name| id(name)).filter(|user| world.holder(user) == *user).collect();
            match step {
                Step::Link { primary, secondary, strategy } => {
                    let (primary, secondary) = (&live[primary % live.len()], &live[secondary % live.len()]);
                    if primary != secondary {
                        world.link(primary, secondary, strategy);
                    }
                }
                // A value that no other user has, which separates edits from what a link wrote.
                Step::Edit { user, at, value } => {
                    let value = value.then(|| json!(1000 + n));
                    world.edit(&live[user % live.len()], &at, value.as_ref());
                }
                Step::Undo { link } if !world.links.is_empty() => {
                    let (link, ..) = world.links[link % world.links.len()];
                    world.undo(link);
                }
                Step::Undo { .. } => {}
            }
        }
        for link in order {
            if !world.links.is_empty() {
                let (link, ..) = world.links[link % world.links.len()];
                world.undo(link);
            }
        }
        for name in USERS {
            let without_links = Value::Object(world.without_links[&id(name)].as_map().clone());
            prop_assert_eq!(tidy(world.shown(name)), tidy(without_links));
        }
    }
}
