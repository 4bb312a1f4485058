//! Which migrations are run, and which are reversed.

use super::{MigrateError, MigrationKind, SchemaMismatch, fit::compare};

/// Which migrations shall have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All that servers of the previous release survive: all but the contracts at the end.
    Rollout,
    /// All.
    Complete,
    /// All up to this version, which may be without its kind; and none of those after it.
    Version(String),
}

/// What is to be done, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The versions to reverse.
    pub reverse: Vec<String>,
    /// The versions to run.
    pub run: Vec<String>,
    /// The contracts that are left for later.
    pub left: Vec<String>,
}

/// Plans the way to the target, for the versions that a binary knows and those that ran, both in
/// order.
pub(super) fn plan(
    known: &[String],
    ran: &[String],
    target: &Target,
) -> Result<Plan, MigrateError> {
    if let Target::Version(asked) = target {
        return plan_to(known, ran, asked);
    }
    if let Err(newer @ SchemaMismatch::Newer(_)) = compare(known, ran) {
        return Err(newer.into());
    }
    let pending = known.iter().filter(|version| !ran.contains(version));
    let mut run: Vec<String> = pending.cloned().collect();
    if *target == Target::Complete {
        return Ok(Plan { run, ..Plan::default() });
    }
    let is_contract = |version: &str| MigrationKind::of(version) == Some(MigrationKind::Contract);
    let contracts = run.iter().rev().take_while(|version| is_contract(version)).count();
    let left = run.split_off(run.len().saturating_sub(contracts));
    let mut from_contract = run.iter().skip_while(|version| !is_contract(version));
    if let (Some(contract), Some(next)) = (from_contract.next(), from_contract.next()) {
        return Err(MigrateError::ContractPending {
            contract: contract.clone(),
            next: next.clone(),
        });
    }
    Ok(Plan { run, left, ..Plan::default() })
}

fn plan_to(known: &[String], ran: &[String], asked: &str) -> Result<Plan, MigrateError> {
    let number = |version: &str| version.split('.').next() == Some(asked);
    let Some(last) = known.iter().find(|version| *version == asked || number(version)) else {
        return Err(MigrateError::UnknownVersion {
            asked: asked.to_owned(),
            known: known.join(", "),
        });
    };
    let unknown = ran.iter().filter(|version| *version > last && !known.contains(version));
    let unknown: Vec<&str> = unknown.map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(MigrateError::Irreversible(unknown.join(", ")));
    }
    let reverse = known.iter().rev().filter(|version| *version > last && ran.contains(version));
    let run = known.iter().filter(|version| *version <= last && !ran.contains(version));
    Ok(Plan { reverse: reverse.cloned().collect(), run: run.cloned().collect(), left: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "1 2.expand 3.move 4.contract";

    fn versions(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// `reversed | run | left`, or the error.
    fn planned(known: &str, ran: &str, target: &Target) -> String {
        match plan(&versions(known), &versions(ran), target) {
            Ok(Plan { reverse, run, left }) => {
                format!("{} | {} | {}", reverse.join(" "), run.join(" "), left.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    fn to(version: &str) -> Target {
        Target::Version(version.to_owned())
    }

    #[test]
    fn a_rollout_leaves_the_contracts_at_the_end() {
        assert_eq!(planned(KNOWN, "", &Target::Rollout), " | 1 2.expand 3.move | 4.contract");
        assert_eq!(planned(KNOWN, "1 2.expand 3.move", &Target::Rollout), " |  | 4.contract");
        assert_eq!(planned(KNOWN, KNOWN, &Target::Rollout), " |  | ");
        assert_eq!(planned(KNOWN, "1 2.expand", &Target::Complete), " | 3.move 4.contract | ");
    }

    #[test]
    fn a_rollout_does_not_run_a_contract_of_an_earlier_release() {
        let known = "1 2.contract 3.expand";
        insta::assert_snapshot!(planned(known, "1", &Target::Rollout), @"2.contract of an earlier release is pending, and 3.expand comes after it: run `identity-link migrate --to 2.contract` first, when all servers run a release that has it");
        assert_eq!(planned(known, "1 2.contract", &Target::Rollout), " | 3.expand | ");
        assert_eq!(planned(known, "1", &Target::Complete), " | 2.contract 3.expand | ");
    }

    #[test]
    fn a_version_is_reached_from_both_sides_with_or_without_its_kind() {
        assert_eq!(planned(KNOWN, "1", &to("3.move")), " | 2.expand 3.move | ");
        assert_eq!(planned(KNOWN, KNOWN, &to("2")), "4.contract 3.move |  | ");
        assert_eq!(planned(KNOWN, "1 2.expand", &to("2.expand")), " |  | ");
        // A gap is filled on the way.
        assert_eq!(planned(KNOWN, "1 3.move", &to("2")), "3.move | 2.expand | ");
    }

    #[test]
    fn what_this_binary_does_not_know_is_not_reversed_and_not_joined_if_it_does_not_serve_beside_it()
     {
        insta::assert_snapshot!(planned(KNOWN, KNOWN, &to("5")), @"5 is not a version of a migration: this release has 1, 2.expand, 3.move, 4.contract");
        insta::assert_snapshot!(planned("1", "1 2.expand", &to("1")), @"this release cannot reverse what it does not know (2.expand): use the release that ran it");
        insta::assert_snapshot!(planned("1", "1 2.contract", &Target::Rollout), @"the database's schema is newer than this binary: run the release that made it, or a later one (unknown: 2.contract)");
        assert_eq!(planned("1", "1 2.expand", &Target::Rollout), " |  | ");
    }
}
