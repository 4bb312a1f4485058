//! The language of the project: words that hide who does what stay out of comments, documents and
//! texts.

use std::{fs, path::Path};

/// The words, one a line; lines that begin with `#` are comments.
const WORDS: &str = include_str!("../../.ci/words.txt");
/// How many of 1,000 words may be among them, in each area.
const MAX_RATE: f64 = 0.5;

/// The prose of a file: its comments, and the string texts of the product. The texts of tests are
/// mostly data.
fn prose(path: &str, text: &str) -> String {
    match path.rsplit('.').next() {
        Some("rs") => rust_prose(text, !path.starts_with("tests/")),
        Some("proto") => text
            .lines()
            .filter_map(|line| Some(line.split_once("//")?.1))
            .collect::<Vec<_>>()
            .join("\n"),
        Some("md") => text.split("```").step_by(2).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

/// The comments of Rust code, and its string literals if `with_texts` is set.
fn rust_prose(code: &str, with_texts: bool) -> String {
    let mut prose = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(['/', '"', '\'', 'r']) {
        let (before, from) = rest.split_at(at);
        let (said, behind) = piece(before, from);
        if with_texts || said.starts_with("//") {
            prose.push_str(said);
            prose.push('\n');
        }
        rest = behind;
    }
    prose
}

/// What comes first in `from`, if it is a comment or a literal, and what is behind it.
fn piece<'a>(before: &str, from: &'a str) -> (&'a str, &'a str) {
    let is_in_a_name = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let hashes = from.strip_prefix('r').map(|raw| raw.len() - raw.trim_start_matches('#').len());
    if from.starts_with("//") {
        from.split_at(from.find('\n').unwrap_or(from.len()))
    } else if let Some(text) = from.strip_prefix('"') {
        literal(text)
    } else if let Some(hashes) =
        hashes.filter(|hashes| !is_in_a_name && from[1 + hashes..].starts_with('"'))
    {
        let text = &from[hashes + 2..];
        let end = format!("\"{}", "#".repeat(hashes));
        text.split_at(text.find(&end).unwrap_or(text.len()))
    } else if from.starts_with("'\"'") || from.starts_with("'\\\"'") {
        ("", from.trim_start_matches(['\'', '\\', '"']))
    } else {
        let first = from.chars().next().map_or(0, char::len_utf8);
        ("", &from[first..])
    }
}

/// A literal up to its closing quote, and what is behind that.
fn literal(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return (&text[..at], &text[at + 1..]),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    (text, "")
}

/// The files below a folder, or the file itself.
fn files(path: &Path, found: &mut Vec<String>) {
    if path.is_dir() {
        let mut entries: Vec<_> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
            .iter()
            .filter(|entry| !entry.ends_with("node_modules"))
            .for_each(|entry| files(entry, found));
    } else {
        found.push(path.to_str().unwrap().to_owned());
    }
}

#[test]
fn words_that_hide_who_does_what_stay_rare() {
    let unwanted: Vec<&str> =
        WORDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let areas: [(&str, &[&str]); 4] = [
        ("src", &["src", "dev", "build", "build.rs", "benches", "examples", "fuzz"]),
        ("tests", &["tests"]),
        ("proto", &["proto"]),
        (
            "docs",
            &[
                "clients",
                "docs",
                "README.md",
                "AGENTS.md",
                "CHANGELOG.md",
                "CONTRIBUTING.md",
                "SECURITY.md",
                "findings/README.md",
                "migrations",
            ],
        ),
    ];
    let mut too_many = Vec::new();
    for (area, paths) in areas {
        let mut found = Vec::new();
        paths.iter().for_each(|path| files(Path::new(path), &mut found));
        let (mut words, mut hits) = (0, Vec::new());
        for path in found {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let prose = prose(&path, &text).to_lowercase();
            let said = prose.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
            for word in said {
                words += 1;
                if unwanted.contains(&word) {
                    hits.push(format!("{path}: {word}"));
                }
            }
        }
        assert!(words > 5_000, "{area} has {words} words only: are the paths right?");
        let rate = 1000.0 * hits.len() as f64 / f64::from(words);
        if rate > MAX_RATE {
            too_many.push(format!("{area} has {rate:.2} of 1,000 words:\n{}", hits.join("\n")));
        }
    }
    assert!(too_many.is_empty(), "{}", too_many.join("\n"));
}
