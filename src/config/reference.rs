//! The reference page of the configuration, made from the declared keys.

use std::{fmt::Write as _, path::Path};

use expect_test::expect_file;

use super::{
    Config,
    described::{Described, Kind},
    keys::Presence,
    source::variable,
    tables,
};

const TITLE: &str = "# Configuration

This page is generated from the code; a test keeps it current.

The configuration is one TOML file. `identity-link config check` lists all problems of a file at once. A key that is
not on this page is a problem, too. Relative paths start at the folder of the file. A duration is a string with units,
such as `\"30s\"`, `\"10m\"`, `\"1h\"` or `\"90d\"`.

An environment variable overrides a key of the file. In its name, replace `<TENANT>`, `<PROVIDER>`, `<ISSUER>` and
`<SERVICE>` by the name in the file, in capitals, with `_` for `-`. A list is then one text, with commas between its items.

`migrate`, `purge`, `import`, `export`, `duplicates`, `apply`, `undo`, `erase` and `provider list` work on the database, and
need neither `listen` nor `[issuers]`. What the file has of these, and all else in it, is checked all the same.
";

/// Lines of at most 120 characters, none of which ends inside of a code span.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.matches('`').count() % 2 == 1 || line.len() + word.len() < 120 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn page() -> String {
    let mut page = TITLE.to_owned();
    for table in tables() {
        let heading = if table.path.is_empty() {
            "Top level".to_owned()
        } else {
            format!("`[{}]`", table.path)
        };
        let _ = write!(page, "\n## {heading}\n\n{}\n", wrapped(&table.about));
        for key in &table.keys {
            let path = table.path_of(key);
            let Described { kind, presence } = &key.form;
            let _ = write!(page, "\n### `{path}`\n\n{}\n\n- Type: {kind}\n", wrapped(&key.meaning));
            match presence {
                Presence::Required(_) => page.push_str("- Required\n"),
                Presence::Optional => {}
                Presence::Default(default) => page.push_str(&format!("- Default: `{default}`\n")),
            }
            if *kind != Kind::Table {
                let _ = writeln!(page, "- Environment: `{}`", variable(&path));
            }
        }
    }
    page
}

#[test]
fn the_reference_page_is_that_of_the_code() {
    expect_file!["../../docs/reference/configuration.md"].assert_eq(&page());
}

/// Files in which, together, each key is read: some keys are read only beside others.
const FILES: [&str; 5] = [
    "",
    "[tenants.t.providers.p.oauth]\npreset = \"microsoft\"\n[issuers.i]\nkind = \"user\"\nsubject = \"subject\"\n\
     audiences = [\"a\"]\n",
    "[tenants.t.providers.p.oauth]\npreset = \"github\"\n[issuers.i]\nkind = \"user\"\nsubject = \"identity\"\n",
    "[issuers.i]\nkind = \"service\"\ntenant_claim = \"t\"\n",
    "[tenants.t.providers.p.oauth]\npreset = \"apple\"\nclient_secret_key_file = \"k\"\n",
];

/// The paths and the variables of the page are those that the reader knows: under each, a table
/// where a value belongs is a problem with just this key.
#[test]
fn each_key_of_the_reference_page_is_read() {
    for table in tables() {
        for key in table.keys.iter().filter(|key| key.form.kind != Kind::Table) {
            let path = table
                .path_of(key)
                .replace("<tenant>", "t")
                .replace("<provider>", "p")
                .replace("<issuer>", "i")
                .replace("<service>", "s");
            let wrong = (format!("{}__X", variable(&path)), "1".to_owned());
            let problems = FILES
                .map(|file| Config::parse(file, Path::new("."), [wrong.clone()]).err().unwrap().0);
            assert!(
                problems.iter().flatten().any(|problem| {
                    problem.key() == path && problem.to_string().contains(": must be ")
                }),
                "{path}: {problems:#?}"
            );
        }
    }
}
