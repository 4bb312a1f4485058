//! Providers that a tenant's configuration does not name: no account comes in by them, and existing
//! accounts can leave.

use std::path::Path;

use identity_link::{config::Config, grpc::proto as pb};
use rustix::process::Signal;
use serde_json::{Value, json as value};

use crate::support::{
    auth0::AUTH0,
    child::Running,
    cluster::{Database, cluster},
    server::config_toml,
    tokens::Token,
    *,
};

const UNKNOWN: &str = "NotFound PROVIDER_UNKNOWN";
const INVALID: &str = "Unauthenticated TOKEN_INVALID";
const NO_PROOF: &str = "FailedPrecondition LINK_TOKEN_INVALID";
const NO_CONNECTION: &str = "400 inexistent_connection The connection does not exist.";
const NO_PROVIDER: &str = "400 inexistent_connection The provider/connection is not configured.";

/// The same configuration with this setting in the table of the tenant `default`.
fn saying(toml: &str, setting: &str) -> String {
    let tenant = "[tenants.default]\n";
    match toml.contains(tenant) {
        true => toml.replace(tenant, &format!("{tenant}{setting}\n")),
        false => format!("{toml}{tenant}{setting}\n"),
    }
}

const ALLOW: &str = "undeclared_providers = \"allow\"";

/// A server on this database, with the provider `sms` taken out of its configuration.
async fn without_sms(database: &Database) -> TestServer {
    TestServer::start_with(database.clone(), |toml| without_provider(&toml, "sms") + AUTH0).await
}

fn create(provider: &str, subject: &str) -> pb::CreateUserRequest {
    let identity =
        pb::NewIdentity { identity_ref: identity_ref(provider, subject), ..Default::default() };
    pb::CreateUserRequest { identity: Some(identity), ..Default::default() }
}

/// A request to preview a sign-in.
fn preview_of(request: pb::ResolveSignInRequest) -> pb::ResolveSignInRequest {
    pb::ResolveSignInRequest { validate_only: true, ..request }
}

