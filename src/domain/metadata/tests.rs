//! Metadata by examples, and by what is returned.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

fn parse(value: Value) -> Result<Value, Vec<Violation>> {
    Metadata::parse("m", map(value)).map(|metadata| Value::Object(metadata.as_map().clone()))
}

/// The paths of the violations.
fn refused(value: Value) -> Vec<String> {
    let violations = parse(value).expect_err("it is refused");
    violations.into_iter().map(|violation| violation.field).collect()
}

/// `{"d": {"d": …}}` with this many levels, the innermost one empty.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "d": inner }))
}

#[test]
fn takes_what_it_can_give_back() {
    let value = json!({
        "": null, "a": [true, "é\u{1}", {"b": -1.5}], "max": 9_007_199_254_740_991_u64, "min": 1e-30,
    });
    assert_eq!(parse(value.clone()), Ok(value.clone()));
    assert!(!Metadata::from_stored(map(value)).is_empty() && Metadata::default().is_empty());
    assert_eq!(Metadata::default().json_bytes(), 2);
}

#[test]
fn numbers_have_one_form() {
    let json = r#"{"a": 5.0, "b": -0.0, "c": -0, "d": [1e3], "e": -9007199254740991.0, "f": 0.5}"#;
    let sent: Map<String, Value> = serde_json::from_str(json).unwrap();
    let metadata = Metadata::parse("m", sent.clone()).unwrap();
    assert_eq!(
        serde_json::to_string(metadata.as_map()).unwrap(),
        r#"{"a":5,"b":0,"c":0,"d":[1000],"e":-9007199254740991,"f":0.5}"#
    );
    assert_eq!(Metadata::from_stored(sent), metadata);
}

#[test]
fn numbers_that_would_change_are_refused() {
    for number in [
        "9007199254740992",
        "-9007199254740992",
        "9007199254740993.0",
        "18446744073709551615",
        "1e300",
        "9.9e-31",
        "-9.9e-31",
        "5e-324",
    ] {
        let json = format!(r#"{{"n": {number}}}"#);
        assert_eq!(refused(serde_json::from_str(&json).unwrap()), ["m/n"], "{number}");
    }
}

#[test]
fn every_violation_is_listed_with_its_pointer() {
    let violations = Metadata::parse(
        "update.user_metadata",
        map(json!({
            "a": [{"b/c": 1e300}, "x\0y"],
            "k\0\n~": {"": 1e-40},
            "ok": 1,
        })),
    )
    .unwrap_err();
    let paths: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        paths,
        [
            "update.user_metadata/a/0/b~1c",
            "update.user_metadata/a/1",
            "update.user_metadata/k\\u{0}\\n~0",
            "update.user_metadata/k\\u{0}\\n~0/",
        ]
    );
}

#[test]
fn depth_is_bounded_and_reported_once_a_branch() {
    assert!(parse(nested(16)).is_ok());
    let deep = ["m", &"/d".repeat(16)].concat();
    assert_eq!(refused(nested(17)), [deep.as_str()]);
    assert_eq!(refused(nested(120)), [deep.as_str()]);

    let arrays = (1..40).fold(json!("\0"), |inner, _| json!([inner]));
    let deep = ["m/a", &"/0".repeat(15)].concat();
    assert_eq!(refused(json!({"a": arrays, "b": "\0"})), [deep.as_str(), "m/b"]);
}

#[test]
fn size_is_bounded_in_bytes_of_compact_json() {
    let overhead = r#"{"a":""}"#.len();
    assert!(parse(json!({"a": "x".repeat(MAX_BYTES - overhead)})).is_ok());
    let violations = parse(json!({"a": "é".repeat(MAX_BYTES / 2)})).unwrap_err();
    assert_eq!(
        violations,
        [Violation {
            field: "m".to_owned(),
            description: "This is 16392 bytes of JSON; at most 16384 are allowed.".to_owned(),
        }]
    );
    // Measured in the stored form.
    assert!(parse(json!({"a": vec![1.0; 8100]})).is_ok());
}

#[test]
fn the_list_and_its_paths_are_cut() {
    assert_eq!(refused(json!({"a": vec!["\0"; 5000]})).len(), 32);
    let paths = refused(json!({"\n".repeat(1000): 1e300}));
    assert_eq!(paths[0].chars().count(), 200);
    assert!(paths[0].starts_with("m/\\n\\n") && paths[0].ends_with('…'));
    // A path that fits is whole; with one character more it is visibly cut.
    let path = format!("m/{}", "k".repeat(198));
    assert_eq!(printable_path(&path), path);
    assert_eq!(printable_path(&format!("{path}k")), format!("m/{}…", "k".repeat(197)));
}

#[test]
fn a_patch_is_of_the_first_level() {
    let of = |value| Metadata::parse("m", map(value)).unwrap();
    let before = of(json!({"color": "red", "address": {"home": "1", "work": "2"}, "plan": null}));
    let patch = MetadataUpdate::Patch(of(
        json!({"color": null, "address": {"work": "3"}, "none": null, "new": [1]}),
    ));
    let after = patch.applied_to(&before, "user_metadata");
    assert_eq!(after, Ok(of(json!({"address": {"work": "3"}, "plan": null, "new": [1]}))));
    let nothing = MetadataUpdate::Patch(Metadata::default());
    assert_eq!(nothing.applied_to(&before, "user_metadata"), Ok(before.clone()));
    let all = MetadataUpdate::Replace(Metadata::default());
    assert_eq!(all.applied_to(&before, "user_metadata"), Ok(Metadata::default()));
}

#[test]
fn a_patch_keeps_to_the_bounds() {
    let of = |value| Metadata::parse("m", map(value)).unwrap();
    let half = of(json!({"a": "x".repeat(MAX_BYTES - 8)}));
    let patched =
        |key: &str| MetadataUpdate::Patch(of(json!({key: "y"}))).applied_to(&half, "app_metadata");
    assert!(patched("a").is_ok());
    assert_eq!(
        patched("b"),
        Err(DomainError::MetadataTooLarge { namespace: "app_metadata", bytes: MAX_BYTES + 8 })
    );
}

#[test]
fn debug_shows_no_values() {
    let metadata = Metadata::from_stored(map(json!({"a": "secret", "b": 1, "c": []})));
    assert_eq!(format!("{metadata:?}"), "Metadata(3 keys)");
}

proptest! {
    #[test]
    fn doubles_are_kept_or_refused(
        double in prop_oneof![any::<f64>(), -1e17..1e17, -1e-28..1e-28],
    ) {
        // NaN and the infinities become null here: serde_json has no numbers for them.
        let sent = json!({"n": double});
        let kept = parse(sent.clone());
        let fits = (1e-30..9_007_199_254_740_992.0).contains(&double.abs());
        prop_assert_eq!(kept.is_ok(), fits || double == 0.0 || !double.is_finite());
        if let Ok(kept) = kept {
            prop_assert_eq!(kept["n"].as_f64(), sent["n"].as_f64());
            let whole = double.is_finite() && double.fract() == 0.0;
            prop_assert_eq!(kept["n"].is_i64(), whole);
            prop_assert_eq!(parse(kept.clone()), Ok(kept));
        }
    }

    #[test]
    fn pointers_lead_back(keys in prop::collection::vec("[a~/01 é]{0,4}", 1..8)) {
        let innermost = json!("\0");
        let document = keys.iter().rev().fold(innermost, |inner, key| json!({ key: inner }));
        let paths = refused(document.clone());
        prop_assert_eq!(document.pointer(&paths[0][1..]), Some(&json!("\0")));
    }
}
