//! Metadata, from the wire to a merge and back: accepted metadata is within bounds and is returned
//! unchanged, and each change of a merge can be taken back.
#![no_main]

use identity_link::{
    domain::{
        Metadata,
        merge::{Arrays, Change, Conflict, Effect, MergeError, Strategy, merge},
        metadata::{MAX_BYTES, MAX_DEPTH},
    },
    grpc::{proto::GivenMetadata, requests::Checks},
};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use prost_types::Struct;
use serde_json::{Map, Value};

fuzz_target!(|bytes: &[u8]| {
    let Ok(GivenMetadata { user_metadata, app_metadata }) = GivenMetadata::decode(bytes) else {
        return;
    };
    let (Some(primary), Some(secondary)) = (accepted(user_metadata), accepted(app_metadata)) else {
        return;
    };

    let kept = merge(&primary, &secondary, Strategy::KeepPrimary).expect("nothing to decide");
    assert!(kept.metadata == primary && kept.changes.is_empty());
    for arrays in [Arrays::Concatenate, Arrays::Union, Arrays::Replace] {
        let by = |conflict| judge(&primary, &secondary, conflict, arrays);
        let (ours, theirs, neither) =
            (by(Conflict::PrimaryWins), by(Conflict::SecondaryWins), by(Conflict::Fail));
        match neither {
            // Without a conflict, it does not matter which side would win.
            Ok(merged) => assert!(ours.as_ref() == Ok(&merged) && theirs.as_ref() == Ok(&merged)),
            Err(MergeError::Conflict { paths }) => assert!(!paths.is_empty()),
            Err(MergeError::TooLarge { .. }) => assert!(ours.is_err()),
        }
    }
});

/// The metadata that the server would store for a field; `None` if it refuses the field.
fn accepted(given: Option<Struct>) -> Option<Metadata> {
    let mut checks = Checks::default();
    let metadata = checks.metadata("m", given);
    checks.into_result().ok()?;
    expect_within_bounds(&metadata);
    // The database returns the stored text unchanged.
    let stored: Map<String, Value> = serde_json::from_slice(&text(&metadata)).expect("JSON");
    assert!(Metadata::from_stored(stored) == metadata);
    Some(metadata)
}

fn expect_within_bounds(metadata: &Metadata) {
    let text = text(metadata);
    assert!(text.len() <= MAX_BYTES && text.len() == metadata.json_bytes());
    let document = Value::Object(metadata.as_map().clone());
    assert!(depth(&document) <= MAX_DEPTH);
    assert!(!has_nul(&document), "jsonb cannot hold U+0000");
    assert!(
        Metadata::parse("m", metadata.as_map().clone()).as_ref() == Ok(metadata),
        "what is in may come in again"
    );
}

fn text(metadata: &Metadata) -> Vec<u8> {
    serde_json::to_vec(metadata.as_map()).expect("JSON")
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Merges, and checks the result against the laws of each merge.
fn judge(
    primary: &Metadata,
    secondary: &Metadata,
    conflict: Conflict,
    arrays: Arrays,
) -> Result<Metadata, MergeError> {
    let strategy = Strategy::Merge { conflict, arrays };
    let merged = merge(primary, secondary, strategy)?;
    expect_within_bounds(&merged.metadata);

    let before = Value::Object(primary.as_map().clone());
    let after = Value::Object(merged.metadata.as_map().clone());
    let mut undone = after.clone();
    let mut done = before.clone();
    for change in &merged.changes {
        assert_eq!(before.pointer(&change.path), change.before.as_ref());
        assert_eq!(after.pointer(&change.path), change.after.as_ref());
        put(&mut done, change, change.after.as_ref());
        put(&mut undone, change, change.before.as_ref());
        match change.effect {
            Effect::Added => assert!(change.before.is_none()),
            Effect::PrimaryKept => {
                assert!(conflict == Conflict::PrimaryWins && change.before == change.after)
            }
            Effect::SecondaryTaken => {
                assert!(conflict == Conflict::SecondaryWins && change.before != change.after)
            }
            Effect::Combined => assert!(arrays != Arrays::Replace && change.before != change.after),
        }
    }
    assert!(done == after, "the changes are all that a merge does");
    assert!(undone == before, "undoing the changes gives back what was");

    // Merging the same again adds nothing, unless arrays grow each time.
    if arrays != Arrays::Concatenate {
        let again = merge(&merged.metadata, secondary, strategy);
        // Only the paths of conflicts that the primary wins again count against the limit.
        assert!(again.is_ok_and(|again| again.metadata == merged.metadata));
    }
    Ok(merged.metadata)
}

/// Writes one side of a change at its path.
fn put(document: &mut Value, change: &Change, value: Option<&Value>) {
    let (parent, key) = change.path.rsplit_once('/').expect("a change is below the root");
    let key = key.replace("~1", "/").replace("~0", "~");
    let parent = document
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("a change is in an object");
    match value {
        Some(value) => drop(parent.insert(key, value.clone())),
        None => drop(parent.remove(&key)),
    }
}
