//! Providers that speak OAuth 2.0 alone, by the answers that their documents show. A fake takes the
//! place of each: its URLs are the only settings that differ.

use super::*;
use crate::support::{
    fake_oauth::FakeOAuth,
    web_server::{Answer, WebServer},
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// A provider whose API has these answers, and a server with a client there by this preset.
async fn fake_and_server_by(preset: &str, answers: &[(&str, Value)]) -> (FakeOAuth, TestServer) {
    let fake = FakeOAuth::start(answers).await;
    let server = server_with(&client_at(&fake, preset)).await;
    (fake, server)
}

/// The configuration of a client at this fake, by this preset.
pub(crate) fn client_at(fake: &FakeOAuth, preset: &str) -> String {
    let accepted = match preset {
        "facebook" | "linkedin" | "spotify" | "bitbucket" => "\nwithout_pkce = true",
        _ => "",
    };
    let toml = client("fake", "oidc", &format!("{}{accepted}", fake.urls()));
    toml.replace("kind = \"oidc\"", &format!("preset = \"{preset}\""))
}

/// The account that signs in: its name, its email, and whether that counts.
async fn account(server: &TestServer) -> (String, String, bool) {
    let user = decision(sign_in(server, "fake").await).user.unwrap();
    let pb::Identity { email, email_verified, .. } = user.identities[0].clone();
    (identities(&user).remove(0), email, email_verified)
}

/// The profile claims of this account.
async fn profile(server: &TestServer, subject: &str) -> Value {
    let found = server.service().find_by_identity(owner_of("fake", subject)).await.unwrap();
    json(&found.user.unwrap().identities[0].profile_data)
}

fn signed_in(subject: &str, email: &str, counts: bool) -> (String, String, bool) {
    (format!("fake|{subject}"), email.to_owned(), counts)
}

/// Whether the client sent its secret in the header.
fn sent_by_basic(fake: &FakeOAuth) -> bool {
    fake.web.asked_for("/token")[0].headers.contains_key("authorization")
}

pub(crate) fn discord_person(verified: &Value) -> Value {
    json!({
        "id": "80351110224678912", "username": "nelly", "discriminator": "0", "global_name": "Nelly",
        "avatar": "8342729096ea3675442027381ff50dfe", "verified": verified, "email": "nelly@discord.com",
        "flags": 64, "locale": "en-US", "mfa_enabled": true,
    })
}

#[tokio::test]
async fn discord() {
    let (fake, server) =
        fake_and_server_by("discord", &[("/users/@me", discord_person(&json!(true)))]).await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    let asked = asked_for(&begun);
    assert_eq!(
        (asked["scope"].as_str(), asked["code_challenge_method"].as_str()),
        ("email identify", "S256")
    );
    assert_eq!(account(&server).await, signed_in("80351110224678912", "nelly@discord.com", true));
    assert!(sent_by_basic(&fake));
    assert_eq!(
        profile(&server, "80351110224678912").await,
        json!({"name": "Nelly", "preferred_username": "nelly", "locale": "en-US"})
    );
}

/// A07, A12: an address that its owner has not confirmed at Discord links no account.
#[tokio::test]
async fn an_email_that_discord_has_not_verified_does_not_count() {
    for verified in [json!(false), json!("true"), json!(1), json!(null)] {
        let (_fake, server) =
            fake_and_server_by("discord", &[("/users/@me", discord_person(&verified))]).await;
        assert_eq!(
            account(&server).await,
            signed_in("80351110224678912", "nelly@discord.com", false),
            "{verified}"
        );
    }
}

/// A12: Facebook's documents do not say that it verified the email, whatever else the answer has.
#[tokio::test]
async fn facebook() {
    let person = json!({
        "id": "10158413523411234", "name": "Ann Example", "email": "ann@example.com", "email_verified": true,
        "verified": true,
    });
    let (fake, server) = fake_and_server_by("facebook", &[("/me", person)]).await;
    assert_eq!(account(&server).await, signed_in("10158413523411234", "ann@example.com", false));
    assert_eq!(fake.web.asked_for("/api/me")[0].query["fields"], "id,name,email");
    assert_eq!(profile(&server, "10158413523411234").await, json!({"name": "Ann Example"}));
}

/// A12: Spotify's documents say that it has not verified the email.
#[tokio::test]
async fn spotify() {
    let person = json!({
        "country": "SE", "display_name": "JM Wizzler", "email": "email@example.com", "email_verified": true,
        "external_urls": {"spotify": "https://open.spotify.com/user/wizzler"}, "id": "wizzler", "type": "user",
        "images": [{"url": "https://i.scdn.co/image/ab67616d00001e02", "height": 300, "width": 300}],
    });
    let (fake, server) = fake_and_server_by("spotify", &[("/me", person)]).await;
    assert_eq!(account(&server).await, signed_in("wizzler", "email@example.com", false));
    assert!(sent_by_basic(&fake));
    assert_eq!(
        profile(&server, "wizzler").await,
        json!({
            "name": "JM Wizzler", "picture": "https://i.scdn.co/image/ab67616d00001e02",
            "profile": "https://open.spotify.com/user/wizzler",
        })
    );
}

fn linkedin_person(verified: &Value) -> Value {
    json!({
        "sub": "782bbtaQ", "name": "John Doe", "given_name": "John", "family_name": "Doe",
        "picture": "https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ/profile-displayphoto",
        "locale": "en-US", "email": "doe@email.com", "email_verified": verified,
    })
}

#[tokio::test]
async fn linkedin() {
    let (fake, server) =
        fake_and_server_by("linkedin", &[("/v2/userinfo", linkedin_person(&json!(true)))]).await;
    assert_eq!(account(&server).await, signed_in("782bbtaQ", "doe@email.com", true));
    assert!(!sent_by_basic(&fake));
    // A07: as for every provider.
    for verified in [json!(false), json!("true"), json!(null)] {
        let person = [("/v2/userinfo", linkedin_person(&verified))];
        let (_fake, server) = fake_and_server_by("linkedin", &person).await;
        assert_eq!(account(&server).await, signed_in("782bbtaQ", "doe@email.com", false));
    }
}

pub(crate) fn x_person(further: &Value) -> Value {
    let mut person = json!({
        "id": "2244994945", "name": "X Dev", "username": "XDevelopers",
        "profile_image_url": "https://pbs.twimg.com/profile_images/1683501992314798080/normal.jpg",
    });
    person.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    json!({ "data": person })
}

/// A12: only the confirmed address counts, and no other field is taken for it.
#[tokio::test]
async fn x() {
    let confirmed = x_person(&json!({"confirmed_email": "dev@example.com"}));
    let (fake, server) = fake_and_server_by("x", &[("/users/me", confirmed)]).await;
    assert_eq!(account(&server).await, signed_in("2244994945", "dev@example.com", true));
    assert!(sent_by_basic(&fake));
    assert_eq!(
        fake.web.asked_for("/api/users/me")[0].query["user.fields"],
        "confirmed_email,profile_image_url"
    );
    for further in [
        json!({"email": "dev@example.com"}),
        json!({"confirmed_email": ""}),
        json!({"confirmed_email": true}),
    ] {
        let (_fake, server) = fake_and_server_by("x", &[("/users/me", x_person(&further))]).await;
        assert_eq!(account(&server).await, signed_in("2244994945", "", false), "{further}");
    }
}

fn bitbucket_person() -> Value {
    json!({
        "type": "user", "display_name": "Emma Example", "nickname": "emma", "created_on": "2011-12-20T16:34:07+00:00",
        "uuid": "{d301aafa-d676-4ee0-88be-962be7417567}", "account_id": "557058:c0b72ad0-1234-5678-9abc-def012345678",
        "links": {"avatar": {"href": "https://bitbucket.org/account/emma/avatar/32/"}, "html": {"href": "https://bitbucket.org/emma/"}},
    })
}

fn bitbucket_email(email: &str, primary: bool, confirmed: bool) -> Value {
    json!({"type": "email", "email": email, "is_primary": primary, "is_confirmed": confirmed})
}

const EMMA: &str = "{d301aafa-d676-4ee0-88be-962be7417567}";

/// A12: an unconfirmed address and one that is not the primary do not count.
#[tokio::test]
async fn bitbucket() {
    let other = bitbucket_email("other@example.com", false, true);
    for (values, email, counts) in [
        (
            vec![other.clone(), bitbucket_email("emma@example.com", true, true)],
            "emma@example.com",
            true,
        ),
        (
            vec![other.clone(), bitbucket_email("emma@example.com", true, false)],
            "emma@example.com",
            false,
        ),
        (vec![other], "", false),
    ] {
        let emails = json!({"values": values, "page": 1, "size": values.len()});
        let answers = [("/user", bitbucket_person()), ("/user/emails", emails)];
        let (_fake, server) = fake_and_server_by("bitbucket", &answers).await;
        assert_eq!(account(&server).await, signed_in(EMMA, email, counts));
    }
}

#[tokio::test]
async fn the_next_page_of_bitbucket_is_in_its_answer() {
    let first = json!({"values": [bitbucket_email("other@example.com", false, true)], "next": "$API/more/emails?page=2"});
    let second = json!({"values": [bitbucket_email("emma@example.com", true, true)]});
    let answers =
        [("/user", bitbucket_person()), ("/user/emails", first), ("/more/emails", second)];
    let (_fake, server) = fake_and_server_by("bitbucket", &answers).await;
    assert_eq!(account(&server).await, signed_in(EMMA, "emma@example.com", true));
}

/// A47: the token is not sent to another host that an answer names.
#[tokio::test]
async fn a_next_page_in_an_answer_on_another_host_is_not_fetched() {
    let (fake, server) = fake_and_server_by("bitbucket", &[("/user", bitbucket_person())]).await;
    let elsewhere = WebServer::start(|_| |_| Answer::ok("[]")).await;
    let next = format!("http://{}/emails", elsewhere.address);
    fake.says("/user/emails", &json!({"values": [], "next": next}));
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    assert_eq!(elsewhere.asked(), 0);
}

/// A13: such an answer names no account, and no user is created for it.
#[tokio::test]
async fn an_answer_without_a_good_id_signs_no_user_in() {
    for (preset, path, person) in [
        (
            "discord",
            "/users/@me",
            json!({"id": 80_351_110_224_678_912_u64, "email": "a@example.com"}),
        ),
        ("x", "/users/me", json!({"id": "2244994945"})),
        ("facebook", "/me", json!({"id": "", "name": "Ann"})),
        ("spotify", "/me", json!(["wizzler"])),
    ] {
        let (_fake, server) = fake_and_server_by(preset, &[(path, person)]).await;
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
}

/// The person did not grant the access, or the client has no permission for it.
#[tokio::test]
async fn a_person_that_the_api_does_not_return_signs_no_user_in() {
    let (fake, server) = fake_and_server_by("discord", &[]).await;
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    for (status, expected) in [
        ("401 Unauthorized", REJECTED),
        ("429 Too Many Requests", "Unavailable PROVIDER_UNAVAILABLE"),
        ("503 Service Unavailable", "Unavailable PROVIDER_UNAVAILABLE"),
    ] {
        fake.web.answer("/api/users/@me", Answer::status(status));
        refused_to_everybody(&server, sign_in(&server, "fake").await, expected).await;
    }
}

#[tokio::test]
async fn a_parameter_that_the_provider_does_not_take_is_refused() {
    let (_fake, server) = fake_and_server_by("x", &[("/users/me", x_person(&json!({})))]).await;
    let request = pb::StartSignInRequest {
        prompt: "login".to_owned(),
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..to_sign_in("fake")
    };
    assert_eq!(
        refusal(server.service().start_sign_in(request).await),
        "InvalidArgument REQUEST_INVALID\nmax_age: is for OpenID Connect: this provider does not report when a person signed in\n\
         prompt: is not for this provider, which takes none"
    );
}
