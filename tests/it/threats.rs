//! The list of threats and the tests name the same numbers, and each row names the files that hold
//! its answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The least number of rows whose answer is held by a file.
const ANSWERED: usize = 160;
/// The last cell of a row whose threat is not answered.
const NO_TEST: &str = "–";
/// The beginning of the answer of such a row.
const NOT_ANSWERED: &str = "not answered: ";

/// A row of the list.
struct Row {
    answer: String,
    /// Files below `tests/it`, or of the repository. Empty if the threat is not answered.
    held_by: Vec<String>,
}

/// The numbers of threats in a text, such as `J13`.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_number = |word: &&str| {
        let has_form = match word.len() {
            3 => word.starts_with(|c: char| "AFGJPRS".contains(c)),
            // Only these have come to a hundred; S256 is a method of PKCE.
            4 => word.starts_with('A'),
            _ => false,
        };
        has_form && word.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    };
    words.filter(is_number).map(str::to_owned).collect()
}

/// The numbers of threats that each test file names.
fn in_tests(folder: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("it/threats.rs")
        {
            let name = path.strip_prefix("tests/it").unwrap().display().to_string();
            found.insert(name, numbers(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The rows of the list by number. Each number occurs once.
fn rows() -> BTreeMap<String, Row> {
    let list = fs::read_to_string("docs/explanation/threats.md").unwrap();
    let mut rows = BTreeMap::new();
    for line in list.lines() {
        let Some(line) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            continue;
        };
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
            "{number}: a row names what holds its answer, or says why there is none"
        );
        for file in &row.held_by {
            match tests.get(file) {
                Some(spoken_of) => {
                    assert!(spoken_of.contains(number), "{file} does not name {number}");
                }
                None => assert!(
                    Path::new(file).is_file(),
                    "{number} names {file}, which does not exist"
                ),
            }
        }
    }
    for (file, numbers) in &tests {
        for number in numbers {
            assert!(
                rows.contains_key(number),
                "{file} names {number}, which is not in docs/explanation/threats.md"
            );
        }
    }
    let answered = rows.values().filter(|row| !row.held_by.is_empty()).count();
    assert!(answered >= ANSWERED, "only {answered} threats are answered");
}
