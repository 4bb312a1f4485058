//! The laws of the merge, against an independent model: a document is a map from paths to leaves, and
//! a merge is set arithmetic on two such maps.

use std::collections::BTreeMap;

use proptest::{
    prelude::{BoxedStrategy, Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest},
    strategy::Strategy as _,
};
use serde_json::json;

use super::*;

/// A document: a map from paths to leaves.
type Leaves = BTreeMap<Vec<String>, Value>;

fn below(path: &[String], key: &str) -> Vec<String> {
    [path, &[key.to_owned()]].concat()
}

fn leaves(value: &Value) -> Leaves {
    fn walk(value: &Value, path: &[String], leaves: &mut Leaves) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    walk(value, &below(path, key), leaves);
                }
            }
            leaf => drop(leaves.insert(path.to_vec(), leaf.clone())),
        }
    }
    let mut all = Leaves::new();
    walk(value, &[], &mut all);
    all
}

/// The merged leaves, and the paths in conflict.
fn model(
    primary: &Leaves,
    secondary: &Leaves,
    conflict: Conflict,
    arrays: Arrays,
) -> (Leaves, Vec<Vec<String>>) {
    let empty = json!({});
    let (mut result, mut conflicts) = (primary.clone(), Vec::new());
    for (path, theirs) in secondary {
        let above =
            primary.keys().find(|other| path.len() > other.len() && path.starts_with(other));
        let below = primary.keys().any(|other| other.len() > path.len() && other.starts_with(path));
        let conflict_at = match (primary.get(path), above) {
            (Some(Value::Array(ours)), _) if arrays != Arrays::Replace && theirs.is_array() => {
                let mut items = ours.clone();
                for item in theirs.as_array().unwrap() {
                    if arrays == Arrays::Concatenate || !items.contains(item) {
                        items.push(item.clone());
                    }
                }
                result.insert(path.clone(), Value::Array(items));
                continue;
            }
            (Some(ours), _) if ours == theirs => continue,
            (Some(_), _) => path,
            (None, Some(above)) if primary[above] != empty => above,
            (None, None) if below && *theirs == empty => continue,
            (None, None) if below => path,
            (None, above) => {
                above.map(|above| result.remove(above));
                result.insert(path.clone(), theirs.clone());
                continue;
            }
        };
        if !conflicts.contains(conflict_at) {
            conflicts.push(conflict_at.clone());
        }
        if conflict == Conflict::SecondaryWins {
            result.retain(|other, _| {
                !other.starts_with(conflict_at) || secondary.contains_key(other)
            });
            result.insert(path.clone(), theirs.clone());
        }
    }
    (result, conflicts)
}

fn pointer(path: &[String]) -> String {
    path.iter().fold(String::new(), |mut pointer, key| {
        push_token(&mut pointer, key);
        pointer
    })
}

/// All paths of a document, parents first, in document order.
fn all_pointers(value: &Value, path: &[String]) -> Vec<String> {
    let entries = value.as_object().into_iter().flatten();
    let below = entries.flat_map(|(key, value)| all_pointers(value, &below(path, key)));
    [pointer(path)].into_iter().chain(below).collect()
}

/// Sets or removes the value at a pointer, whose parent exists.
fn put(document: &mut Value, pointer: &str, value: Option<&Value>) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match value {
        Some(value) => drop(parent.insert(key, value.clone())),
        None => drop(parent.remove(&key).unwrap()),
    }
}

/// Small documents with few keys and values, so that two of them often overlap.
fn any_metadata() -> BoxedStrategy<Metadata> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(1.5)),
        prop::sample::select(vec!["", "x", "1"]).prop_map(Value::from),
    ];
    let key = || prop::sample::select(vec!["", "a", "b", "~/", "0"]).prop_map(str::to_owned);
    let value = scalar.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(key(), value, 0..5)
        .prop_map(|map| Metadata::from_stored(map.into_iter().collect()))
        .boxed()
}

