//! The tenant of a call.

use super::{rpcs, stranger};
use crate::support::{
    tokens::{SERVICE_SCOPES, Token},
    *,
};

/// A server that also trusts an issuer of services for two tenants.
async fn of_several() -> TestServer {
    let scopes: Vec<String> =
        SERVICE_SCOPES.split(' ').map(|scope| format!("\"{scope}\"")).collect();
    let settings = format!(
        "kind = \"service\"\ntenants = [\"default\", \"other\"]\naudiences = [\"identity-link\"]\nallowed_scopes = [{}]",
        scopes.join(", ")
    );
    TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        stranger(&toml, &settings)
    })
    .await
}

fn several() -> Token {
    Token::of("stranger", "backend").scope(SERVICE_SCOPES)
}

#[tokio::test]
async fn tenants_see_and_change_nothing_of_each_other() {
    let server = TestServer::start().await;
    let service = server.service();
    let ours = service.create_with("github", "h1", verified("ann@example.com")).await;
    let sms = service.create("sms", "s1").await;
    service.link(link_user(&ours.id, &sms.id)).await.unwrap();
    let before = server.database.db_everything().await;
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    let person = server.caller(&Token::of("github", "h1").tenant("other"));

    assert_eq!(refusal(other.get_user(get(&ours.id)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(refusal(other.delete_user(delete(&ours.id)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(refusal(other.update_user(block(&ours.id, true)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(
        refusal(other.unlink(unlink(&ours.id, "sms", "s1")).await),
        "NotFound USER_NOT_FOUND"
    );
    assert_eq!(refusal(other.link(link_user(&ours.id, &sms.id)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(
        refusal(other.find_by_identity(owner_of("sms", "s1")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
    assert_eq!(other.find_by_email(by_email("ann@example.com")).await.unwrap().matches, []);
    assert_eq!(refusal(person.get_user(get("")).await), "NotFound USER_NOT_FOUND");
    // A proof of another tenant is no proof in this one.
    let proof = Token::of("google-oauth2", "g9").tenant("other").sign();
    let linked = server.person("github", "h1").link(link_with(&proof)).await;
    assert_eq!(refusal(linked), "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(server.database.db_everything().await, before);

    // The same identity in the other tenant is another account of another user.
    let theirs = other.create("github", "h1").await;
    assert_ne!(theirs.id, ours.id);
    assert_eq!(person.user("").await, theirs);
    assert_eq!(server.person("github", "h1").user("").await.id, ours.id);
}

#[tokio::test]
async fn a_service_of_several_tenants_names_one_per_call() {
    let server = of_several().await;
    let ours = server.service().create("github", "h1").await;
    let caller = |tenant: &str| server.caller(&several()).with_metadata("x-tenant", tenant);

    assert_eq!(caller("default").user(&ours.id).await, ours);
    assert_eq!(refusal(caller("other").get_user(get(&ours.id)).await), "NotFound USER_NOT_FOUND");
    let theirs = caller("other").create("github", "h1").await;
    assert_eq!(
        refusal(caller("default").get_user(get(&theirs.id)).await),
        "NotFound USER_NOT_FOUND"
    );
}

#[tokio::test]
async fn every_rpc_requires_one_tenant_that_the_token_serves() {
    let server = of_several().await;
    let authorization = format!("Bearer {}", several().sign());
    let wrong = |text: &str| format!("InvalidArgument REQUEST_INVALID\nx-tenant: {text}");
    for path in rpcs() {
        let call = async |tenants: &[&str]| {
            let mut metadata = vec![("authorization", authorization.as_str())];
            metadata.extend(tenants.iter().map(|tenant| ("x-tenant", *tenant)));
            refusal(server.raw(path, &metadata, &[]).await)
        };
        assert_eq!(
            call(&[]).await,
            wrong("is required: the token serves several tenants"),
            "{path}"
        );
        for foreign in ["joined", "nowhere", "", "DEFAULT", "default,other", "default "] {
            assert_eq!(
                call(&[foreign]).await,
                wrong("must name a tenant that the token serves"),
                "{path} {foreign:?}"
            );
        }
        for twice in [["default", "default"], ["default", "other"], ["joined", "default"]] {
            assert_eq!(call(&twice).await, wrong("must be given once"), "{path}");
        }
    }
}

/// The header chooses among the token's tenants, and never adds one.
#[tokio::test]
async fn a_token_of_one_tenant_cannot_choose_another_tenant() {
    let server = TestServer::start().await;
    let ours = server.service().create("github", "h1").await;
    let wrong =
        "InvalidArgument REQUEST_INVALID\nx-tenant: must name a tenant that the token serves";
    let service = Token::of("services", "backend");

    for token in [service.clone().tenant("other"), Token::of("github", "h1").tenant("other")] {
        let caller = server.caller(&token).with_metadata("x-tenant", "default");
        assert_eq!(refusal(caller.get_user(get(&ours.id)).await), wrong);
    }
    let caller = server.caller(&service).with_metadata("x-tenant", "default");
    assert_eq!(caller.user(&ours.id).await, ours);
}

/// An issuer for some tenants gets no access to a tenant that is added later.
#[tokio::test]
async fn a_tenant_claim_can_be_limited_to_some_tenants() {
    for (kind, signer) in [
        ("kind = \"service\"", "services"),
        ("kind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"", "users"),
    ] {
        let settings = format!(
            "{kind}\ntenant_claim = \"tenant\"\ntenants = [\"other\"]\naudiences = [\"identity-link\"]\n\
             allowed_scopes = [\"read:current_user\", \"read:users\"]"
        );
        let database = cluster::cluster().db_migrated().await;
        let server = TestServer::start_with(database, |toml| stranger(&toml, &settings)).await;
        let scopes = if signer == "services" { "read:users" } else { "read:current_user" };
        let token = Token::of("stranger", "1").scope(scopes);

        let elsewhere = server.caller(&token).get_user(get("x")).await;
        assert_eq!(refusal(elsewhere), "Unauthenticated TOKEN_INVALID", "{signer}");
        let there = server.caller(&token.tenant("other")).get_user(get("x")).await;
        assert_eq!(refusal(there), "NotFound USER_NOT_FOUND", "{signer}");
    }
}
