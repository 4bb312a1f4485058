use serde_json::json;

use super::{
    account::StoredAccount,
    actor::{Actor, ActorKind},
    changes::StoredChanges,
    effects::Effects,
    proof::{PastProof, Proof, StoredProof},
    terms::PastTerms,
    verifier::StoredVerifier,
    withheld::StoredWithheld,
    *,
};
use crate::domain::{
    EmailVerification, IdentityEmail, IdentityRef, KeptTokens, Metadata, UserId, Verifier,
    linking::{LinkTerms, MetadataChanges, UnownedIdentity},
    merge::{Arrays, Change, Conflict, Effect, Strategy},
    sign_in::SignInRule,
    unlinking::Withheld,
    user_with_absorbed::StandingLink,
};

const CONFLICTS: [Conflict; 3] = [Conflict::PrimaryWins, Conflict::SecondaryWins, Conflict::Fail];
const ARRAYS: [Arrays; 3] = [Arrays::Concatenate, Arrays::Union, Arrays::Replace];
const EFFECTS: [Effect; 4] =
    [Effect::Added, Effect::PrimaryKept, Effect::SecondaryTaken, Effect::Combined];

/// Every strategy there is.
fn strategies() -> Vec<Strategy> {
    let merges = CONFLICTS.into_iter().flat_map(|conflict| {
        ARRAYS.into_iter().map(move |arrays| Strategy::Merge { conflict, arrays })
    });
    [Strategy::KeepPrimary].into_iter().chain(merges).collect()
}

fn document(value: Value) -> Metadata {
    let Value::Object(map) = value else { panic!("{value} should be an object") };
    Metadata::from_stored(map)
}

/// The error for a stored form of this type, which should not parse.
fn refused<T: DeserializeOwned>(what: &str, stored: &Value) -> String {
    let Err(error) = from_json::<T>(what, stored.clone()) else {
        panic!("{stored} should not parse")
    };
    error.to_string()
}

#[test]
fn the_terms_of_a_link_survive() {
    for strategy in strategies() {
        let terms = LinkTerms {
            user_metadata: strategy,
            app_metadata: Strategy::KeepPrimary,
            require_shared_verified_email: true,
            ..LinkTerms::default()
        };
        let past = PastTerms {
            user_metadata: strategy,
            app_metadata: Strategy::KeepPrimary,
            require_shared_verified_email: true,
        };
        let stored = to_json(&PastTerms::from(&terms)).unwrap();
        assert_eq!(from_json::<PastTerms>("terms", stored).unwrap(), past);
    }
}

/// An undo by other terms than those of the link would leave a wrong array behind.
#[test]
fn terms_that_this_release_does_not_know_are_refused() {
    let merge = |strategy: &str, conflict: &str, arrays: &str| {
        let merge = json!({"strategy": strategy, "conflict": conflict, "arrays": arrays});
        let keep = json!({"strategy": "keep_primary"});
        json!({
            "user_metadata": keep, "app_metadata": merge, "require_shared_verified_email": false
        })
    };
    from_json::<PastTerms>("terms of a link", merge("merge", "fail", "union")).unwrap();

    for unknown in [
        merge("merge", "fail", "interleave"),
        merge("merge", "newest_wins", "union"),
        merge("keep_secondary", "fail", "union"),
        json!({"user_metadata": {"strategy": "merge", "conflict": "fail"}}),
        json!({}),
        json!(null),
    ] {
        assert_eq!(
            refused::<PastTerms>("terms of a link", &unknown),
            "fault: cannot parse the stored terms of a link"
        );
    }
}

#[test]
fn the_changes_of_a_merge_survive_for_its_undo() {
    let change = |effect, before: Option<Value>, after: Option<Value>| Change {
        path: "/a/b~1c".to_owned(),
        effect,
        before,
        after,
    };
    let cases = [
        (None, Some(json!(null))),
        (Some(json!(null)), Some(json!([1, "two"]))),
        (Some(json!({"x": 5})), None),
    ];
    for strategy in strategies() {
        for (before, after) in cases.clone() {
            let changes = MetadataChanges {
                user: vec![change(Effect::Added, before.clone(), after.clone())],
                app: vec![change(Effect::PrimaryKept, Some(json!(1)), Some(json!(1)))],
            };
            let stored = to_json(&StoredChanges::from(&changes)).unwrap();
            let terms = PastTerms {
                user_metadata: strategy,
                app_metadata: Strategy::KeepPrimary,
                require_shared_verified_email: false,
            };
            let read = |stored: &Value| {
                from_json::<StoredChanges>("changes", stored.clone()).unwrap().into_traces(&terms)
            };
            let (user_metadata, app_metadata) = read(&stored);
            let [trace] = user_metadata.traces.as_slice() else { panic!("one path changed") };
            assert_eq!(trace.path, ["a", "b/c"]);
            assert_eq!((&trace.before, &trace.after), (&before, &after));
            assert_eq!(user_metadata.arrays, strategy.arrays());
            assert!(app_metadata.traces.is_empty(), "what the primary kept did not change");

            // An undo of an earlier link writes them back.
            let rewritten = StandingLink {
                id: uuid::Uuid::nil(),
                primary: UserId::parse("u").unwrap(),
                primary_version: 2,
                user_metadata,
                app_metadata,
            };
            assert_eq!(to_json(&StoredChanges::from(&rewritten)).unwrap(), stored);
        }
    }
}

