//! The tables of `docs/reference/sign-in-rules.md` are the code, row by row.

use super::*;

/// Outcome, and rule or refusal, in the words of `docs/reference/sign-in-rules.md`.
pub(super) fn in_words(decision: &Result<Decision, DomainError>) -> (&'static str, String) {
    let (outcome, name) = match decision {
        Err(refusal) => ("refused", format!("{refusal:?}")),
        Ok(Decision { outcome, rule, .. }) => match outcome {
            SignInOutcome::SignedIn(_) => ("signed in", format!("{rule:?}")),
            SignInOutcome::Created => ("created", format!("{rule:?}")),
            SignInOutcome::Linked(_) => ("linked", format!("{rule:?}")),
            SignInOutcome::Candidates(_) => ("candidates", format!("{rule:?}")),
            SignInOutcome::RegistrationNeeded => ("registration needed", format!("{rule:?}")),
        },
    };
    let words = name
        .char_indices()
        .map(|(at, c)| if at > 0 && c.is_uppercase() { format!("_{c}") } else { c.to_string() });
    (outcome, words.collect::<String>().to_uppercase())
}

/// The rows of the first table: outcome, and rule or refusal.
pub(super) fn rows_of_the_page() -> Vec<(&'static str, String)> {
    let page = include_str!("../../../../docs/reference/sign-in-rules.md");
    let rows = page.lines().filter_map(|line| {
        line.strip_prefix("| ").filter(|rest| rest.starts_with(char::is_numeric))
    });
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let outcomes = ["refused", "signed in", "created", "linked", "candidates"];
        let outcome = outcomes.into_iter().find(|outcome| cells[2].starts_with(outcome)).unwrap();
        (outcome, cells[3].trim_end_matches(" |").trim_matches('`').to_owned())
    })
    .collect()
}

/// The second table's entry for this outcome and for a caller that wants the new user: outcome, and
/// rule or refusal, for a row of the first table whose outcome is created.
#[test]
fn the_page_says_what_registration_does_with_a_new_account() {
    use Registration::{Ask, Closed, Open};
    let page = include_str!("../../../../docs/reference/sign-in-rules.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `registration` is ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(" | ").collect()).collect();
    let row = |registration: Registration| {
        let created = newcomer_decision("auto", &[]);
        let (outcome, name) =
            in_words(&created.and_then(|created| apply_registration(created, registration)));
        (outcome, name.replace("EMAIL_UNCLAIMED", "that of the row"))
    };
    let rows: Vec<_> =
        rows.iter().map(|cells| (cells[1], cells[2].trim_matches('`').to_owned())).collect();
    assert_eq!(rows, [Open, Ask, Ask.once_confirmed(), Closed].map(row));
    assert_eq!(row(Closed.once_confirmed()), row(Closed));
    // No other outcome depends on the registration.
    for holders in [vec![ann("auto2")], vec![ann("suggests")]] {
        let decision = newcomer_decision("auto", &holders).unwrap();
        assert_eq!(apply_registration(decision.clone(), Closed), Ok(decision));
    }
}

#[test]
fn the_page_is_the_code_row_by_row() {
    let trusted = ann;
    let (ann, mallory) = (trusted("auto2"), user("m", &[("auto2", EMAIL)]));
    let ben = user("ben", &[("auto2", "!ann@example.com")]);
    let mut changed = ann.clone();
    changed.identities[0].email_changed = true;
    let carl = user("carl", &[("auto2", "!carl@example.com")]);
    let own = account("auto", "new", "!ann@example.com");
    let other = with_others(own.clone(), &["!carl@example.com"]);
    let of = |provider, email| account(provider, "new", email);
    let newcomer =
        |account: &UnownedIdentity, holders: &[User]| decide(account, None, holders, false);
    let rows = [
        newcomer(&of("undeclared", ""), &[]),
        newcomer(&of("disabled", ""), &[]),
        decide(&own, Some(&blocked(ann.clone())), &[], false),
        decide(&own, Some(&ann), &[], false),
        newcomer(&of("wants-any", ""), &[]),
        newcomer(&of("auto", ""), &[]),
        newcomer(&of("wants-verified", EMAIL), &[]),
        newcomer(&of("untrusted", "!ann@example.com"), &[]),
        newcomer(&of("auto", "!\u{e4}nn@example.com"), &[]),
        newcomer(&of("off", "!ann@example.com"), &[]),
        newcomer(&own, &[]),
        newcomer(&own, &[mallory]),
        released(slice::from_ref(&ann), &["ann"], false),
        newcomer(&own, &[trusted("off")]),
        newcomer(&own, &[blocked(ann.clone())]),
        newcomer(&own, &[trusted("auto")]),
        decide(&own, None, slice::from_ref(&ann), true),
        newcomer(&own, &[changed]),
        newcomer(&own, &[joined(&[("wants-any", 1, None), ("auto2", 2, Some(2))])]),
        newcomer(&own, &[since(ann.clone(), -100)]),
        newcomer(&own, slice::from_ref(&ann)),
        newcomer(&of("suggests", "!ann@example.com"), slice::from_ref(&ann)),
        newcomer(&own, &[ann, ben]),
        newcomer(&other, slice::from_ref(&carl)),
        newcomer(&other, &[blocked(carl)]),
    ];
    let rows: Vec<_> = rows.iter().map(in_words).collect();
    assert_eq!(rows_of_the_page(), rows);
}
