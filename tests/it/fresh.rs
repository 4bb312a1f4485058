//! A61: a call that changes who can sign in as a user needs a fresh sign-in. A sign-in at an
//! identity that an old sign-in linked is not fresh until an older identity vouches for it.

use identity_link::{clock, grpc::proto as pb};
use tonic::Status;

use crate::support::{cluster::cluster, tokens::Token, *};

const SIGN_IN: &str = "PermissionDenied REAUTHENTICATION_REQUIRED";
const HOUR: i64 = 3600;

/// A server whose tenant permits links and unlinks for so long after a sign-in.
async fn server_with_age(age: &str) -> TestServer {
    TestServer::start_with(cluster().db_migrated().await, |toml| {
        toml.replacen(
            "[tenants.default.providers]",
            &format!("[tenants.default]\nmax_sign_in_age = \"{age}\"\n[tenants.default.providers]"),
            1,
        )
    })
    .await
}

/// A token that was issued just now, for a sign-in so many seconds ago.
fn signed_in_ago(provider: &'static str, subject: &str, seconds: i64) -> Token {
    Token::of(provider, subject).with("auth_time", clock::now().timestamp() - seconds)
}

fn to_primary(provider: &str, subject: &str) -> pb::SetPrimaryIdentityRequest {
    pb::SetPrimaryIdentityRequest {
        identity: identity_ref(provider, subject),
        ..Default::default()
    }
}

/// Makes this call for the caller's own user, which has a phone that a link brought.
async fn does(caller: &Caller, call: &str, link_id: &str) -> Result<(), Status> {
    match call {
        "Link" => caller.link(link_with(&Token::of("github", "more").sign())).await.map(drop),
        "Unlink" => caller.unlink(unlink("", "sms", "s1")).await.map(drop),
        "UndoLink" => caller
            .undo_link(pb::UndoLinkRequest { link_id: link_id.to_owned(), ..Default::default() })
            .await
            .map(drop),
        "SetPrimaryIdentity" => {
            caller.set_primary_identity(to_primary("sms", "s1")).await.map(drop)
        }
        "DeleteUser" => caller
            .delete_user(pb::DeleteUserRequest { include_absorbed: true, ..delete("") })
            .await
            .map(drop),
        _ => panic!("this test has no call {call}"),
    }
}

/// Creates Ann with a Google account, and a phone that a service links; returns the link's id.
async fn ann(server: &TestServer) -> String {
    let service = server.service();
    let ann = service.create("google-oauth2", "g1").await.id;
    service.create("sms", "s1").await;
    service.link(link_identity(&ann, "sms", "s1")).await.unwrap().link.unwrap().id
}

#[tokio::test]
async fn a_tenant_decides_how_old_a_sign_in_may_be_except_for_final_calls() {
    for (age, call, good, too_old) in [
        ("10m", "Link", 590, 610),
        ("10m", "Unlink", 590, 610),
        ("10m", "UndoLink", 590, 610),
        ("9h", "Link", 9 * HOUR - 10, 9 * HOUR + 10),
        ("9h", "Unlink", 9 * HOUR - 10, 9 * HOUR + 10),
        ("9h", "UndoLink", 9 * HOUR - 10, 9 * HOUR + 10),
        ("9h", "SetPrimaryIdentity", 590, 610),
        ("9h", "DeleteUser", 590, 610),
        ("1m", "Link", 50, 70),
    ] {
        let server = server_with_age(age).await;
        let link_id = ann(&server).await;
        let old = server.caller(&signed_in_ago("google-oauth2", "g1", too_old));
        assert_eq!(server.db_refused(does(&old, call, &link_id)).await, SIGN_IN, "{age} {call}");
        let fresh = server.caller(&signed_in_ago("google-oauth2", "g1", good));
        does(&fresh, call, &link_id)
            .await
            .unwrap_or_else(|status| panic!("{age} {call}: {status}"));
    }
}

/// If an issuer renews tokens without the user, only `auth_time` contains the time of the sign-in.
#[tokio::test]
async fn an_issuer_with_require_auth_time_needs_auth_time_in_its_tokens() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        toml.replacen(
            "[issuers.google-oauth2]",
            "[issuers.google-oauth2]\nrequire_auth_time = true",
            1,
        )
    })
    .await;
    let link_id = ann(&server).await;
    let silent = server.person("google-oauth2", "g1");
    assert!(silent.get_user(get("")).await.is_ok());
    for call in ["Link", "Unlink", "UndoLink", "SetPrimaryIdentity", "DeleteUser"] {
        assert_eq!(server.db_refused(does(&silent, call, &link_id)).await, SIGN_IN, "{call}");
    }
    let telling = server.caller(&signed_in_ago("google-oauth2", "g1", 60));
    does(&telling, "Link", &link_id).await.unwrap();
}

