//! Ids of absorbed users and of accounts in a `q`: which users they find, and which they exclude.

use identity_link::grpc::proto as pb;

use super::*;
use crate::support::{identity_ref, link_with};

const BOTH: &str = "email:\"ann@example.com\"";

/// Ann, who is `github|ann`, has been two other users, one of them with two accounts, and has one
/// that had no user; and Bob, who has the same email. The ids of all that is hers.
async fn ann_and_bob(server: &TestServer) -> Vec<String> {
    let backend = server.backend();
    for account in ["ann", "bob"] {
        let user = json!({"connection": "github", "user_id": account, "email": "ann@example.com"});
        backend.post(USERS, &user).await.ok();
    }
    backend.post(USERS, &json!({"connection": "sms", "user_id": "a"})).await.ok();
    server.person("sms", "a").link(link_with(&server.proof("okta", "a"))).await.unwrap();
    // An id that names no account.
    let random = backend.post(USERS, &json!({"connection": "sms", "user_id": "a b"})).await.ok();
    for account in ["a", "a b"] {
        let identity = json!({"provider": "sms", "user_id": account});
        backend.post(&format!("{USERS}/github|ann/identities"), &identity).await.ok();
    }
    server.person("github", "ann").link(link_with(&server.proof("apple", "new"))).await.unwrap();
    let random = random["user_id"].as_str().unwrap();
    assert!(random.starts_with("usr_"));
    ["github|ann", "sms|a", "okta|a", random, "apple|new"].map(str::to_owned).to_vec()
}

/// The users that a `q` finds. Their number must be the counted one.
async fn found(backend: &Asker, more: &str, q: &str) -> String {
    let encoded: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let said = backend.get(&format!("{USERS}?include_totals=true{more}&q={encoded}")).await.ok();
    assert_eq!(said["total"], said["length"], "{q}");
    ids(&said["users"])
}

/// The sample's search, for each account of the person. Otherwise the sample would suggest that
/// very person.
#[tokio::test]
async fn a_user_is_left_out_by_the_id_of_any_account_it_holds() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for id in ann_and_bob(&server).await {
        assert_eq!(
            found(&backend, "", &format!("{BOTH} -user_id:\"{id}\"")).await,
            "github|bob",
            "{id}"
        );
        assert_eq!(
            found(&backend, "", &format!("-user_id:(\"{id}\" OR \"sms|b\")")).await,
            "github|bob",
            "{id}"
        );
    }
    assert_eq!(found(&backend, "", &format!("{BOTH} -user_id:\"github|bob\"")).await, "github|ann");
    for id in ["sms|b", "github|an", "github|anna", "GITHUB|ann", "usr_nobody"] {
        assert_eq!(
            found(&backend, "", &format!("{BOTH} -user_id:\"{id}\"")).await,
            "github|ann github|bob",
            "{id}"
        );
    }
}

#[tokio::test]
async fn an_id_that_was_linked_finds_its_holder_only_where_that_is_asked_for() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for id in ann_and_bob(&server).await {
        let itself = if id == "github|ann" { "github|ann" } else { "" };
        for q in [format!("user_id:\"{id}\""), format!("user_id:(\"{id}\" OR nobody) AND {BOTH}")] {
            assert_eq!(found(&backend, "", &q).await, itself, "{q}");
            assert_eq!(found(&backend, "&resolve=false", &q).await, itself, "{q}");
            assert_eq!(found(&backend, "&resolve=true", &q).await, "github|ann", "{q}");
        }
        let q = format!("user_id:\"{id}\" OR user_id:\"github|bob\"");
        assert_eq!(found(&backend, "&resolve=true", &q).await, "github|ann github|bob");
    }
    assert_eq!(found(&backend, "&resolve=true", "user_id:\"sms|b\"").await, "");
}

/// The id would be taken for the account, which another user has now.
#[tokio::test]
async fn an_id_whose_account_has_left_finds_no_user() {
    let server = TestServer::start_auth0().await;
    let (backend, service) = (server.backend(), server.service());
    ann_and_bob(&server).await;
    let primary = pb::SetPrimaryIdentityRequest {
        user_id: "github|ann".to_owned(),
        identity: identity_ref("okta", "a"),
        ..Default::default()
    };
    service.set_primary_identity(primary).await.unwrap();
    for identity in ["sms/a", "github/ann"] {
        backend.delete(&format!("{USERS}/github|ann/identities/{identity}")).await.ok();
    }
    let phone = service.owner("sms", "a").await;
    let account = service.owner("github", "ann").await;
    for (id, holder) in [("sms|a", &phone), ("github|ann", &account)] {
        assert_ne!(id, holder);
        for resolve in ["", "&resolve=true"] {
            assert_eq!(
                found(&backend, resolve, &format!("user_id:\"{id}\"")).await,
                "",
                "{id}{resolve}"
            );
        }
        // The account excludes its user.
        assert_eq!(
            found(&backend, "", &format!("user_id:\"{holder}\" -user_id:\"{id}\"")).await,
            ""
        );
    }
    // Her user has the id `github|ann`, and no relation to `sms|a` any more.
    let hers = "identities.provider:okta";
    assert_eq!(found(&backend, "", &format!("{hers} -user_id:\"sms|a\"")).await, "github|ann");
    assert_eq!(found(&backend, "", &format!("{hers} -user_id:\"github|ann\"")).await, "");
}
