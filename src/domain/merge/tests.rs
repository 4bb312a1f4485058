//! The merge by examples and by its laws.

mod laws;

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