#[test]
fn the_effects_of_a_merge_survive_and_others_are_refused() {
    let change =
        |effect| Change { path: "/a".to_owned(), effect, before: None, after: Some(json!(1)) };
    let user: Vec<Change> = EFFECTS.into_iter().map(change).collect();
    let effects = Effects::from(&MetadataChanges { user, app: Vec::new() });

    let read: Effects = from_json("effects", to_json(&effects).unwrap()).unwrap();

    assert_eq!(read, effects);
    assert_eq!(Vec::from_iter(read.user_metadata.iter().map(|it| it.effect)), EFFECTS);
    assert_eq!(from_json::<Effects>("effects", json!({})).unwrap(), Effects::default());
    refused::<Effects>("effects", &json!({"user_metadata": [{"path": "/a", "effect": "moved"}]}));
}

#[test]
fn the_actor_of_a_change_survives_and_others_are_refused() {
    for kind in [
        ActorKind::User,
        ActorKind::Service,
        ActorKind::Deletion,
        ActorKind::Operator,
        ActorKind::Provider,
    ] {
        let actor =
            Actor { kind, issuer: "https://i".to_owned(), subject: "s".to_owned(), reason: None };
        let stored = to_json(&actor).unwrap();
        assert_eq!(stored["kind"], kind.as_str());
        assert_eq!(from_json::<Actor>("actor", stored).unwrap(), actor);
    }
    // What an erasing writes.
    for (kind, stored) in [(ActorKind::User, "user"), (ActorKind::Deletion, "deletion")] {
        let erased = Actor { kind, issuer: String::new(), subject: String::new(), reason: None };
        assert_eq!(from_json::<Actor>("actor", json!({"kind": stored})).unwrap(), erased);
    }
    assert_eq!(to_json(&Actor::operator()).unwrap()["kind"], "operator");
    refused::<Actor>("actor", &json!({"kind": "root"}));
}

#[test]
fn the_proof_of_a_link_survives_and_others_are_refused() {
    let (issuer, subject, hash) = ("https://i".to_owned(), "s".to_owned(), [7; 32]);
    let token = Proof::Token { issuer: issuer.clone(), subject: subject.clone(), hash };
    let rule = SignInRule::EmailVerifiedOnBothSides;
    for (proof, past) in [
        (token, PastProof::Token { issuer, subject, hash: hash.to_vec() }),
        (Proof::Ticket { hash }, PastProof::Ticket),
        (Proof::SignIn, PastProof::SignIn),
        (Proof::VerifiedEmail { rule }, PastProof::VerifiedEmail { rule }),
        (Proof::Service, PastProof::Service),
    ] {
        let stored = to_json(&StoredProof::from(&proof)).unwrap();
        assert_eq!(stored["kind"], proof.kind().as_str());
        assert_eq!(
            stored.get("rule").and_then(Value::as_str),
            proof.rule().map(SignInRule::as_str)
        );
        let read: StoredProof = from_json("proof", stored).unwrap();
        assert_eq!(read.into_proof(proof.hash().map(|hash| hash.to_vec())), past);
    }
    // What an erasing writes.
    let erased: StoredProof = from_json("proof", json!({"kind": "token"})).unwrap();
    let nothing =
        PastProof::Token { issuer: String::new(), subject: String::new(), hash: Vec::new() };
    assert_eq!(erased.into_proof(None), nothing);
    refused::<StoredProof>("proof", &json!({"kind": "passkey"}));
    // What earlier servers wrote.
    let without_rule: StoredProof = from_json("proof", json!({"kind": "verified_email"})).unwrap();
    assert_eq!(without_rule.into_proof(None), PastProof::VerifiedEmail { rule });
    refused::<StoredProof>("proof", &json!({"kind": "verified_email", "rule": "guessed"}));
}

#[test]
fn withheld_metadata_survives() {
    for user_metadata in [None, Some(document(json!({"a": [1, null]})))] {
        for is_discarded in [false, true] {
            let user_metadata = user_metadata.clone();
            let withheld = Withheld { user_metadata, app_metadata: None, is_discarded };
            let stored = to_json(&StoredWithheld::from(&withheld)).unwrap();
            let read: StoredWithheld = from_json("withheld", stored).unwrap();
            assert_eq!(read.into_withheld(is_discarded), withheld);
        }
    }
    assert_eq!(to_json(&StoredWithheld::default()).unwrap(), json!({}));
    refused::<StoredWithheld>("withheld", &json!({"user_metadata": [1]}));
}

#[test]
fn a_proven_account_survives_with_the_verifier_of_its_email() {
    let time = chrono::DateTime::UNIX_EPOCH;
    let (issuer, subject) = ("https://i".to_owned(), "s".to_owned());
    let verified = |by| Some(EmailVerification { time, by });
    for verified in [
        None,
        verified(Verifier::Issuer(issuer.clone())),
        verified(Verifier::Service { issuer, subject }),
        verified(Verifier::Import),
    ] {
        let (given, canonical) = ("A@b.example".to_owned(), Some("a@b.example".to_owned()));
        let account = UnownedIdentity {
            id: IdentityRef::parse_joined("github|1").unwrap(),
            connection: "c".to_owned(),
            social: false,
            email: Some(IdentityEmail {
                given: given.clone(),
                canonical: canonical.clone(),
                verified: verified.clone(),
                counts: None,
            }),
            other_emails: vec![IdentityEmail { given, canonical, verified, counts: None }],
            profile_data: document(json!({"name": "Ada"})),
            signed_in_at: Some(time),
            tokens: Some(KeptTokens {
                issuer: "https://i".to_owned(),
                key_id: "k".to_owned(),
                sealed: vec![0, 255, 7],
                scopes: ["a".to_owned()].into(),
                refreshable: true,
                expire_time: Some(time),
            }),
        };
        let stored = to_json(&StoredAccount::from(&account)).unwrap();
        let read: StoredAccount = from_json("account", stored).unwrap();
        assert_eq!(read.into_account(account.id.clone()), account);
    }
    refused::<StoredVerifier>("verifier", &json!({"kind": "dns", "issuer": "https://i"}));
}
