//! The documents as Markdown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A document.
pub(crate) struct Page {
    /// Its path in the repository.
    pub path: String,
    pub text: String,
}

/// A block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub language: String,
    pub text: String,
}

/// A link or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub text: String,
    pub target: String,
}

/// README and the pages of the book.
pub(super) fn readme_and_book() -> Vec<Page> {
    let mut pages = vec![Page::read("README.md")];
    collect(Path::new("docs"), &mut pages);
    pages
}

/// Adds the Markdown files below a folder.
fn collect(folder: &Path, pages: &mut Vec<Page>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(Page::read(path.to_str().unwrap()));
        }
    }
}

impl Page {
    pub(crate) fn read(path: &str) -> Self {
        Self { path: path.to_owned(), text: fs::read_to_string(path).unwrap() }
    }

    fn events(&self) -> Parser<'_> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES)
    }

    /// Its fenced blocks, in order.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for event in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    open = Some(Block { language: language.to_string(), text: String::new() });
                }
                Event::Text(text) => {
                    if let Some(block) = &mut open {
                        block.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                _ => {}
            }
        }
        blocks
    }

    /// The texts of its blocks in this language.
    pub(crate) fn blocks_in(&self, language: &str) -> Vec<String> {
        let blocks = self.blocks().into_iter().filter(|block| block.language == language);
        blocks.map(|block| block.text).collect()
    }

    /// Its links and images.
    pub(super) fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        let mut open: Vec<Link> = Vec::new();
        for event in self.events() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    open.push(Link { text: String::new(), target: dest_url.to_string() });
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(link) = open.last_mut() {
                        link.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::Link | TagEnd::Image) => links.extend(open.pop()),
                _ => {}
            }
        }
        links
    }

    /// The texts of its headings.
    pub(super) fn headings(&self) -> Vec<String> {
        let mut headings = Vec::new();
        let mut open: Option<String> = None;
        for event in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => open = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut open {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => headings.extend(open.take()),
                _ => {}
            }
        }
        headings
    }

    /// The anchors of its headings, as code hosts and mdBook make them.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let mut used = BTreeMap::<String, usize>::new();
        let anchor = |heading: String| {
            let anchor = anchor(&heading);
            let times = used.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        };
        self.headings().into_iter().map(anchor).collect()
    }
}

/// The anchor of a heading that is the first of its text.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
