//! The connection and `social` of an identity come from its provider's configuration, for every way
//! to create it.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json as value};

use crate::support::{auth0::AUTH0, cluster::cluster, tokens::Token, *};

const EMAIL: &str = "ann@example.com";

/// Further providers. Of the tests' own ones, `github` and `google-oauth2` are social and list no
/// connections.
const PROVIDERS: &str = "[tenants.default.providers.phone]\nsocial = true\nconnections = [\"sms-gateway\"]\n\
    email_trust = \"when_verified\"\n\
    [tenants.default.providers.ldap]\nconnections = [\"berlin\", \"paris\"]\nsocial = false\n\
    [tenants.other.providers.phone]\n[tenants.joined.providers.phone]\n";

/// A server with these providers, and Auth0's HTTP. The issuer of `sms` names accounts of `phone`.
async fn server() -> TestServer {
    let change = |toml: String| {
        let named = toml.replace("provider = \"sms\"\n", "provider = \"phone\"\n");
        assert_ne!(named, toml);
        named + AUTH0 + PROVIDERS
    };
    TestServer::start_with(cluster().db_migrated().await, change).await
}

/// The connection of a user's last identity, and whether its provider is a social one.
fn described(user: Option<pb::User>) -> (String, bool) {
    let identity = user.unwrap().identities.pop().unwrap();
    (identity.connection, identity.social)
}

fn new_identity(provider: &str, connection: &str, social: bool) -> pb::CreateUserRequest {
    let subject = uuid::Uuid::new_v4().to_string();
    let identity = pb::NewIdentity {
        identity_ref: identity_ref(provider, &subject),
        connection: connection.to_owned(),
        social,
        ..Default::default()
    };
    pb::CreateUserRequest { identity: Some(identity), ..Default::default() }
}

fn account(provider: &str, subject: &str, connection: &str) -> pb::ProvenAccount {
    let connection = connection.to_owned();
    pb::ProvenAccount {
        identity_ref: identity_ref(provider, subject),
        connection,
        ..Default::default()
    }
}

/// The configuration wins over the caller. The caller's value counts where the configuration has
/// none.
#[tokio::test]
async fn a_created_identity_has_the_configured_connection_and_social() {
    let server = server().await;
    let service = server.service();
    for (provider, connection, social, expected) in [
        ("phone", "", false, ("sms-gateway", true)),
        ("phone", "sms-gateway", false, ("sms-gateway", true)),
        ("phone", "phone", false, ("phone", true)),
        ("ldap", "", true, ("ldap", false)),
        ("ldap", "paris", true, ("paris", false)),
        ("github", "", false, ("github", true)),
        ("github", "my-github", false, ("my-github", true)),
        ("auth0", "", true, ("Username-Password-Authentication", false)),
    ] {
        let request = new_identity(provider, connection, social);
        let preview = pb::CreateUserRequest { validate_only: true, ..request.clone() };
        let preview = server.db_previewed(service.create_user(preview)).await.user;
        let created = service.create_user(request).await.unwrap().user;
        let expected = (expected.0.to_owned(), expected.1);
        assert_eq!(described(preview), expected, "{provider} {connection}");
        assert_eq!(described(created), expected, "{provider} {connection}");
    }
}

#[tokio::test]
async fn identities_from_sign_ins_tickets_and_proofs_have_the_configured_connection_and_social() {
    let server = server().await;
    let service = server.service();
    let expected = ("sms-gateway".to_owned(), true);

    let sign_in = sign_in_with(account("phone", "p1", ""));
    assert_eq!(
        described(service.resolve_sign_in(sign_in).await.unwrap().decision.unwrap().user),
        expected
    );
    let elsewhere = sign_in_with(account("ldap", "l1", "berlin"));
    let decision = service.resolve_sign_in(elsewhere).await.unwrap().decision.unwrap();
    assert_eq!(described(decision.user), ("berlin".to_owned(), false));

    let ann = service.create_with("google-oauth2", "g1", verified(EMAIL)).await.id;
    let mut tickets = Vec::new();
    for subject in ["p2", "p3"] {
        let known = pb::ProvenAccount {
            email: EMAIL.to_owned(),
            email_verified: true,
            ..account("phone", subject, "")
        };
        tickets.push(
            service.resolve_sign_in(sign_in_with(known)).await.unwrap().decision.unwrap().ticket,
        );
    }
    let [linked, own] = tickets.try_into().unwrap();
    let secondary = Some(pb::link_request::Secondary::LinkTicket(linked));
    let link = pb::LinkRequest { user_id: ann.clone(), secondary, ..Default::default() };
    assert_eq!(described(service.link(link).await.unwrap().user), expected);
    let proof = Some(pb::resolve_sign_in_request::Proof::SignInTicket(own));
    let own = pb::ResolveSignInRequest { proof, ..Default::default() };
    assert_eq!(
        described(service.resolve_sign_in(own).await.unwrap().decision.unwrap().user),
        expected
    );

    let person = server.person("google-oauth2", "g1");
    let linked = person.link(link_with(&Token::of("sms", "p4").sign())).await.unwrap();
    assert_eq!(described(linked.user), expected);
}

#[tokio::test]
async fn identities_from_auth0s_http_have_the_configured_connection_and_social() {
    let server = server().await;
    let backend = server.backend();
    let expected = |account: &str| value!({"connection": "sms-gateway", "provider": "phone", "user_id": account, "isSocial": true});

    let made = backend
        .post("/api/v2/users", &value!({"connection": "sms-gateway", "user_id": "p1"}))
        .await
        .ok();
    assert_eq!(made["identities"], value!([expected("p1")]));
    let user = value!({"connection": "google-oauth2", "user_id": "g1"});
    backend.post("/api/v2/users", &user).await.ok();
    let proof = value!({"link_with": Token::of("sms", "p2").sign()});
    let linked: Value =
        backend.post("/api/v2/users/google-oauth2%7Cg1/identities", &proof).await.ok();
    assert_eq!(linked[1]["connection"], "sms-gateway");
    assert_eq!(linked[1]["isSocial"], true);
}

/// A85: an identity cannot have the connection of another provider.
#[tokio::test]
async fn a_connection_of_another_provider_is_refused() {
    let server = server().await;
    let service = server.service();
    let not_its = |field: &str| {
        let wrong = "must be one of the connections that are configured for the account's provider, or empty";
        format!("InvalidArgument REQUEST_INVALID\n{field}.connection: {wrong}")
    };
    for (provider, connection) in [
        ("phone", "other"),
        ("ldap", "sms-gateway"),
        ("ldap", "rome"),
        ("github", "berlin"),
        ("github", "google-oauth2"),
        ("auth0", "Username-Password-authentication"),
    ] {
        let created = service.create_user(new_identity(provider, connection, true));
        assert_eq!(
            server.db_refused(created).await,
            not_its("identity"),
            "{provider} {connection}"
        );
        let signed_in = service.resolve_sign_in(sign_in_with(account(provider, "x", connection)));
        assert_eq!(
            server.db_refused(signed_in).await,
            not_its("account"),
            "{provider} {connection}"
        );
    }
    let both = pb::CreateUserRequest { user_id_form: 9, ..new_identity("phone", "other", true) };
    let refused =
        not_its("identity") + "\nuser_id_form: is not one of the values that the proto names";
    assert_eq!(refusal(service.create_user(both).await), refused);
}
