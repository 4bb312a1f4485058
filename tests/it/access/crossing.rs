//! Several issuers and several tenants: equal names, by chance or by an attacker's choice, are
//! names of different users.

use std::path::Path;

use identity_link::{config::Config, grpc::proto as pb};

use crate::support::{
    server::config_toml,
    tokens::{Token, iss, keys_dir},
    *,
};

/// The problems of a configuration with two issuers of these settings, in tenants without other
/// issuers.
fn problems(settings: [&str; 2]) -> String {
    let issuer = |(name, settings): (&str, &str)| {
        format!(
            "[issuers.{name}]\nissuer = \"{}\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"{}\"\n{settings}\n",
            iss(name),
            keys_dir().join("stranger.json").display()
        )
    };
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), "postgres://x@127.0.0.1:1/x");
    let (head, _) = toml.split_once("[issuers.").unwrap();
    let issuers: String = ["first", "second"].into_iter().zip(settings).map(issuer).collect();
    match Config::parse(&format!("{head}{issuers}"), Path::new("."), []) {
        Ok(_) => "fine".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

/// With two such issuers, one subject or one user id could be two users.
#[test]
fn only_one_issuer_may_name_the_users_of_a_tenant() {
    let ids = "kind = \"user\"\nsubject = \"user_id\"\naudiences = [\"a\"]\n";
    let ids_by_claim = "kind_claim = \"kind\"\nsubject = \"user_id\"\naudiences = [\"a\"]\n";
    let github =
        "kind = \"user\"\nsubject = \"subject\"\nprovider = \"github\"\naudiences = [\"a\"]\n";
    let several = "kind = \"user\"\nsubject = \"identity\"\nproviders = [\"sms\", \"github\"]\naudiences = [\"a\"]\n";
    let proofs = "kind = \"user\"\nsubject = \"subject\"\nprovider = \"github\"\nlink_with.audiences = [\"a\"]\n";
    let service = "kind = \"service\"\naudiences = [\"a\"]\n";
    let (default, other, any) =
        ("tenant = \"default\"", "tenant = \"other\"", "tenant_claim = \"tenant\"");
    let of = |first: (&str, &str), second: (&str, &str)| {
        problems([&format!("{}{}", first.0, first.1), &format!("{}{}", second.0, second.1)])
    };

    for (first, second) in [
        ((ids, default), (ids, other)),
        ((github, default), (github, other)),
        ((github, default), (several, other)),
        ((ids, any), (github, any)),
        ((service, any), (service, any)),
        ((ids, any), (service, any)),
    ] {
        assert_eq!(of(first, second), "fine", "{first:?} {second:?}");
    }
    insta::assert_snapshot!(of((ids, default), (ids, default)), @"line 55: issuers.second: names user ids of tenant default, and so does issuers.first: only one issuer may");
    insta::assert_snapshot!(of((ids, any), (ids_by_claim, other)), @"line 55: issuers.second: names user ids of tenant other, and so does issuers.first: only one issuer may");
    insta::assert_snapshot!(of((github, default), (several, default)), @"line 56: issuers.second: names subjects of provider github in tenant default, and so does issuers.first: one subject could then be two people");
    insta::assert_snapshot!(of((github, any), (proofs, other)), @"line 56: issuers.second: names subjects of provider github in tenant other, and so does issuers.first: one subject could then be two people");
}

/// A provider's issuer belongs to a tenant: the same provider may have another issuer in another
/// tenant.
#[tokio::test]
async fn a_provider_of_one_tenant_is_not_that_of_another() {
    let settings = |name: &str, tenant: &str| {
        format!(
            "[issuers.{name}]\nissuer = \"{}\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"{}\"\nkind = \"user\"\n\
             subject = \"subject\"\nprovider = \"p\"\ntenant = \"{tenant}\"\naudiences = [\"identity-link\"]\n\
             link_with.audiences = [\"identity-link\"]\n\
             allowed_scopes = [\"read:current_user\", \"update:current_user_identities\"]\n",
            iss(name),
            keys_dir().join("stranger.json").display()
        )
    };
    let database = cluster::cluster().db_migrated().await;
    let change = |toml: String| toml + &settings("first", "default") + &settings("second", "other");
    let server = TestServer::start_with(database, change).await;
    let ours = server.service().create("p", "1").await;
    let theirs = server.service_of("other").create("p", "1").await;
    // The same key, the same key id, the same subject, with both tenants as the claim.
    let token =
        |name: &str, tenant: &str| Token::of("stranger", "1").with("iss", iss(name)).tenant(tenant);

    for claimed in ["default", "other"] {
        assert_eq!(server.caller(&token("first", claimed)).user("").await, ours);
        assert_eq!(server.caller(&token("second", claimed)).user("").await, theirs);
    }
    let crossed = server.caller(&token("first", "other")).get_user(get(&theirs.id)).await;
    assert_eq!(refusal(crossed), "PermissionDenied NOT_YOUR_USER");
    server.service().create("github", "h1").await;
    let proof = token("second", "default").sign();
    let linked = server.db_refused(server.person("github", "h1").link(link_with(&proof))).await;
    assert_eq!(linked, "FailedPrecondition LINK_TOKEN_INVALID");
}

#[tokio::test]
async fn one_user_id_in_two_tenants_is_two_users() {
    let server = TestServer::start().await;
    let form = |request: &mut pb::CreateUserRequest| {
        request.user_id_form = pb::UserIdForm::ProviderSubject.into();
    };
    let (here, there) = (server.service(), server.service_of("other"));
    let ours = here.create_with("github", "h1", form).await;
    let theirs = there.create_with("github", "h1", form).await;
    assert_eq!((ours.id.as_str(), theirs.id.as_str()), ("github|h1", "github|h1"));
    let person = |tenant: &str| server.caller(&Token::of("users", "github|h1").tenant(tenant));

    here.block("github|h1", true).await;
    assert_eq!(refusal(person("default").get_user(get("")).await), "PermissionDenied USER_BLOCKED");
    assert_eq!(person("other").user("github|h1").await, theirs);
    here.create("sms", "s1").await;
    there.create("google-oauth2", "g1").await;
    here.block("github|h1", false).await;
    here.link(link_identity("github|h1", "sms", "s1")).await.unwrap();
    assert_eq!(identities(&person("default").user("").await), ["github|h1", "sms|s1"]);
    assert_eq!(person("other").user("").await, theirs);
    let unlinked = there.unlink(unlink("github|h1", "sms", "s1")).await;
    assert_eq!(refusal(unlinked), "NotFound IDENTITY_NOT_FOUND");
    here.delete("github|h1").await;
    assert_eq!(refusal(person("default").get_user(get("")).await), "NotFound USER_NOT_FOUND");
    assert_eq!(person("other").user("").await, theirs);
    assert_eq!(there.resolved(&["github|h1"]).await, ["CURRENT github|h1"]);
    assert_eq!(here.resolved(&["github|h1"]).await, ["DELETED "]);
}

#[tokio::test]
async fn one_email_in_two_tenants_belongs_to_two_users() {
    let server = TestServer::start().await;
    let email = "ann@example.com";
    let (here, there) = (server.service(), server.service_of("other"));
    let ours = here.create_with("github", "h1", verified(email)).await;
    let theirs = there.create_with("github", "h1", verified(email)).await;

    assert_eq!(here.found_by_email(email, true).await, [(ours.id.clone(), true)]);
    assert_eq!(there.found_by_email(email, true).await, [(theirs.id.clone(), true)]);
    let shared =
        pb::LinkRequest { require_shared_verified_email: true, ..link_user(&ours.id, &theirs.id) };
    assert_eq!(server.db_refused(here.link(shared)).await, "NotFound USER_NOT_FOUND");
    there.delete(&theirs.id).await;
    assert_eq!(here.found_by_email(email, true).await, [(ours.id, true)]);
}

/// A `jti` is unique per issuer, and its uses are counted per tenant.
#[tokio::test]
async fn one_jti_of_two_issuers_or_in_two_tenants_is_two_proofs() {
    let server = TestServer::start().await;
    let proof =
        |issuer, tenant: &str| Token::of(issuer, "1").tenant(tenant).with("jti", "one").sign();
    let person = |tenant: &str| server.caller(&Token::of("google-oauth2", "g1").tenant(tenant));
    for tenant in ["default", "other"] {
        server.service_of(tenant).create("google-oauth2", "g1").await;
    }

    for issuer in ["sms", "okta", "apple"] {
        for tenant in ["default", "other"] {
            let linked = person(tenant).link(link_with(&proof(issuer, tenant))).await.unwrap();
            assert_eq!(linked.outcome(), pb::link_response::Outcome::Attached, "{issuer} {tenant}");
        }
    }
    // A proof is good in its own tenant only.
    let elsewhere =
        server.db_refused(person("other").link(link_with(&proof("github", "default")))).await;
    assert_eq!(elsewhere, "FailedPrecondition LINK_TOKEN_INVALID");
}
