//! Where the documents lead.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use super::pages::{Page, readme_and_book};

/// The book's table of contents.
const SUMMARY: &str = "docs/SUMMARY.md";
/// The longest README, in bytes: it is read in five minutes.
const MAX_README: usize = 6 * 1024;

/// The documents with links.
fn documents() -> Vec<Page> {
    let mut documents = readme_and_book();
    let at_the_top = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "migrations/README.md"];
    documents.extend(at_the_top.map(Page::read));
    documents
}

/// The path that a link of a page leads to, and the anchor there; `None` for a URL.
fn followed(page: &Page, target: &str) -> Option<(String, String)> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => page.path.clone(),
        path => resolved(Path::new(&page.path).parent().unwrap(), path),
    };
    Some((path, anchor.to_owned()))
}

/// The path that `path` means in this folder.
fn resolved(folder: &Path, path: &str) -> String {
    let mut resolved = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::ParentDir => assert!(resolved.pop(), "{path} leaves the repository"),
            component => resolved.push(component),
        }
    }
    resolved.to_str().unwrap().to_owned()
}

/// What is wrong with a link of a page.
fn problem(page: &Page, target: &str) -> Option<String> {
    let (path, anchor) = followed(page, target)?;
    if !Path::new(&path).exists() {
        return Some(format!("{path} does not exist"));
    }
    // A book has no other files.
    if page.path.starts_with("docs/") && !path.starts_with("docs/") {
        return Some(format!("{path} is no page of the book: name it without a link"));
    }
    if !anchor.is_empty() && !Page::read(&path).anchors().contains(&anchor) {
        return Some(format!("{path} has no heading #{anchor}"));
    }
    None
}

#[test]
fn each_link_leads_to_a_page_and_a_heading() {
    let mut problems = Vec::new();
    for page in documents() {
        for link in page.links() {
            let problem = problem(&page, &link.target);
            problems.extend(problem.map(|what| format!("{}: {}: {what}", page.path, link.target)));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A page is in the table of contents once, under its own title.
#[test]
fn the_table_of_contents_has_each_page() {
    let summary = Page::read(SUMMARY);
    let entry = |path: String, title: String| format!("{path}: {title}");
    let listed: Vec<String> = summary
        .links()
        .into_iter()
        .map(|link| entry(followed(&summary, &link.target).unwrap().0, link.text))
        .collect();
    let pages: Vec<String> = readme_and_book()
        .into_iter()
        .filter(|page| page.path.starts_with("docs/") && page.path != SUMMARY)
        .map(|page| entry(page.path.clone(), page.headings()[0].clone()))
        .collect();

    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), pages.iter().collect());
    assert_eq!(listed.len(), pages.len());
}

#[test]
fn the_readme_is_short() {
    let bytes = Page::read("README.md").text.len();
    assert!(bytes <= MAX_README, "README.md has {bytes} bytes: move some of it into docs/");
}

/// The text of each file below a path.
fn texts(path: &Path, found: &mut Vec<(String, String)>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|entry| !entry.ends_with("node_modules")).for_each(|e| texts(&e, found));
    } else if let Ok(text) = fs::read_to_string(path) {
        found.push((path.display().to_string(), text));
    }
}

/// The pages that a text names by their path in the repository.
fn named(text: &str) -> Vec<&str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || ['_', '-', '/', '.'].contains(&c);
    let words = text.split(|c| !is_path(c)).map(|word| word.trim_end_matches('.'));
    words.filter(|word| word.starts_with("docs/") && word.ends_with(".md")).collect()
}

#[test]
fn each_page_that_the_repository_names_exists() {
    let mut found = Vec::new();
    let places = [
        ".ci",
        "benches",
        "dev/src",
        "docs",
        "examples",
        "findings",
        "fuzz/src",
        "migrations",
        "proto",
        "src",
        "tests",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
    ];
    places.iter().for_each(|place| texts(Path::new(place), &mut found));
    let missing: Vec<String> = found
        .iter()
        .flat_map(|(file, text)| named(text).into_iter().map(move |page| (file, page)))
        .filter(|(_, page)| !Path::new(page).is_file())
        .map(|(file, page)| format!("{file} names {page}, which does not exist"))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
