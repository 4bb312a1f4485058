//! The list of threats and the tests speak of the same numbers, and each row says where its answer is held.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// How many rows have an answer that something holds, at least.
const ANSWERED: usize = 160;
/// What stands for the test of a row whose answer is that there is none.
const NO_TEST: &str = "–";
/// How such an answer begins.
const NOT_ANSWERED: &str = "not answered: ";

/// A row of the list.
struct Row {
    answer: String,
    /// Files below `tests/it`, or else of the repository; none where the threat is not answered.
    held_by: Vec<String>,
}

/// The numbers of threats in a text, such as `J13`.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_number = |word: &&str| {
        word.len() == 3
            && word.starts_with(|c: char| "AFGJPRS".contains(c))
            && word.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    };
    words.filter(is_number).map(str::to_owned).collect()
}

/// The numbers that each file of tests speaks of.
fn in_tests(folder: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("it/threats.rs") {
            let name = path.strip_prefix("tests/it").unwrap().display().to_string();
            found.insert(name, numbers(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The rows of the list, by their numbers, each of which is given once.
fn rows() -> BTreeMap<String, Row> {
    let list = fs::read_to_string("docs/THREATS.md").unwrap();
    let mut rows = BTreeMap::new();
    for line in list.lines() {
        let Some(line) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { continue };
        let cells: Vec<&str> = line.split(" | ").collect();
        let Some(number) = numbers(cells[0]).into_iter().next() else { continue };
        assert_eq!(cells.len(), 4, "{number} has a number, a threat, an answer and its test");
        let held_by = match cells[3] {
            NO_TEST => Vec::new(),
            files => files.split(", ").map(str::to_owned).collect(),
        };
        let row = Row { answer: cells[2].to_owned(), held_by };
        assert!(rows.insert(number.clone(), row).is_none(), "{number} has two rows");
    }
    rows
}

#[test]
fn each_threat_is_in_its_test_and_each_number_in_the_list() {
    let rows = rows();
    let mut tests = BTreeMap::new();
    in_tests(Path::new("tests/it"), &mut tests);

    for (number, row) in &rows {
        let is_open = row.answer.starts_with(NOT_ANSWERED);
        assert_eq!(
            is_open,
            row.held_by.is_empty(),
            "{number}: a threat is answered by something, or it is said why not"
        );
        for file in &row.held_by {
            match tests.get(file) {
                Some(spoken_of) => assert!(spoken_of.contains(number), "{file} does not speak of {number}"),
                None => assert!(Path::new(file).is_file(), "{number} names {file}, which is not there"),
            }
        }
    }
    for (file, numbers) in &tests {
        for number in numbers {
            assert!(rows.contains_key(number), "{file} speaks of {number}, which is not in docs/THREATS.md");
        }
    }
    let answered = rows.values().filter(|row| !row.held_by.is_empty()).count();
    assert!(answered >= ANSWERED, "only {answered} threats are answered");
}
