//! Each migration does what its declared kind permits; the migrations of later releases, which are
//! only for tests, do so too.

mod statements;

use std::{collections::BTreeSet, fs, path::Path};

use diesel::{
    migration::{Migration, MigrationSource},
    pg::Pg,
};
use diesel_migrations::FileBasedMigrations;

use self::statements::{actions, statements};

/// The folder of the migrations that later releases might have.
const LATER: &str = "tests/it/migrations/later";

/// The migrations of this release, and those of later ones.
pub(crate) struct OfLaterReleases;

impl MigrationSource<Pg> for OfLaterReleases {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        let mut all = FileBasedMigrations::from_path("migrations")?.migrations()?;
        all.extend(FileBasedMigrations::from_path(LATER)?.migrations()?);
        Ok(all)
    }
}

/// A migration as its folder has it.
struct Folder {
    name: String,
    up: String,
    down: Option<String>,
    in_transaction: bool,
}

impl Folder {
    fn all(parent: &str) -> Vec<Self> {
        let entries = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let metadata = fs::read_to_string(path.join("metadata.toml")).unwrap_or_default();
        let metadata: toml::Table = metadata.parse().unwrap();
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            up: fs::read_to_string(path.join("up.sql")).unwrap(),
            down: fs::read_to_string(path.join("down.sql")).ok(),
            in_transaction: metadata
                .get("run_in_transaction")
                .is_none_or(|of| of.as_bool().unwrap()),
        }
    }

    /// What is wrong with it.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (version, _) = self.name.split_once('_').unwrap_or((&self.name, ""));
        let (number, kind) = version.split_once('.').unwrap_or((version, ""));
        let form: String =
            number.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        if form != "0000-00-00-000000" {
            problems.push("the name must begin with a date and a number".to_owned());
        }
        if self.down.as_ref().is_none_or(|down| down.trim().is_empty()) {
            problems.push("down.sql is missing".to_owned());
        }
        let statements = statements(&self.up);
        if !self.in_transaction && statements.len() != 1 {
            problems.push("without a transaction, up.sql must be one statement".to_owned());
        }
        let mut created = BTreeSet::new();
        let mut changed = BTreeSet::new();
        for statement in &statements {
            let is_allowed = match kind {
                "expand" => expands(statement, self.in_transaction, &mut created),
                "move" => moves(statement, self.in_transaction),
                "contract" => contracts(statement),
                _ => {
                    problems
                        .push("the name must say its kind: expand, move or contract".to_owned());
                    return problems;
                }
            };
            if !is_allowed {
                problems.push(format!("no statement for {kind}: {statement}"));
            }
            if let ["ALTER" | "DROP", "TABLE", table, ..] =
                statement.split(' ').collect::<Vec<_>>().as_slice()
                && !created.contains(*table)
            {
                changed.insert((*table).to_owned());
            }
        }
        // With two, it would wait for one while calls wait for the other: a deadlock.
        if changed.len() > 1 {
            problems.push("it changes more than one table".to_owned());
        }
        problems
    }
}

