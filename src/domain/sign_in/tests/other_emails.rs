//! Further addresses of a newcomer.

use super::*;

/// A100.
#[test]
fn another_verified_address_suggests_and_links_nothing() {
    let carl = user("carl", &[("auto2", "!carl@example.com")]);
    let own = |provider, email| account(provider, "new", email);
    let of = |account: &UnownedIdentity, others: &[&str], holders: &[User]| {
        summary(decide(&with_others(account.clone(), others), None, holders, false))
    };
    let asked = "candidates carl: OtherEmailVerified";
    for email in ["!ann@example.com", EMAIL, "", "!\u{e4}nn@example.com"] {
        let account = own("auto", email);
        assert_eq!(of(&account, &["!carl@example.com"], slice::from_ref(&carl)), asked, "{email}");
    }
    let ours = own("auto", "!ann@example.com");
    for others in [&["carl@example.com"][..], &["!dora@example.com"], &["!\u{e4}@example.com"], &[]]
    {
        assert_eq!(of(&ours, others, slice::from_ref(&carl)), "created: EmailUnclaimed");
    }
    let claims = user("carl", &[("auto2", "carl@example.com")]);
    assert_eq!(of(&ours, &["!carl@example.com"], &[claims]), "created: EmailUnclaimed");
    let closed = user("carl", &[("off", "!carl@example.com")]);
    assert_eq!(of(&ours, &["!carl@example.com"], &[closed]), "created: EmailUnclaimed");
    for (provider, created) in [("off", "LinkingOff"), ("untrusted", "EmailUnverified")] {
        let account = own(provider, "!ann@example.com");
        let decision = of(&account, &["!carl@example.com"], slice::from_ref(&carl));
        assert_eq!(decision, format!("created: {created}"));
    }
    // A user of the primary address comes first.
    let linked = "linked ann: EmailVerifiedOnBothSides";
    assert_eq!(of(&ours, &["!carl@example.com"], &[ann("auto2"), carl.clone()]), linked);
    // The likeliest first, with the addresses that they share, and no blocked one.
    let dora = user("dora", &[("auto2", "!carl@example.com"), ("suggests", "!dora@example.com")]);
    let three = [carl.clone(), dora, blocked(user("eve", &[("auto2", "!carl@example.com")]))];
    let both = ["!carl@example.com", "!dora@example.com"];
    assert_eq!(of(&ours, &both, &three), "candidates dora carl: OtherEmailVerified");
    let decision = decide(&with_others(ours.clone(), &both), None, &three, false).unwrap();
    let evidence = decision.evidence.iter().map(|of| {
        let owner = of.owner.as_ref().map_or("", UserId::as_str);
        format!("{owner} {}", of.email)
    });
    let expected = [
        " ann@example.com",
        " carl@example.com",
        " dora@example.com",
        "carl carl@example.com",
        "dora carl@example.com",
        "dora dora@example.com",
        "eve carl@example.com",
    ];
    assert_eq!(evidence.collect::<Vec<_>>(), expected);
    let history = AccountHistory { was_deleted: false, released_by: vec![carl.id.clone()] };
    let released = with_others(ours, &["!carl@example.com"]);
    let decision = decide_after(&released, None, slice::from_ref(&carl), &history);
    assert_eq!(summary(decision), "created: EmailUnclaimed", "A81");
}
