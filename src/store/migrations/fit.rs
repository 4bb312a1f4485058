//! Whether a binary serves on a schema.

use super::MigrationKind;

/// Why the database's schema does not fit this binary.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SchemaMismatch {
    /// Migrations are pending that this binary needs.
    #[error(
        "the database's schema is older than this binary: run `identity-link migrate` first (missing: {0})"
    )]
    Older(String),
    /// Migrations ran that this binary does not know, and that it does not survive.
    #[error(
        "the database's schema is newer than this binary: run the release that made it, or a later one (unknown: {0})"
    )]
    Newer(String),
}

/// Compares the migrations that a binary knows with those that ran, both in order.
///
/// The binary needs all that it knows, except for contracts: it does not use what they remove. Of
/// those that it does not know it accepts what one newer release may run beside it: moves, which fill
/// what this binary knows and writes too, and expands. A move after an unknown expand fills what this
/// binary does not write. A contract removes what it may use. A version that says no kind is refused.
pub(super) fn compare(known: &[String], ran: &[String]) -> Result<(), SchemaMismatch> {
    let mut has_unknown_expand = false;
    let mut refused = Vec::new();
    for version in ran.iter().filter(|version| !known.contains(version)) {
        match MigrationKind::of(version) {
            Some(MigrationKind::Expand) => has_unknown_expand = true,
            Some(MigrationKind::Move) if !has_unknown_expand => {}
            Some(MigrationKind::Move | MigrationKind::Contract) | None => {
                refused.push(version.as_str());
            }
        }
    }
    if !refused.is_empty() {
        return Err(SchemaMismatch::Newer(refused.join(", ")));
    }
    let is_needed = |version: &&String| {
        !ran.contains(version) && MigrationKind::of(version) != Some(MigrationKind::Contract)
    };
    let missing: Vec<&str> = known.iter().filter(is_needed).map(String::as_str).collect();
    if missing.is_empty() { Ok(()) } else { Err(SchemaMismatch::Older(missing.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(known: &str, ran: &str) -> Result<(), SchemaMismatch> {
        let versions = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        compare(&versions(known), &versions(ran))
    }

    fn older(missing: &str) -> Result<(), SchemaMismatch> {
        Err(SchemaMismatch::Older(missing.to_owned()))
    }

    fn newer(unknown: &str) -> Result<(), SchemaMismatch> {
        Err(SchemaMismatch::Newer(unknown.to_owned()))
    }

    #[test]
    fn a_binary_needs_all_migrations_that_it_knows_except_for_contracts() {
        let known = "1 2.expand 3.move 4.contract";
        assert_eq!(compared(known, "1 2.expand 3.move 4.contract"), Ok(()));
        assert_eq!(compared(known, "1 2.expand 3.move"), Ok(()));
        assert_eq!(compared(known, ""), older("1, 2.expand, 3.move"));
        assert_eq!(compared(known, "1 2.expand"), older("3.move"));
        // The missing one need not be the last.
        assert_eq!(compared(known, "1 3.move"), older("2.expand"));
    }

    #[test]
    fn a_binary_serves_on_the_schema_of_one_newer_release() {
        assert_eq!(compared("1", "1 2.expand"), Ok(()));
        assert_eq!(compared("1", "1 2.expand 3.expand"), Ok(()));
        assert_eq!(compared("1 2.expand", "1 2.expand 3.move 4.expand"), Ok(()));
    }

    #[test]
    fn a_binary_refuses_what_a_second_release_may_do_and_what_says_no_kind() {
        assert_eq!(compared("1", "1 2.expand 3.move"), newer("3.move"));
        assert_eq!(compared("1", "1 2.contract"), newer("2.contract"));
        assert_eq!(compared("1", "1 2.expand 3 4.contract"), newer("3, 4.contract"));
        assert_eq!(compared("1", "1 2.expanded"), newer("2.expanded"));
        // What is unknown counts first: this binary's migrations would not help.
        assert_eq!(compared("1 3.expand", "1 2.contract"), newer("2.contract"));
        assert_eq!(compared("1 3.expand", "1 2.expand"), older("3.expand"));
    }
}