/// A72: no call accepts an account at a provider that the operator has not declared.
#[tokio::test]
async fn a_reference_to_an_undeclared_provider_is_refused_by_every_call() {
    let server = TestServer::start_auth0().await;
    let (service, backend) = (server.service(), server.backend());
    let user = service.create("google-oauth2", "g1").await.id;
    let redirect_uri = "https://www.example.com/callback".to_owned();
    let intent = Some(pb::start_sign_in_request::Intent::SignIn(pb::SignInIntent {}));
    let start = pb::StartSignInRequest {
        provider: "nobodys".to_owned(),
        redirect_uri,
        intent,
        ..Default::default()
    };
    let post = |path: String, body: Value| {
        let backend = backend.clone();
        async move { backend.post(&path, &body).await.refused() }
    };

    let before = server.database.db_everything().await;
    assert_eq!(refusal(service.create_user(create("nobodys", "n1")).await), UNKNOWN);
    let preview = pb::CreateUserRequest { validate_only: true, ..create("nobodys", "n1") };
    assert_eq!(refusal(service.create_user(preview).await), UNKNOWN);
    assert_eq!(refusal(service.link(link_identity(&user, "nobodys", "n1")).await), UNKNOWN);
    assert_eq!(refusal(service.resolve_sign_in(sign_in("nobodys", "n1")).await), UNKNOWN);
    assert_eq!(
        refusal(service.resolve_sign_in(preview_of(sign_in("nobodys", "n1"))).await),
        UNKNOWN
    );
    assert_eq!(refusal(service.start_sign_in(start).await), UNKNOWN);
    let new = value!({"connection": "nobodys", "user_id": "n1"});
    assert_eq!(post("/api/v2/users".to_owned(), new).await, NO_CONNECTION);
    let linked = value!({"provider": "nobodys", "user_id": "n1"});
    assert_eq!(post(format!("/api/v2/users/{user}/identities"), linked).await, NO_PROVIDER);
    assert_eq!(before, server.database.db_everything().await);

    // A misspelt provider must not look like an account without a user.
    assert_eq!(refusal(service.find_by_identity(owner_of("nobodys", "n1")).await), UNKNOWN);
    assert_eq!(
        refusal(service.unlink(unlink(&user, "nobodys", "n1")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
}

/// A72, A73: as soon as a provider is taken out of the file, its accounts give no access, neither
/// by name nor by a proof.
#[tokio::test]
async fn accounts_of_a_provider_that_was_taken_out_give_no_access() {
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let sms = service.create("sms", "s1").await.id;
    let google = service.create("google-oauth2", "g1").await.id;
    let without = without_sms(&server.database).await;
    let (service, backend) = (without.service(), without.backend());
    let google_person = without.person("google-oauth2", "g1");
    let google_over_http = without.asker(&Token::of("google-oauth2", "g1"));
    let identities = format!("/api/v2/users/{google}/identities");

    let before = server.database.db_everything().await;
    // A token of the account as the bearer.
    assert_eq!(refusal(without.person("sms", "s1").get_user(get("")).await), INVALID);
    let said = without.asker(&Token::of("sms", "s1")).get(&format!("/api/v2/users/{sms}")).await;
    assert_eq!(said.refused(), "401 - Invalid token.");
    let intent = pb::LinkIntent { user_token: server.proof("sms", "s1") };
    let start = pb::StartSignInRequest {
        provider: "hub".to_owned(),
        redirect_uri: "https://www.example.com/callback".to_owned(),
        intent: Some(pb::start_sign_in_request::Intent::Link(intent)),
        ..Default::default()
    };
    let client = "[tenants.default.providers.hub.oauth]\nkind = \"github\"\nclient_id = \"c\"\nclient_secret = \"s\"\n\
        redirect_uris = [\"https://www.example.com/callback\"]\n";
    let flows = |toml: String| without_provider(&toml, "sms") + client;
    let flows = TestServer::start_with(server.database.clone(), flows).await;
    assert_eq!(refusal(flows.service().start_sign_in(start).await), INVALID);
    let complete = pb::CompleteSignInRequest {
        attempt_secret: "x".to_owned(),
        state: "x".to_owned(),
        code: "x".to_owned(),
        redirect_uri: "https://www.example.com/callback".to_owned(),
        user_token: server.proof("sms", "s1"),
        ..Default::default()
    };
    assert_eq!(refusal(flows.service().complete_sign_in(complete).await), INVALID);
    // A token as a proof, of an account that exists and of one that does not.
    for subject in ["s1", "s2"] {
        assert_eq!(
            refusal(google_person.link(link_with(&server.proof("sms", subject))).await),
            NO_PROOF
        );
        let body = value!({"link_with": server.proof("sms", subject)});
        let said = google_over_http.post(&identities, &body).await;
        assert_eq!(said.refused(), "400 invalid_body Invalid token (link_with).");
    }
    // An account by name.
    assert_eq!(refusal(service.create_user(create("sms", "s2")).await), UNKNOWN);
    assert_eq!(refusal(service.create_user(create("sms", "s1")).await), UNKNOWN);
    for subject in ["s1", "s2"] {
        assert_eq!(refusal(service.link(link_identity(&google, "sms", subject)).await), UNKNOWN);
        assert_eq!(refusal(service.resolve_sign_in(sign_in("sms", subject)).await), UNKNOWN);
        let said =
            backend.post(&identities, &value!({"provider": "sms", "user_id": subject})).await;
        assert_eq!(said.refused(), NO_PROVIDER);
    }
    let said = backend.post("/api/v2/users", &value!({"connection": "sms", "user_id": "s2"})).await;
    assert_eq!(said.refused(), NO_CONNECTION);
    assert_eq!(before, server.database.db_everything().await);

    // With the provider in the file the account gives access again.
    assert_eq!(server.person("sms", "s1").user("").await.id, sms);
    server.person("google-oauth2", "g1").link(link_with(&server.proof("sms", "s1"))).await.unwrap();
}

/// A72: a ticket is valid for ten minutes, and its provider may be taken out meanwhile.
#[tokio::test]
async fn a_ticket_of_a_provider_that_was_taken_out_is_invalid() {
    const EMAIL: &str = "ann@example.com";
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create_with("github", "h1", verified(EMAIL)).await.id;
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("apple", "a1"),
        email: EMAIL.to_owned(),
        email_verified: true,
        ..Default::default()
    };
    let ticket =
        service.resolve_sign_in(sign_in_with(account)).await.unwrap().decision.unwrap().ticket;
    let own = pb::ResolveSignInRequest {
        proof: Some(pb::resolve_sign_in_request::Proof::SignInTicket(ticket.clone())),
        ..Default::default()
    };
    let link = pb::LinkRequest {
        user_id: ann,
        secondary: Some(pb::link_request::Secondary::LinkTicket(ticket)),
        ..Default::default()
    };
    let change = |toml: String| without_provider(&toml, "apple");
    let without = TestServer::start_with(server.database.clone(), change).await;

    assert_eq!(without.db_refused(without.service().resolve_sign_in(own.clone())).await, UNKNOWN);
    let refused = without.db_refused(without.service().link(link)).await;
    assert_eq!(refused, "FailedPrecondition LINK_TICKET_INVALID");
    service.resolve_sign_in(own).await.unwrap();
}

/// A73: an existing account can be read, unlinked, absorbed with its user, and deleted.
#[tokio::test]
async fn an_account_at_an_undeclared_provider_is_read_unlinked_absorbed_and_deleted() {
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let mut ids = vec![];
    for subject in ["s1", "s2", "s3"] {
        ids.push(service.create("sms", subject).await.id);
    }
    service.create("github", "h1").await;
    server.person("github", "h1").link(link_with(&server.proof("sms", "s4"))).await.unwrap();
    let without = without_sms(&server.database).await;
    let (service, backend) = (without.service(), without.backend());

    assert_eq!(service.user(&ids[0]).await.identities[0].identity_ref, identity_ref("sms", "s1"));
    assert_eq!(service.owner("sms", "s1").await, ids[0]);
    assert_eq!(refusal(service.find_by_identity(owner_of("sms", "new")).await), UNKNOWN);
    assert_eq!(backend.get(&format!("/api/v2/users/{}", ids[0])).await.status, 200);
    let found = backend.get("/api/v2/users?q=identities.provider:%22sms%22").await.ok();
    assert_eq!(found.as_array().unwrap().len(), 4);
    // The secondary user is named by its id, or by another of its accounts.
    service.link(link_user(&google, &ids[0])).await.unwrap();
    service.link(link_identity(&google, "github", "h1")).await.unwrap();
    service.link(link_user(&ids[1], &ids[2])).await.unwrap();
    let user = service.user(&google).await;
    assert_eq!(identities(&user), ["google-oauth2|g1", "sms|s1", "github|h1", "sms|s4"]);
    service.unlink(unlink(&google, "sms", "s1")).await.unwrap();
    let path = format!("/api/v2/users/{google}/identities/sms/s4");
    assert_eq!(backend.delete(&path).await.status, 200);
    service.delete(&ids[1]).await;
    assert_eq!(backend.delete(&format!("/api/v2/users/{}", ids[0])).await.status, 204);
    server.database.db_assert_invariants().await;
}

/// A74: a token that names a user by its id gives access only if that user can sign in.
#[tokio::test]
async fn a_user_id_gives_access_only_to_a_user_that_can_sign_in() {
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let sms = service.create("sms", "s1").await.id;
    service.create("google-oauth2", "g1").await;
    // The GitHub user can sign in. The user that it absorbed cannot, so the absorbed id gives no
    // access.
    let github = service.create("github", "h1").await.id;
    let absorbed = service.create("sms", "s2").await.id;
    service.link(link_user(&github, &absorbed)).await.unwrap();
    let token = |id: &str| Token::of("users", id).issued_ago(-5);

    let closings: [fn(&str) -> String; 3] = [
        |toml| without_provider(toml, "sms"),
        |toml| toml.replacen("\nsms = {}", "\nsms = { enabled = false }", 1),
        |toml| toml.replacen("\nsms = {}", "\nsms = { mode = \"link_only\" }", 1),
    ];
    for (at, close) in closings.into_iter().enumerate() {
        let closed =
            TestServer::start_with(server.database.clone(), |toml| close(&toml) + AUTH0).await;
        let google = closed.person("google-oauth2", "g1");
        for id in [&sms, &absorbed] {
            assert_eq!(refusal(closed.caller(&token(id)).get_user(get("")).await), INVALID, "{at}");
            let said = closed.asker(&token(id)).get(&format!("/api/v2/users/{id}")).await;
            assert_eq!(said.refused(), "401 - Invalid token.", "{at}");
            assert_eq!(
                closed.db_refused(google.link(link_with(&token(id).sign()))).await,
                NO_PROOF,
                "{at}"
            );
        }
        assert_eq!(closed.caller(&token(&github)).user("").await.id, github);
        let preview = pb::LinkRequest { validate_only: true, ..link_with(&token(&github).sign()) };
        google.link(preview).await.unwrap();
    }
    assert_eq!(server.caller(&token(&sms)).user("").await.id, sms, "with the provider open");
    assert_eq!(server.caller(&token(&absorbed)).user("").await.id, github);
}

#[tokio::test]
async fn a_tenant_may_allow_providers_that_it_does_not_declare() {
    let allowing = |toml: String| saying(&(toml + AUTH0), ALLOW).replacen("\nsms = {}\n", "\n", 1);
    let server = TestServer::start_with(cluster().db_migrated().await, allowing).await;
    let service = server.service();
    let user = service.create_with("nobodys", "n1", verified("ann@example.com")).await;
    assert!(!user.identities[0].email_verified, "undeclared providers are not trusted");
    service.resolve_sign_in(sign_in("nobodys", "n1")).await.unwrap();
    assert_eq!(
        refusal(service.find_by_identity(owner_of("nobodys", "new")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
    service.create("sms", "s1").await;

    let person = server.person("sms", "s1");
    person.user("").await;
    assert_eq!(server.caller(&Token::of("users", &user.id)).user("").await.id, user.id);
    service.link(link_identity(&person.user("").await.id, "nobodys", "n1")).await.unwrap();
    assert_eq!(
        refusal(service.link(link_identity(&user.id, "nobodys", "n2")).await),
        "FailedPrecondition USER_ABSORBED"
    );
    // The account at `sms` can sign in, so the other one may be unlinked.
    service.unlink(unlink(&person.user("").await.id, "nobodys", "n1")).await.unwrap();
    // A declared provider keeps its own settings.
    let disabled = service.create("myspace", "m1").await.id;
    assert_eq!(
        refusal(server.caller(&Token::of("users", &disabled)).get_user(get("")).await),
        INVALID
    );
    assert_eq!(refusal(server.person("myspace", "m1").get_user(get("")).await), INVALID);
}

/// A72: such an issuer would vouch for accounts that no user can use.
#[test]
fn an_issuer_of_an_undeclared_provider_is_a_configuration_error() {
    let toml = config_toml(([127, 0, 0, 1], 0).into(), "postgres://postgres@127.0.0.1:1/x");
    let problems = |toml: &str| match Config::parse(toml, Path::new("."), []) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    };
    let bare = toml.replacen("\nsms = {}\n", "\n", 1).replacen("\nad = {}\n", "\n", 1);

    insta::assert_snapshot!(problems(&bare), @r#"
        line 67: issuers.sms: names subjects of provider sms in tenant default, which has no such provider: declare [tenants.default.providers.sms], or set tenants.default.undeclared_providers = "allow"
        line 140: issuers.broker: names subjects of provider ad in tenant default, which has no such provider: declare [tenants.default.providers.ad], or set tenants.default.undeclared_providers = "allow"
    "#);
    assert_eq!(problems(&saying(&bare, ALLOW)), "");
    assert_eq!(
        problems(&without_provider(&toml, "sms")),
        "",
        "the issuer names subjects in other tenants"
    );
    insta::assert_snapshot!(problems(&saying(&toml, "undeclared_providers = \"no\"")), @r#"line 154: tenants.default.undeclared_providers: must be one of "refuse", "allow""#);
}

/// A73: an operator that takes a provider out of the file, or misspells it, sees how many accounts
/// that concerns.
#[tokio::test]
async fn serve_logs_how_many_accounts_there_are_at_undeclared_providers() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database.clone(), |toml| saying(&toml, ALLOW)).await;
    for (provider, subject) in
        [("sms", "1"), ("sms", "2"), ("sms", "3"), ("nobodys", "1"), ("github", "1")]
    {
        server.service().create(provider, subject).await;
    }
    server.service_of("other").create("sms", "1").await;
    let told = |change: fn(&str) -> String| {
        let (child, _) = Running::serve(&database, move |toml| change(&toml));
        child.signal(Signal::TERM);
        let said = child.finish().stderr;
        let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines = lines.filter(|line| {
            line["message"].as_str().unwrap().ends_with("does not declare cannot sign in")
        });
        let told = lines.map(|of| {
            [&of["level"], &of["tenant"], &of["provider"], &of["accounts"]].map(Value::to_string)
        });
        told.map(|of| of.join(" ")).collect::<Vec<_>>()
    };

    let without = told(|toml| without_provider(toml, "sms"));
    assert_eq!(without, [r#""WARN" "default" "nobodys" 1"#, r#""WARN" "default" "sms" 3"#]);
    assert_eq!(told(|toml| saying(toml, ALLOW)), [""; 0]);
}
