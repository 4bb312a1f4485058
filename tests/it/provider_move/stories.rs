//! The accounts keep their subjects.

use std::time::Duration;

use identity_link::grpc::proto as pb;
use pb::sign_in_decision::Outcome;
use tokio::time::timeout;

use super::*;
use crate::reload::{REFUSED, RELOADED, Reloading};

/// J40: after the move no token of the issuer from before acts as an account of the provider: not at
/// a server that still has that issuer, and not at one that has the new one.
#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_a_moved_provider_stay_who_they_are() {
    let old = old_server().await;
    let ann = old.service().create("github", "ann").await.id;
    let ben = old.service().create("sms", "ben").await.id;
    let (before, proof) = (old.caller(&Token::of("github", "ann")), old.proof("github", "ann"));
    assert_eq!(before.user("").await.id, ann);
    let desk = Desk::new(&old.database);

    let ran = desk.move_it(&[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("renamed: 0, kept: 1"), "{ran:?}");
    // At once, and for whatever the token would do.
    assert_eq!(refusal(before.get_user(get("")).await), UNAVAILABLE);
    assert_eq!(refusal(before.delete_user(delete("")).await), UNAVAILABLE);
    let ben_before = old.person("sms", "ben");
    assert_eq!(refusal(ben_before.link(link_with(&proof)).await), UNAVAILABLE);
    assert_eq!(refusal(old.service().resolve_sign_in(sign_in("github", "new")).await), UNAVAILABLE);
    let new = new_server(&old.database).await;
    assert_eq!(new.caller(&new_token("ann")).user("").await.id, ann);
    let signed_in = new.service().resolve_sign_in(sign_in("github", "ann")).await.unwrap();
    let decision = signed_in.decision.unwrap();
    assert_eq!((decision.outcome(), decision.user.unwrap().id), (Outcome::SignedIn, ann.clone()));
    let invalid = "Unauthenticated TOKEN_INVALID";
    assert_eq!(refusal(new.caller(&Token::of("github", "ann")).get_user(get("")).await), invalid);
    // A proof of the issuer from before proves nothing.
    let linked = new.person("sms", "ben").link(link_with(&proof)).await;
    assert!(refusal(linked).ends_with("LINK_TOKEN_INVALID"));
    assert_eq!(new.service().owner("sms", "ben").await, ben);
    old.database.db_assert_invariants().await;

    // The history, and the same command again.
    let listed = desk.list();
    let [pin, past] =
        &listed.lines().skip_while(|line| !line.starts_with("github:")).take(2).collect::<Vec<_>>()
            [..]
    else {
        panic!("{listed}")
    };
    assert!(pin.starts_with(&format!("github: {NEW}, since 20")), "{pin}");
    assert!(past.contains(&format!("from {} to {NEW}, ended: 20", iss("github"))), "{past}");
    let again = desk.move_it(&[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stdout.contains("already"), "{again:?}");
    assert_eq!(desk.list(), listed);
}

/// The operator changes the file first. The server refuses it until the provider has moved, and then
/// takes it by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_takes_the_new_file_after_the_move() {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, before);
    let ann = server.service().create("github", "ann").await.id;
    let problem =
        server.reload(|toml| toml.replace(&iss("github"), NEW), REFUSED)["problem"].to_string();
    assert!(problem.contains("`identity-link provider move` moves it"), "{problem}");
    let desk = Desk::new(&database);

    assert_eq!(desk.move_it(&[]).code, Some(0));

    server.line(RELOADED);
    assert_eq!(server.caller(&new_token("ann")).user("").await.id, ann);
    let refused = refusal(server.caller(&Token::of("github", "ann")).get_user(get("")).await);
    assert_eq!(refused, "Unauthenticated TOKEN_INVALID");
}

/// P41: a move concerns the provider of one tenant.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_tenants_of_a_server_go_on_with_the_issuer_that_they_have() {
    let old = TestServer::start().await;
    let of_tenant = |tenant| old.caller(&Token::of("github", "ann").tenant(tenant));
    for tenant in ["default", "other"] {
        old.service_of(tenant).create("github", "ann").await;
    }
    let desk = Desk::with(&old.database, |toml| toml.replace(&iss("github"), NEW));

    assert_eq!(desk.move_it(&[]).code, Some(0));

    assert_eq!(refusal(of_tenant("default").get_user(get("")).await), UNAVAILABLE);
    // A call may find that its connection has just ended; the next one opens another.
    let goes_on = async { while of_tenant("other").get_user(get("")).await.is_err() {} };
    timeout(Duration::from_secs(60), goes_on).await.expect("the other tenant should go on");
    assert_eq!(refusal(of_tenant("default").get_user(get("")).await), UNAVAILABLE);
    let pinned = "SELECT tenant_id || ' ' || issuer FROM provider_issuers WHERE provider = 'github' ORDER BY 1";
    let expected = [
        format!("default {NEW}"),
        format!("joined {}", iss("github")),
        format!("other {}", iss("github")),
    ];
    assert_eq!(old.database.db_texts(pinned).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let old = old_server().await;
    let ann = old.service().create("github", "ann").await.id;
    let before = old.database.db_everything().await;
    let desk = Desk::new(&old.database);
    desk.write_map([("ann", "a-1")]);

    let ran = desk.move_it(&["--dry-run"]);
    let mapped = desk.move_it(&["--dry-run", "--subjects", "map.csv", "--report", "report.ndjson"]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.starts_with("would be moved: "), "{ran:?}");
    assert_eq!(mapped.code, Some(0), "{mapped:?}");
    assert!(mapped.stdout.contains("with another subject: 1"), "{mapped:?}");
    assert_eq!(old.database.db_everything().await, before);
    assert_eq!(old.caller(&Token::of("github", "ann")).user("").await.id, ann);
}

/// J40: an import with the file from before would bring accounts of the other issuer.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_the_issuer_from_before_is_refused() {
    let old = old_server().await;
    let desk = Desk::new(&old.database);
    assert_eq!(desk.move_it(&[]).code, Some(0));
    let import = |change: fn(String) -> String| {
        let desk = Desk::with(&old.database, change);
        let user = r#"{"id": "ann", "identities": [{"provider": "github", "subject": "ann"}]}"#;
        fs::write(desk.path("users.ndjson"), format!("{user}\n")).unwrap();
        let mut command = binary(&["import", "--config", "new.toml", "--tenant", "default"]);
        command.args(["--from", "neutral", "users.ndjson"]).current_dir(&desk.dir);
        run_command(command)
    };

    let refused = import(before);

    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = "identity-link: tenant default: provider github is configured with issuer";
    assert!(refused.stderr.contains(said), "{refused:?}");
    assert_eq!(old.database.db_texts("SELECT id FROM users").await, [""; 0]);

    // Nor is one without any issuer taken for the new one.
    let refused = import(|toml| toml.split_once("[issuers.").unwrap().0.to_owned());

    assert_eq!(refused.code, Some(64), "{refused:?}");
    let said = "identity-link: the provider github has moved to another issuer, and the configuration names no issuer for it";
    assert!(refused.stderr.contains(said), "{refused:?}");
    assert_eq!(old.database.db_texts("SELECT id FROM users").await, [""; 0]);
    let imported = import(after);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(old.database.db_texts("SELECT id FROM users").await, ["ann"]);
}
