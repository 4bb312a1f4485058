//! `CreateUser`.

use identity_link::grpc::proto as pb;
use serde_json::json;

use crate::support::{
    tokens::{Token, iss},
    *,
};

fn create(provider: &str, subject: &str) -> pb::CreateUserRequest {
    let identity =
        pb::NewIdentity { identity_ref: identity_ref(provider, subject), ..Default::default() };
    pb::CreateUserRequest { identity: Some(identity), ..Default::default() }
}

fn create_as(provider: &str, subject: &str, form: pb::UserIdForm) -> pb::CreateUserRequest {
    pb::CreateUserRequest { user_id_form: form.into(), ..create(provider, subject) }
}

#[tokio::test]
async fn a_new_user_has_what_the_request_contains() {
    let server = TestServer::start().await;
    let service = server.service();
    let request = pb::CreateUserRequest {
        identity: Some(pb::NewIdentity {
            identity_ref: identity_ref("google-oauth2", "g1"),
            connection: "Google Workspace".to_owned(),
            social: true,
            email: "Ann@BÜCHER.example".to_owned(),
            email_verified: true,
            profile_data: object(json!({"name": "Ann", "picture": "p"})),
        }),
        user_metadata: object(json!({"theme": {"dark": true}, "none": null})),
        app_metadata: object(json!({"plan": "gold"})),
        profile_overrides: object(json!({"name": "Annie", "title": "Dr"})),
        ..Default::default()
    };

    let user = service.create_user(request).await.unwrap().user.unwrap();

    assert!(user.id.starts_with("usr_") && user.id.len() == 36, "{}", user.id);
    assert_eq!((user.version, user.blocked), (1, false));
    assert_eq!(user.create_time, user.update_time);
    assert_eq!(json(&user.user_metadata), json!({"theme": {"dark": true}, "none": null}));
    assert_eq!(json(&user.app_metadata), json!({"plan": "gold"}));
    assert_eq!(json(&user.profile_overrides), json!({"name": "Annie", "title": "Dr"}));
    assert_eq!(json(&user.profile), json!({"name": "Annie", "picture": "p", "title": "Dr"}));
    let [identity] = user.identities.as_slice() else { panic!("one identity") };
    assert_eq!(identity.identity_ref, identity_ref("google-oauth2", "g1"));
    assert_eq!((identity.connection.as_str(), identity.social), ("Google Workspace", true));
    assert_eq!((identity.email.as_str(), identity.email_verified), ("Ann@BÜCHER.example", true));
    assert_eq!(identity.email_verify_time, user.create_time);
    let verifier = (&*identity.email_verifier_issuer, &*identity.email_verifier_subject);
    assert_eq!(verifier, (&*iss("services"), "backend"));
    assert_eq!(identity.attach_time, user.create_time);
    assert_eq!(identity.origin_user_id, user.id);
    assert_eq!(json(&identity.profile_data), json!({"name": "Ann", "picture": "p"}));
    assert_eq!(
        user.create_time.unwrap().nanos % 1000,
        0,
        "the response is no more precise than the stored time"
    );
    assert_eq!(service.user(&user.id).await, user);
}

#[tokio::test]
async fn what_the_request_lacks_is_empty() {
    let server = TestServer::start().await;

    let user = server.service().create("github", "h1").await;

    assert!(!user.blocked);
    for object in [&user.user_metadata, &user.app_metadata, &user.profile_overrides, &user.profile]
    {
        assert_eq!(json(object), json!({}));
    }
    let identity = &user.identities[0];
    assert_eq!((identity.connection.as_str(), identity.social), ("github", true));
    assert_eq!(
        (identity.email.as_str(), identity.email_verified, identity.email_verify_time),
        ("", false, None)
    );
}

#[tokio::test]
async fn the_id_has_the_requested_form() {
    use pb::UserIdForm::{ProviderSubject, Random, Unspecified};
    let server = TestServer::start().await;
    let joined = server.caller(&Token::of("services", "backend").tenant("joined"));
    let random = |id: &str| id.starts_with("usr_");
    for (caller, subject, form, expected) in [
        (&server.service(), "a", Unspecified, None),
        (&server.service(), "b", Random, None),
        (&server.service(), "c|d", ProviderSubject, Some("github|c|d")),
        (&joined, "a", Unspecified, Some("github|a")),
        (&joined, "b", Random, None),
        (&joined, "c", ProviderSubject, Some("github|c")),
        // Not valid as a user id: where the form is only the tenant's default, the id is random.
        (&joined, "d e", Unspecified, None),
        (&joined, &"x".repeat(255), Unspecified, None),
    ] {
        let user =
            caller.create_user(create_as("github", subject, form)).await.unwrap().user.unwrap();
        match expected {
            None => assert!(random(&user.id), "{}", user.id),
            Some(expected) => assert_eq!(user.id, expected),
        }
        assert_eq!(user, caller.user(&user.id).await);
    }
    assert_eq!(
        refusal(joined.create_user(create_as("github", "f g", ProviderSubject)).await),
        "InvalidArgument REQUEST_INVALID\n\
         user_id_form: provider|subject would be the id, and that must be 1 to 255 printable ASCII characters without \
         spaces"
    );
}