/// Whether servers that do not know of this change go on, and no call waits for long: a new table, an
/// index, a column that they need not write, or a weaker condition on what they write.
fn expands(statement: &str, in_transaction: bool, created: &mut BTreeSet<String>) -> bool {
    let words: Vec<&str> = statement.split([' ', '(']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        ["CREATE", "TABLE", table, ..] => {
            created.insert((*table).to_owned());
            true
        }
        ["COMMENT", "ON", ..] => true,
        ["CREATE", "INDEX", "CONCURRENTLY", ..] => !in_transaction,
        ["CREATE", "INDEX", _, "ON", table, ..]
        | ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] => created.contains(*table),
        ["ALTER", "TABLE", _, "ALTER", "COLUMN", _, "DROP", "NOT", "NULL"] => true,
        // The same condition in a weaker form, which a reviewer compares: what older servers write
        // satisfies it. A move of the next release validates it.
        [
            "ALTER",
            "TABLE",
            _,
            "DROP",
            "CONSTRAINT",
            dropped,
            "ADD",
            "CONSTRAINT",
            added,
            "CHECK",
            ..,
        ] => {
            dropped.trim_end_matches(',') == *added
                && actions(statement).len() == 2
                && statement.ends_with(" NOT VALID")
        }
        ["ALTER", "TABLE", _, rest @ ..] => actions(&rest.join(" ")).iter().all(|action| {
            let mut definition = action.split_whitespace();
            let is_column = definition.next() == Some("ADD") && definition.next() == Some("COLUMN");
            let definition: Vec<&str> = definition.collect();
            let has = |word| definition.contains(&word);
            // A default that is computed rewrites the table, and what is judged older servers
            // might violate.
            let default = definition.iter().skip_while(|word| **word != "DEFAULT").nth(1);
            let is_constant = default.is_none_or(|value| {
                value.starts_with(['\'', '-'])
                    || ["true", "false", "NULL"].contains(value)
                    || value.chars().all(|c| c.is_ascii_digit())
            });
            let is_judged =
                ["UNIQUE", "PRIMARY", "REFERENCES", "CHECK", "CONSTRAINT", "GENERATED"].map(has);
            is_column
                && is_constant
                && !is_judged.contains(&true)
                && (!has("NOT") || default.is_some())
        }),
        _ => false,
    }
}

/// Whether it only changes rows, in steps that commit, or validates a constraint.
fn moves(statement: &str, in_transaction: bool) -> bool {
    let words: Vec<&str> = statement.split(' ').collect();
    match words.as_slice() {
        ["DO", ..] => !in_transaction && statement.contains(" COMMIT;"),
        ["ALTER", "TABLE", _, "VALIDATE", "CONSTRAINT", _] => in_transaction,
        _ => false,
    }
}

/// Whether it removes, or demands more of what is written.
fn contracts(statement: &str) -> bool {
    let words: Vec<&str> = statement.split(' ').collect();
    match words.as_slice() {
        ["DROP", "TABLE" | "INDEX" | "FUNCTION" | "TYPE", ..] | ["COMMENT", "ON", ..] => true,
        ["ALTER", "TABLE", _, rest @ ..] => actions(&rest.join(" ")).iter().all(|action| {
            ["DROP COLUMN ", "DROP CONSTRAINT ", "ALTER COLUMN "].iter().any(|it| action.starts_with(it))
                // The move of a later release validates it.
                || action.starts_with("ADD CONSTRAINT ") && action.ends_with(" NOT VALID")
        }),
        _ => false,
    }
}

#[test]
fn each_migration_says_its_kind_and_does_only_what_that_permits() {
    let folders = Folder::all("migrations");
    let (base, others) = folders.split_first().unwrap();
    // All servers know the first one, so it needs no kind.
    assert_eq!(base.name, "2026-11-30-000001_base");
    assert!(base.down.is_some());

    for folder in others.iter().chain(&Folder::all(LATER)) {
        assert_eq!(folder.problems(), [""; 0], "{}", folder.name);
    }
}

/// The problems of a migration with this name and these statements.
fn problems(name: &str, up: &str, in_transaction: bool) -> Vec<String> {
    let (name, up, down) = (name.to_owned(), up.to_owned(), Some("-- nothing".to_owned()));
    Folder { name, up, down, in_transaction }.problems()
}

