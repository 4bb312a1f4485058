//! Values of a document, which are objects or leaves: turning a value that is still as it was, and
//! taking out of a turn what another link wrote.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Turns the value at `path` below `value`. Returns whether the whole value turned.
pub(super) fn turn_at(
    value: &mut Option<Value>,
    path: &[String],
    from: Option<&Value>,
    to: Option<&Value>,
) -> bool {
    let Some((key, rest)) = path.split_first() else { return turn(value, from, to) };
    let Some(Value::Object(map)) = value else { return false };
    let mut below = map.remove(key);
    let turned = turn_at(&mut below, rest, from, to);
    if let Some(below) = below {
        map.insert(key.clone(), below);
    }
    turned
}

/// Replaces a value that is still `from` by `to`, for objects key by key. Returns whether the whole
/// value was `from`.
fn turn(value: &mut Option<Value>, from: Option<&Value>, to: Option<&Value>) -> bool {
    if value.as_ref() == from {
        *value = to.cloned();
        return true;
    }
    let (Some(Value::Object(map)), Some(Value::Object(from))) = (value.as_mut(), from) else {
        return false;
    };
    let nothing = Map::new();
    let into = to.and_then(Value::as_object).unwrap_or(&nothing);
    for key in from.keys().chain(into.keys().filter(|key| !from.contains_key(*key))) {
        let mut below = map.remove(key);
        turn(&mut below, from.get(key), into.get(key));
        if let Some(below) = below {
            map.insert(key.clone(), below);
        }
    }
    // An object that came with the link and is now empty goes too.
    if map.is_empty() && !to.is_some_and(Value::is_object) {
        *value = to.cloned();
    }
    false
}

/// Removes from a turn what another link wrote at this path, which found `found` and left `made`.
/// Returns whether a part of the turn is left.
pub(super) fn leave(
    from: &mut Option<Value>,
    to: &mut Option<Value>,
    found: Option<&Value>,
    made: Option<&Value>,
) -> bool {
    if found == made {
        return true;
    }
    // Else the whole value is the other link's. Where it found none, an edit had removed the turn's.
    let (Some(Value::Object(found)), Some(Value::Object(made))) = (found, made) else {
        return false;
    };
    if !from.as_ref().is_some_and(Value::is_object) {
        return false;
    }
    for key in found.keys().chain(made.keys()).collect::<BTreeSet<_>>() {
        let [found, made] = [found, made].map(|object| object.get(key));
        leave_below(from, to, key, |from, to| leave(from, to, found, made));
    }
    true
}

/// The same for a path below the turn's own path.
pub(super) fn leave_at(
    from: &mut Option<Value>,
    to: &mut Option<Value>,
    below: &[String],
    found: Option<&Value>,
    made: Option<&Value>,
) -> bool {
    match below.split_first() {
        None => leave(from, to, found, made),
        Some((key, rest)) => {
            leave_below(from, to, key, |from, to| leave_at(from, to, rest, found, made));
            true
        }
    }
}

/// Applies `leave` to one key of both sides, and removes the key if nothing is left of it.
fn leave_below(
    from: &mut Option<Value>,
    to: &mut Option<Value>,
    key: &str,
    leave: impl FnOnce(&mut Option<Value>, &mut Option<Value>) -> bool,
) {
    let take = |side: &mut Option<Value>| side.as_mut().and_then(Value::as_object_mut)?.remove(key);
    let (mut from_below, mut to_below) = (take(from), take(to));
    if leave(&mut from_below, &mut to_below) {
        for (side, below) in [(from, from_below), (to, to_below)] {
            if let (Some(Value::Object(side)), Some(below)) = (side, below) {
                side.insert(key.to_owned(), below);
            }
        }
    }
}

/// The value at a path; `None` if there is none.
pub(super) fn at<'a>(value: Option<&'a Value>, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value?, |value, key| value.as_object()?.get(key))
}

/// Puts a value at a path, and creates the objects on the way.
pub(super) fn put(root: &mut Option<Value>, path: &[String], value: Option<Value>) {
    let Some(value) = value else { return };
    let Some((key, rest)) = path.split_first() else {
        *root = Some(value);
        return;
    };
    if let Value::Object(map) = root.get_or_insert_with(|| Value::Object(Map::new())) {
        let mut below = map.remove(key);
        put(&mut below, rest, Some(value));
        if let Some(below) = below {
            map.insert(key.clone(), below);
        }
    }
}

/// Replaces the value at a path, below objects that are there.
pub(super) fn replace_at(
    root: &mut Option<Value>,
    path: &[String],
    replace: impl FnOnce(Option<&Value>) -> Option<Value>,
) {
    let Some((key, rest)) = path.split_first() else {
        *root = replace(root.as_ref());
        return;
    };
    if let Some(Value::Object(map)) = root {
        let mut below = map.remove(key);
        replace_at(&mut below, rest, replace);
        map.extend(below.map(|below| (key.clone(), below)));
    }
}

/// Makes the value at a path an object, and each value on the way. An object stays as it is.
pub(super) fn keep_object(root: &mut Option<Value>, path: &[String]) {
    let mut map = match root.take() {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    if let Some((key, rest)) = path.split_first() {
        let mut below = map.remove(key);
        keep_object(&mut below, rest);
        map.extend(below.map(|below| (key.clone(), below)));
    }
    *root = Some(Value::Object(map));
}