/// A user that lost the identity after which it is named keeps its id.
#[tokio::test]
async fn an_id_in_use_is_refused_where_it_is_demanded_and_random_where_it_is_a_default() {
    let server = TestServer::start().await;
    let joined = server.caller(&Token::of("services", "backend").tenant("joined"));
    let user = joined.create("github", "h1").await;
    joined.create("google-oauth2", "g1").await;
    joined.link(link_identity(&user.id, "google-oauth2", "g1")).await.unwrap();
    let primary = pb::SetPrimaryIdentityRequest {
        user_id: user.id.clone(),
        identity: identity_ref("google-oauth2", "g1"),
        ..Default::default()
    };
    joined.set_primary_identity(primary).await.unwrap();
    let detached =
        joined.unlink(unlink(&user.id, "github", "h1")).await.unwrap().detached_user.unwrap();
    assert!(detached.id.starts_with("usr_"), "{}", detached.id);
    joined.delete_user(delete(&detached.id)).await.unwrap();

    let demanded = create_as("github", "h1", pb::UserIdForm::ProviderSubject);
    assert_eq!(refusal(joined.create_user(demanded.clone()).await), "AlreadyExists USER_EXISTS");
    let preview = pb::CreateUserRequest { validate_only: true, ..demanded };
    assert_eq!(refusal(joined.create_user(preview).await), "AlreadyExists USER_EXISTS");
    let wished = joined.create("github", "h1").await;

    assert!(wished.id.starts_with("usr_"), "{}", wished.id);
    assert_eq!(identities(&joined.user("github|h1").await), ["google-oauth2|g1"]);
}

#[tokio::test]
async fn an_identity_has_one_owner() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    service.create("sms", "s1").await;
    service.link(link_identity(&google.id, "sms", "s1")).await.unwrap();
    let before = server.database.db_everything().await;

    for (provider, subject) in [("google-oauth2", "g1"), ("sms", "s1")] {
        for form in [pb::UserIdForm::Random, pb::UserIdForm::ProviderSubject] {
            for validate_only in [false, true] {
                let request =
                    pb::CreateUserRequest { validate_only, ..create_as(provider, subject, form) };
                assert_eq!(
                    refusal(service.create_user(request).await),
                    "AlreadyExists IDENTITY_TAKEN"
                );
            }
        }
    }

    assert_eq!(server.database.db_everything().await, before);
    // The subject at another provider, in another tenant, or in another spelling is another
    // account.
    service.create("github", "g1").await;
    service.create("google-oauth2", "G1").await;
    server
        .caller(&Token::of("services", "backend").tenant("other"))
        .create("google-oauth2", "g1")
        .await;
}

#[tokio::test]
async fn a_preview_creates_nothing_and_names_no_random_id() {
    let server = TestServer::start().await;
    let service = server.service();
    let before = server.database.db_everything().await;

    let preview =
        |form| pb::CreateUserRequest { validate_only: true, ..create_as("github", "h1", form) };
    let random = service.create_user(preview(pb::UserIdForm::Random)).await.unwrap().user.unwrap();
    let joined =
        service.create_user(preview(pb::UserIdForm::ProviderSubject)).await.unwrap().user.unwrap();

    assert_eq!((random.id.as_str(), random.identities[0].origin_user_id.as_str()), ("", ""));
    assert_eq!(
        (joined.id.as_str(), joined.identities[0].origin_user_id.as_str()),
        ("github|h1", "github|h1")
    );
    assert_eq!((random.version, identities(&random)), (1, vec!["github|h1".to_owned()]));
    assert_eq!(server.database.db_everything().await, before);
    assert_eq!(
        refusal(service.find_by_identity(owner_of("github", "h1")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
}

#[tokio::test]
async fn an_email_is_kept_as_given_and_found_by_its_canonical_form() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create_with("github", "h1", verified("Ann.Lee+News@BÜCHER.Example")).await;

    let found =
        service.find_by_email(by_email("ann.lee+news@xn--bcher-kva.example")).await.unwrap();

    assert_eq!(found.matches[0].user.as_ref(), Some(&user));
    assert_eq!(user.identities[0].email, "Ann.Lee+News@BÜCHER.Example");
}

#[tokio::test]
async fn nothing_is_verified_without_an_email() {
    let server = TestServer::start().await;
    let before = server.database.db_everything().await;
    let mut request = create("github", "h1");
    request.identity.as_mut().unwrap().email_verified = true;

    let outcome = server.service().create_user(request).await;

    assert_eq!(
        refusal(outcome),
        "InvalidArgument REQUEST_INVALID\nidentity.email_verified: needs an email"
    );
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_user_can_be_blocked_from_the_start() {
    let server = TestServer::start().await;
    let user = server.service().create_with("github", "h1", |request| request.blocked = true).await;

    assert!(user.blocked);
    assert_eq!(
        refusal(server.person("github", "h1").get_user(get("")).await),
        "PermissionDenied USER_BLOCKED"
    );
}
