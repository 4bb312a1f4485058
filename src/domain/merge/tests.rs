//! The merge by examples and by its laws.

use std::collections::BTreeMap;

use proptest::{
    prelude::{BoxedStrategy, Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest},
    strategy::Strategy as _,
};
use serde_json::json;

use super::*;

fn metadata(value: Value) -> Metadata {
    match value {
        Value::Object(map) => Metadata::from_stored(map),
        other => panic!("not an object: {other}"),
    }
}

fn document(metadata: &Metadata) -> Value {
    Value::Object(metadata.as_map().clone())
}

fn merging(conflict: Conflict, arrays: Arrays) -> Strategy {
    Strategy::Merge { conflict, arrays }
}

fn merged(primary: Value, secondary: Value, strategy: Strategy) -> Result<Value, MergeError> {
    merge(&metadata(primary), &metadata(secondary), strategy)
        .map(|merged| document(&merged.metadata))
}

/// The reference document's `_.merge({}, secondary, primary, customizer)`, in which two arrays
/// become `primary.concat(secondary)`.
#[test]
fn the_documents_sample() {
    let primary = metadata(json!({
        "plan": "gold", "theme": {"dark": true, "font": {"size": 12}}, "tags": ["a", "b"],
        "own": 1, "none": null,
    }));
    let secondary = metadata(json!({
        "plan": "free", "theme": {"font": {"size": 9, "face": "x"}}, "tags": ["b", "c"],
        "new": {"y": []}, "none": 0,
    }));
    let merged =
        merge(&primary, &secondary, merging(Conflict::default(), Arrays::default())).unwrap();
    assert_eq!(
        document(&merged.metadata),
        json!({
            "plan": "gold", "theme": {"dark": true, "font": {"size": 12, "face": "x"}},
            "tags": ["a", "b", "b", "c"], "own": 1, "none": null, "new": {"y": []},
        })
    );
    let change = |path: &str, effect, before, after| Change {
        path: path.to_owned(),
        effect,
        before,
        after: Some(after),
    };
    let mut changes = merged.changes.clone();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        changes
            == [
                change("/new", Effect::Added, None, json!({"y": []})),
                change("/none", Effect::PrimaryKept, Some(json!(null)), json!(null)),
                change("/plan", Effect::PrimaryKept, Some(json!("gold")), json!("gold")),
                change(
                    "/tags",
                    Effect::Combined,
                    Some(json!(["a", "b"])),
                    json!(["a", "b", "b", "c"])
                ),
                change("/theme/font/face", Effect::Added, None, json!("x")),
                change("/theme/font/size", Effect::PrimaryKept, Some(json!(12)), json!(12)),
            ],
        "{changes:?}"
    );
    assert_eq!(format!("{:?}", changes[0]), r#"Change(Added at "/new")"#);
}

#[test]
fn the_default_keeps_the_primary() {
    let (primary, secondary) = (metadata(json!({"a": 1})), metadata(json!({"a": 2, "b": 3})));
    let merged = merge(&primary, &secondary, Strategy::default()).unwrap();
    assert!(merged.metadata == primary && merged.changes.is_empty());
}

#[test]
fn each_rule_for_arrays() {
    let (primary, secondary) =
        (json!({"a": [1, 1, {"x": 2}]}), json!({"a": [3, {"x": 2.0}, 3, 1, "1", null]}));
    for (arrays, expected) in [
        (Arrays::Concatenate, json!({"a": [1, 1, {"x": 2}, 3, {"x": 2}, 3, 1, "1", null]})),
        (Arrays::Union, json!({"a": [1, 1, {"x": 2}, 3, "1", null]})),
        (Arrays::Replace, secondary.clone()),
    ] {
        let result =
            merged(primary.clone(), secondary.clone(), merging(Conflict::SecondaryWins, arrays));
        assert_eq!(result, Ok(document(&metadata(expected))), "{arrays:?}");
    }
}

#[test]
fn equal_arrays_are_joined_only_by_concatenation() {
    let both = json!({"a": {"b": [1]}});
    for (arrays, expected) in [
        (Arrays::Concatenate, json!({"a": {"b": [1, 1]}})),
        (Arrays::Union, both.clone()),
        (Arrays::Replace, both.clone()),
    ] {
        assert_eq!(
            merged(both.clone(), both.clone(), merging(Conflict::Fail, arrays)),
            Ok(expected)
        );
    }
}

#[test]
fn fail_names_every_conflict() {
    let primary = json!({"a/b": 1, "c": {"d": {}, "~": [], "same": 1}, "only": 1});
    let secondary = json!({"a/b": null, "c": {"d": [], "~": {}, "same": 1.0}, "added": 1});
    let error = merged(primary, secondary, merging(Conflict::Fail, Arrays::Union)).unwrap_err();
    let MergeError::Conflict { mut paths } = error else { panic!("{error:?}") };
    paths.sort();
    assert_eq!(paths, ["/a~1b", "/c/d", "/c/~0"]);
}

#[test]
fn the_result_is_bounded() {
    // `{"a":[""]}` and `{"b":""}` become `{"a":[""],"b":""}`.
    let primary = json!({"a": ["x".repeat(10_000)]});
    let fits = json!({"b": "x".repeat(MAX_BYTES - 10_000 - r#"{"a":[""],"b":""}"#.len())});
    let strategy = merging(Conflict::PrimaryWins, Arrays::Concatenate);
    let result = merged(primary.clone(), fits, strategy).unwrap();
    assert_eq!(metadata(result).json_bytes(), MAX_BYTES);
    assert_eq!(
        merged(primary.clone(), primary, strategy),
        Err(MergeError::TooLarge { bytes: 2 * 10_000 + r#"{"a":["",""]}"#.len() })
    );
}

// An independent model: a document is a map from paths to leaves, and a merge is set arithmetic on
// two such maps.

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

#[test]
fn a_list_of_changes_that_dwarfs_the_documents_is_refused() {
    // Sixteen changes below one key: 4 KiB of path each, or a byte more.
    let side = |key: &str| {
        let leaves: Map<_, _> = (0..16).map(|n| (format!("{n:x}"), Value::from(n))).collect();
        metadata(json!({ key: leaves }))
    };
    let merge_below = |key: &str| {
        merge(&metadata(json!({ key: {} })), &side(key), merging(Conflict::Fail, Arrays::Union))
    };
    let key = "k".repeat(4 * 1024 - "//0".len());

    assert_eq!(merge_below(&key).map(|merged| merged.changes.len()), Ok(16));
    assert_eq!(
        merge_below(&format!("{key}k")),
        Err(MergeError::TooLarge { bytes: 16 * (4 * 1024 + 1) })
    );
}
