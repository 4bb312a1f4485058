//! The lines of the log, as the code writes them and as the reference has them.

use std::{collections::BTreeSet, fs, path::Path};

use super::pages::Page;

/// The page of the reference.
const PAGE: &str = "docs/reference/log-fields.md";
/// The module of the line of a call, which the page describes by itself.
const CALLS: &str = "src/calls/telemetry.rs";

/// A line: its level, its message, and the names of its fields.
type Line = (String, String, BTreeSet<String>);

/// The lines that the code of a file writes.
fn lines_of(code: &str) -> Vec<Line> {
    let calls = code.split("tracing::").skip(1).filter_map(|call| {
        let (level, arguments) = call.split_once("!(")?;
        matches!(level, "error" | "warn" | "info" | "debug" | "trace").then(|| {
            let (fields, message) = parsed(arguments);
            (level.to_uppercase(), message, fields)
        })
    });
    calls.collect()
}

/// The fields and the message of a macro's arguments. The message is the last of them, a text.
fn parsed(arguments: &str) -> (BTreeSet<String>, String) {
    let (before, from) = arguments.split_once('"').unwrap();
    let (message, _) = from.split_once('"').unwrap();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fields = before.split(',').map(|field| field.trim().trim_start_matches(['%', '?']));
    let names = fields.map(|field| field.split(|c| !is_name(c)).next().unwrap().to_owned());
    (names.filter(|name| !name.is_empty()).collect(), message.to_owned())
}

/// The lines that the code below a folder writes.
fn in_code(folder: &Path, lines: &mut BTreeSet<Line>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_code(&path, lines);
        } else if !path.ends_with(CALLS) {
            lines.extend(lines_of(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The rows of the table of the page.
fn on_page() -> BTreeSet<Line> {
    let page = Page::read(PAGE);
    let (_, table) = page.text.split_once("| level | message | fields | meaning |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let row = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let fields = cells[2].split(", ").map(|field| field.trim_matches('`').to_owned());
        let fields = fields.filter(|field| !field.is_empty()).collect();
        (cells[0].to_owned(), cells[1].to_owned(), fields)
    };
    rows.map(row).collect()
}

#[test]
fn the_reference_has_each_line_of_the_log() {
    let mut in_code_lines = BTreeSet::new();
    in_code(Path::new("src"), &mut in_code_lines);

    assert!(in_code_lines.len() > 25, "{in_code_lines:?}");
    assert_eq!(on_page(), in_code_lines);
}