#[test]
fn an_expand_does_nothing_that_an_older_server_could_notice() {
    const EXPAND: &str = "2099-01-01-000001.expand_x";
    let of = |up| problems(EXPAND, up, true);
    for fine in [
        "CREATE TABLE t (a text, CONSTRAINT t_pkey PRIMARY KEY (a)); CREATE UNIQUE INDEX t_a ON t (a);",
        "ALTER TABLE users ADD COLUMN a text, ADD COLUMN b bigint NOT NULL DEFAULT 0;",
        "ALTER TABLE events ALTER COLUMN user_id DROP NOT NULL;",
        "ALTER TABLE users DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 0 OR f(a, b)) NOT VALID;",
        "-- DROP TABLE users;\nCOMMENT ON TABLE users IS 'it''s; fine';",
    ] {
        assert_eq!(of(fine), [""; 0], "{fine}");
    }
    for bad in [
        "DROP TABLE users;",
        "ALTER TABLE users DROP COLUMN a;",
        "ALTER TABLE users ADD COLUMN a text, DROP COLUMN b;",
        "ALTER TABLE users RENAME COLUMN a TO b;",
        "ALTER TABLE users ALTER COLUMN version TYPE integer;",
        "ALTER TABLE users ADD COLUMN a text NOT NULL;",
        "ALTER TABLE users ADD COLUMN a uuid DEFAULT gen_random_uuid();",
        "ALTER TABLE users ADD COLUMN a text CHECK (a > 'b');",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (version > 1) NOT VALID;",
        "ALTER TABLE users DROP CONSTRAINT c;",
        "ALTER TABLE users DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 0);",
        "ALTER TABLE users DROP CONSTRAINT c, ADD CONSTRAINT d CHECK (a > 0) NOT VALID;",
        "ALTER TABLE users DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 0), DROP COLUMN b, ADD CONSTRAINT e CHECK (b > 0) NOT VALID;",
        "ALTER TABLE users ALTER COLUMN a SET NOT NULL;",
        "CREATE INDEX users_x ON users (x);",
        "CREATE INDEX CONCURRENTLY users_x ON users (x);",
        "UPDATE users SET blocked = false;",
        "COMMENT ON TABLE users IS 'a'; TRUNCATE users;",
    ] {
        assert_eq!(of(bad).len(), 1, "{bad}");
    }
    let alone = "CREATE INDEX CONCURRENTLY users_x ON users (x);";
    assert_eq!(problems(EXPAND, alone, false), [""; 0]);
    assert_eq!(
        problems(EXPAND, "CREATE UNIQUE INDEX CONCURRENTLY u ON users (x);", false).len(),
        1
    );
    assert_eq!(
        problems(EXPAND, "SELECT 1; CREATE INDEX CONCURRENTLY users_x ON users (x);", false),
        [
            "without a transaction, up.sql must be one statement",
            "no statement for expand: SELECT 1"
        ]
    );
}

#[test]
fn a_move_commits_its_steps_and_a_contract_does_not_scan_what_it_adds() {
    const MOVE: &str = "2099-01-01-000001.move_x";
    const CONTRACT: &str = "2099-01-01-000001.contract_x";
    let steps = "DO $$ BEGIN LOOP UPDATE users SET a = 1; COMMIT; END LOOP; END $$;";
    assert_eq!(problems(MOVE, steps, false), [""; 0]);
    assert_eq!(problems(MOVE, steps, true).len(), 1);
    assert_eq!(problems(MOVE, "UPDATE users SET a = 1;", true).len(), 1);
    assert_eq!(problems(MOVE, "ALTER TABLE users VALIDATE CONSTRAINT c;", true), [""; 0]);

    let added = "ALTER TABLE users ADD CONSTRAINT c CHECK (version > 1)";
    assert_eq!(
        problems(CONTRACT, &format!("{added} NOT VALID; ALTER TABLE users DROP COLUMN a;"), true),
        [""; 0]
    );
    assert_eq!(problems(CONTRACT, added, true).len(), 1);
    assert_eq!(
        problems(CONTRACT, "DROP TABLE t; ALTER TABLE users DROP COLUMN a;", true),
        ["it changes more than one table"]
    );
    assert_eq!(problems(CONTRACT, "CREATE TABLE t (a text);", true).len(), 1);
}

#[test]
fn a_migration_without_a_kind_or_a_way_back_is_a_problem() {
    for name in ["2099-01-01-000001_x", "2099-01-01-000001.grow_x"] {
        assert_eq!(
            problems(name, "DROP TABLE t;", true),
            ["the name must say its kind: expand, move or contract"]
        );
    }
    assert_eq!(
        problems("x.contract_x", "DROP TABLE t;", true),
        ["the name must begin with a date and a number"]
    );
    let folder = Folder {
        name: "2099-01-01-000001.contract_x".to_owned(),
        up: "DROP TABLE t;".to_owned(),
        down: None,
        in_transaction: true,
    };
    assert_eq!(folder.problems(), ["down.sql is missing"]);
}