fn any_rules() -> BoxedStrategy<(Conflict, Arrays)> {
    const CONFLICTS: [Conflict; 3] =
        [Conflict::PrimaryWins, Conflict::SecondaryWins, Conflict::Fail];
    const ARRAYS: [Arrays; 3] = [Arrays::Concatenate, Arrays::Union, Arrays::Replace];
    (prop::sample::select(&CONFLICTS), prop::sample::select(&ARRAYS)).boxed()
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        ours in any_metadata(), theirs in any_metadata(), (conflict, arrays) in any_rules(),
    ) {
        let sides = (leaves(&document(&ours)), leaves(&document(&theirs)));
        let (expected, conflicts) = model(&sides.0, &sides.1, conflict, arrays);
        let mut paths: Vec<String> = match merge(&ours, &theirs, merging(conflict, arrays)) {
            Ok(merged) => {
                prop_assert!(conflict != Conflict::Fail || conflicts.is_empty());
                prop_assert_eq!(leaves(&document(&merged.metadata)), expected);
                let settled = [Effect::PrimaryKept, Effect::SecondaryTaken];
                let changes = merged.changes.into_iter();
                changes.filter(|c| settled.contains(&c.effect)).map(|c| c.path).collect()
            }
            Err(MergeError::Conflict { paths }) => {
                prop_assert!(conflict == Conflict::Fail && !paths.is_empty());
                paths
            }
            Err(MergeError::TooLarge { bytes }) => panic!("two small ones make {bytes} bytes"),
        };
        paths.sort();
        let mut expected: Vec<String> = conflicts.iter().map(|path| pointer(path)).collect();
        expected.sort();
        prop_assert_eq!(paths, expected);
    }

    #[test]
    fn an_empty_side_changes_nothing(
        side in any_metadata(), (conflict, arrays) in any_rules(),
    ) {
        let empty = Metadata::default();
        let strategy = merging(conflict, arrays);

        let onto = merge(&side, &empty, strategy).unwrap();
        prop_assert!(onto.metadata == side && onto.changes.is_empty());

        let from = merge(&empty, &side, strategy).unwrap();
        prop_assert!(from.metadata == side);
        prop_assert_eq!(from.changes.len(), side.as_map().len());
        for change in from.changes {
            prop_assert!(change.effect == Effect::Added && change.before.is_none());
        }

        for other in [&empty, &side] {
            let kept = merge(other, &side, Strategy::KeepPrimary).unwrap();
            prop_assert!(kept.metadata == *other && kept.changes.is_empty());
        }
    }

    #[test]
    fn nothing_of_the_winner_is_lost(
        ours in any_metadata(), theirs in any_metadata(), (_, arrays) in any_rules(),
    ) {
        let (ours_win, theirs_win) = (Conflict::PrimaryWins, Conflict::SecondaryWins);
        for (winner, conflict) in [(&ours, ours_win), (&theirs, theirs_win)] {
            let merged = merge(&ours, &theirs, merging(conflict, arrays)).unwrap();
            let result = document(&merged.metadata);
            for (path, leaf) in leaves(&document(winner)) {
                let now = result.pointer(&pointer(&path)).unwrap();
                match leaf {
                    Value::Array(items) if conflict == ours_win => {
                        prop_assert!(now.as_array().unwrap().starts_with(&items));
                    }
                    Value::Array(items) => {
                        let now = now.as_array().unwrap();
                        prop_assert!(items.iter().all(|item| now.contains(item)));
                    }
                    Value::Object(_) => prop_assert!(now.is_object()),
                    scalar => prop_assert_eq!(now, &scalar),
                }
            }
        }
    }

    #[test]
    fn fail_only_adds(
        ours in any_metadata(), theirs in any_metadata(), (_, arrays) in any_rules(),
    ) {
        if let Ok(merged) = merge(&ours, &theirs, merging(Conflict::Fail, arrays)) {
            for change in merged.changes {
                prop_assert!(matches!(change.effect, Effect::Added | Effect::Combined));
            }
            let result = document(&merged.metadata);
            for (path, leaf) in leaves(&document(&ours)) {
                let now = result.pointer(&pointer(&path)).unwrap();
                prop_assert!(leaf.is_array() || leaf.is_object() || *now == leaf);
            }
        }
    }

    #[test]
    fn changes_replay_forwards_and_backwards(
        ours in any_metadata(), theirs in any_metadata(), (conflict, arrays) in any_rules(),
    ) {
        if let Ok(merged) = merge(&ours, &theirs, merging(conflict, arrays)) {
            let (mut forwards, mut backwards) = (document(&ours), document(&merged.metadata));
            for change in &merged.changes {
                put(&mut forwards, &change.path, change.after.as_ref());
                put(&mut backwards, &change.path, change.before.as_ref());
                let kept = change.effect == Effect::PrimaryKept;
                prop_assert_eq!(change.before == change.after, kept);
                prop_assert!(change.after.is_some());
            }
            prop_assert_eq!(forwards, document(&merged.metadata));
            prop_assert_eq!(backwards, document(&ours));
        }
    }

    #[test]
    fn changes_stand_apart_and_in_document_order(
        ours in any_metadata(), theirs in any_metadata(), (conflict, arrays) in any_rules(),
    ) {
        if let Ok(merged) = merge(&ours, &theirs, merging(conflict, arrays)) {
            let mut order = all_pointers(&document(&theirs), &[]).into_iter();
            for change in &merged.changes {
                prop_assert!(order.any(|pointer| pointer == change.path), "{change:?}");
                let below = format!("{}/", change.path);
                prop_assert!(!merged.changes.iter().any(|c| c.path.starts_with(&below)));
            }
        }
    }
}
