//! The list of threats and the tests speak of the same numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The numbers of threats in a text, such as `J13`.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_number = |word: &&str| {
        word.len() == 3
            && word.starts_with(|c: char| "AFGJPR".contains(c))
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

#[test]
fn each_threat_is_in_its_test_and_each_number_in_the_list() {
    let list = fs::read_to_string("docs/THREATS.md").unwrap();
    let rows = list.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        numbers(cells[0]).into_iter().next().map(|number| (number, cells[3].to_owned()))
    });
    let rows: BTreeMap<String, String> = rows.collect();
    assert!(rows.len() > 60);
    let mut tests = BTreeMap::new();
    in_tests(Path::new("tests/it"), &mut tests);

    for (number, files) in &rows {
        for file in files.split(", ") {
            let spoken_of = tests.get(file).unwrap_or_else(|| panic!("{number} names {file}, which is not there"));
            assert!(spoken_of.contains(number), "{file} does not speak of {number}");
        }
    }
    for (file, numbers) in &tests {
        for number in numbers {
            assert!(rows.contains_key(number), "{file} speaks of {number}, which is not in docs/THREATS.md");
        }
    }
}
