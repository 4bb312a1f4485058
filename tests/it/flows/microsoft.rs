//! Sign-ins at Microsoft, which has an issuer for each directory.

use super::*;
use crate::support::web_server::Answer;

const ONE: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const OBJECT: &str = "690222be-ff1a-4d56-abd1-7e4f7d38e474";

/// Microsoft, and a server with a client for all directories, or for the allowed ones.
async fn microsoft_and_server(allowed: &str) -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(json!({"sub": "pairwise"})).await;
    let mut metadata = fake_oidc::metadata(&fake.issuer);
    metadata["issuer"] = json!(format!("{}/{{tenantid}}/v2.0", fake.issuer));
    // Microsoft's metadata have neither of these fields.
    for name in
        ["authorization_response_iss_parameter_supported", "code_challenge_methods_supported"]
    {
        metadata.as_object_mut().unwrap().remove(name);
    }
    fake.web.answer(
        "/organizations/v2.0/.well-known/openid-configuration",
        Answer::ok(&metadata.to_string()),
    );
    let further = format!("issuer = \"{}\"\ndirectory = \"organizations\"\n{allowed}", fake.issuer);
    let server = server_with(&client("entra", "oidc", &further).replacen(
        "kind = \"oidc\"",
        "preset = \"microsoft\"",
        1,
    ))
    .await;
    (fake, server)
}

/// A sign-in by an account of the directory `of`, with a token of the issuer of the directory `by`.
async fn sign_in_from(
    server: &TestServer,
    fake: &FakeOidc,
    (by, of): (&str, &str),
    further: Value,
) -> Result<pb::CompleteSignInResponse, Status> {
    let mut claims =
        json!({"sub": "pairwise", "tid": of, "oid": OBJECT, "email": "ceo@victim.example.com"});
    claims.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    fake.person(claims);
    let iss = format!("{}/{by}/v2.0", fake.issuer);
    fake.lie(move |token| token.with("iss", iss.as_str()).sign());
    let begun = server.service().start_sign_in(to_sign_in("entra")).await?;
    let request = pb::CompleteSignInRequest { iss: String::new(), ..come_back(&begun).await };
    server.service().complete_sign_in(request).await
}

/// A06 (nOAuth): the administrator of a directory can set any email; it counts only if its domain
/// is proven.
#[tokio::test]
async fn an_email_of_a_directory_counts_only_if_its_domain_is_proven() {
    let (fake, server) = microsoft_and_server("").await;
    for says in [
        json!({}),
        json!({"xms_edov": false}),
        json!({"xms_edov": "true"}),
        json!({"xms_edov": 1}),
        json!({"email_verified": true}),
    ] {
        let user =
            decision(sign_in_from(&server, &fake, (ONE, ONE), says.clone()).await).user.unwrap();
        assert_eq!(identities(&user), [format!("entra|{ONE}/{OBJECT}")]);
        assert!(!user.identities[0].email_verified, "{says}");
    }
    let user = decision(sign_in_from(&server, &fake, (ONE, ONE), json!({"xms_edov": true})).await)
        .user
        .unwrap();
    assert!(user.identities[0].email_verified);
    assert_eq!(fake.web.asked_for("/userinfo").len(), 0, "userinfo does not contain it");
}

/// A13: one object id in two directories is two accounts, and a directory may name only its own
/// accounts.
#[tokio::test]
async fn a_directory_names_its_own_accounts_only() {
    let (fake, server) = microsoft_and_server("").await;
    let crossed = sign_in_from(&server, &fake, (ONE, OTHER), json!({})).await;
    refused_to_everybody(&server, crossed, "FailedPrecondition PROVIDER_REJECTED").await;
    let template = sign_in_from(&server, &fake, ("{tenantid}", "{tenantid}"), json!({})).await;
    refused_to_everybody(&server, template, "FailedPrecondition PROVIDER_REJECTED").await;

    let one = decision(sign_in_from(&server, &fake, (ONE, ONE), json!({})).await).user.unwrap().id;
    let other =
        decision(sign_in_from(&server, &fake, (OTHER, OTHER), json!({})).await).user.unwrap().id;
    assert_ne!(one, other);
}

#[tokio::test]
async fn only_accounts_of_allowed_directories_sign_in() {
    let (fake, server) = microsoft_and_server(&format!("allowed_directories = [\"{ONE}\"]")).await;
    let outcome = sign_in_from(&server, &fake, (OTHER, OTHER), json!({})).await;
    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
    decision(sign_in_from(&server, &fake, (ONE, ONE), json!({})).await);
}