/// The attack: an old session attaches the thief's account, whose own sign-in is fresh. A34: an
/// account that this account attaches is no better.
#[tokio::test]
async fn an_account_linked_by_an_old_sign_in_has_no_power_over_older_accounts() {
    let server = server_with_age("10h").await;
    let service = server.service();
    let link_id = ann(&server).await;
    let stolen = server.caller(&signed_in_ago("google-oauth2", "g1", 9 * HOUR));
    stolen.link(link_with(&server.proof("github", "thief"))).await.unwrap();
    let later = |provider, subject| Token::of(provider, subject).issued_ago(-2);
    let thief = server.caller(&later("github", "thief"));

    let primary = thief.set_primary_identity(to_primary("github", "thief"));
    assert_eq!(server.db_refused(primary).await, SIGN_IN);
    assert_eq!(server.db_refused(does(&thief, "DeleteUser", "")).await, SIGN_IN);
    assert_eq!(server.db_refused(does(&thief, "Unlink", "")).await, SIGN_IN);
    assert_eq!(server.db_refused(does(&thief, "UndoLink", &link_id)).await, SIGN_IN);
    // An account that it links is no better.
    thief.link(link_with(&server.proof("apple", "thief too"))).await.unwrap();
    let too = server.caller(&later("apple", "thief too"));
    assert_eq!(
        server.db_refused(too.set_primary_identity(to_primary("apple", "thief too"))).await,
        SIGN_IN
    );
    // It is also no proof for a link into another user, in which it would be the older account.
    let another = service.create("okta", "thief").await.id;
    for proof in [later("github", "thief"), later("apple", "thief too")] {
        let person = server.person("okta", "thief");
        assert_eq!(
            server.db_refused(person.link(link_with(&proof.sign()))).await,
            "FailedPrecondition LINK_TOKEN_INVALID",
            "{another}"
        );
    }
    // A token with a user id does not name the account that signed in.
    let ann = service.owner("google-oauth2", "g1").await;
    let by_id = server.caller(&Token::of("users", &ann));
    assert_eq!(
        server.db_refused(by_id.set_primary_identity(to_primary("github", "thief"))).await,
        SIGN_IN
    );
    // It may unlink itself, and accounts that were linked after it.
    thief.unlink(unlink("", "apple", "thief too")).await.unwrap();
    // The owner, by an older account, may unlink it.
    server.person("google-oauth2", "g1").unlink(unlink("", "github", "thief")).await.unwrap();
}

#[tokio::test]
async fn after_a_sign_in_at_an_older_account_the_new_one_is_as_good() {
    // By a call that requires a fresh sign-in, and by `ResolveSignIn`.
    for way in ["call", "sign-in"] {
        let server = server_with_age("10h").await;
        let service = server.service();
        ann(&server).await;
        let old = server.caller(&signed_in_ago("google-oauth2", "g1", 9 * HOUR));
        old.link(link_with(&server.proof("github", "new"))).await.unwrap();
        let new = server.caller(&Token::of("github", "new").issued_ago(-2));
        // A sign-in at the new account itself vouches for nothing.
        service.resolve_sign_in(sign_in("github", "new")).await.unwrap();
        assert_eq!(
            server.db_refused(new.set_primary_identity(to_primary("github", "new"))).await,
            SIGN_IN,
            "{way}"
        );

        match way {
            "call" => drop(
                server
                    .person("sms", "s1")
                    .link(link_with(&server.proof("okta", "o1")))
                    .await
                    .unwrap(),
            ),
            _ => drop(service.resolve_sign_in(sign_in("sms", "s1")).await.unwrap()),
        }

        new.set_primary_identity(to_primary("github", "new"))
            .await
            .unwrap_or_else(|status| panic!("{way}: {status}"));
    }
}

/// A link by a fresh sign-in, by a service or by an email is vouched for from the start.
#[tokio::test]
async fn an_account_linked_by_a_fresh_sign_in_is_as_good_at_once() {
    let server = server_with_age("10h").await;
    let service = server.service();
    let ann = service.create_with("google-oauth2", "g1", verified("ann@example.com")).await.id;
    server
        .person("google-oauth2", "g1")
        .link(link_with(&server.proof("apple", "a1")))
        .await
        .unwrap();
    service.create("sms", "s1").await;
    service.link(link_identity(&ann, "sms", "s1")).await.unwrap();
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("github", "h1"),
        email: "ann@example.com".to_owned(),
        email_verified: true,
        ..Default::default()
    };
    assert!(
        service
            .resolve_sign_in(sign_in_with(account))
            .await
            .unwrap()
            .decision
            .unwrap()
            .link
            .is_some()
    );

    for (provider, subject) in
        [("apple", "a1"), ("sms", "s1"), ("github", "h1"), ("google-oauth2", "g1")]
    {
        let caller = server.caller(&Token::of(provider, subject).issued_ago(-2));
        caller.set_primary_identity(to_primary(provider, subject)).await.unwrap();
    }
}

#[tokio::test]
async fn max_sign_in_age_has_bounds() {
    for (age, expected) in [("25h", "from 1s to 1d"), ("0s", "from 1s to 1d")] {
        let toml = format!("[tenants.default]\nmax_sign_in_age = \"{age}\"\n");
        let refused = identity_link::config::Config::parse(&toml, std::path::Path::new("."), [])
            .err()
            .unwrap();
        let expected = format!("line 2: tenants.default.max_sign_in_age: must be {expected}");
        assert!(refused.to_string().contains(&expected), "{refused}");
    }
    let toml = "[issuers.backend]\nkind = \"service\"\nrequire_auth_time = true\n";
    let refused =
        identity_link::config::Config::parse(toml, std::path::Path::new("."), []).err().unwrap();
    assert!(
        refused.to_string().contains("issuers.backend.require_auth_time: is for user tokens only"),
        "{refused}"
    );
}
