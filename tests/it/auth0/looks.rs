//! What a user looks like to a client that parses it strictly: names and a picture are always
//! there, whatever its provider says, and nothing is in them that the service does not know.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    auth0::{AUTH0, Asker},
    child::{config_file, run},
    cluster::cluster,
    object,
};

const USERS: &str = "/api/v2/users";
const ANN: &str = "/api/v2/users/github%7Cann";

/// The name and the nickname that a user shows, and its picture: `-` for the one of who has none.
pub(super) fn looks(user: &Value) -> [String; 3] {
    let [name, nickname, picture] =
        ["name", "nickname", "picture"].map(|field| user[field].as_str().unwrap());
    let picture = if picture.starts_with("data:image/svg+xml;base64,") { "-" } else { picture };
    [name, nickname, picture].map(str::to_owned)
}

async fn create(backend: &Asker, user: &Value) -> Value {
    let mut new = json!({"connection": "github", "user_id": "ann"});
    new.as_object_mut().unwrap().extend(user.as_object().unwrap().clone());
    backend.post(USERS, &new).await.ok()
}

#[tokio::test]
async fn a_user_always_has_a_name_a_nickname_and_a_picture() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let mut told = Vec::new();
    for user in [
        json!({}),
        json!({"email": "Ann.Lee@example.com", "phone_number": "+4912", "username": "annie"}),
        json!({"phone_number": "+4912", "username": "annie"}),
        json!({"username": "annie"}),
        json!({"nickname": "nan"}),
        json!({"name": "Ann Lee"}),
        json!({"name": "", "nickname": "", "picture": "", "email": "ann@example.com"}),
        json!({"name": "Ann", "nickname": "nan", "picture": "https://example.com/a.png", "email": "ann@example.com"}),
    ] {
        let created = create(&backend, &user).await;
        told.push(format!("{user} -> {}", looks(&created).join(", ")));
        // By each route that reads users.
        let all = [backend.get(ANN).await.ok(), backend.get(USERS).await.ok()[0].take()];
        for read in all {
            assert_eq!(read, created);
        }
        let some = backend.get(&format!("{ANN}?fields=name,nickname,picture")).await.ok();
        assert_eq!((some.as_object().unwrap().len(), looks(&some)), (3, looks(&created)));
        backend.delete(ANN).await;
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        {} -> ann, ann, -
        {"email":"Ann.Lee@example.com","phone_number":"+4912","username":"annie"} -> Ann.Lee@example.com, Ann.Lee, -
        {"phone_number":"+4912","username":"annie"} -> +4912, annie, -
        {"username":"annie"} -> annie, annie, -
        {"nickname":"nan"} -> nan, nan, -
        {"name":"Ann Lee"} -> Ann Lee, Ann Lee, -
        {"email":"ann@example.com","name":"","nickname":"","picture":""} -> ann@example.com, ann, -
        {"email":"ann@example.com","name":"Ann","nickname":"nan","picture":"https://example.com/a.png"} -> Ann, nan, https://example.com/a.png
    "#);
}

/// Nothing is stored that no provider and no service said, so nothing is left when they say
/// something else.
#[tokio::test]
async fn default_values_are_shown_and_not_stored() {
    let server = TestServer::start_auth0().await;
    let (backend, service) = (server.backend(), server.service());
    create(&backend, &json!({"email": "ann@example.com"})).await;
    backend
        .post(USERS, &json!({"connection": "sms", "user_id": "7", "phone_number": "+4912"}))
        .await
        .ok();

    let linked = backend
        .post(&format!("{ANN}/identities"), &json!({"provider": "sms", "user_id": "7"}))
        .await
        .ok();
    backend.patch(ANN, &json!({"blocked": true})).await.ok();

    assert_eq!(looks(&backend.get(ANN).await.ok()), ["ann@example.com", "ann", "-"]);
    assert_eq!(linked[1]["profileData"], json!({"phone_number": "+4912"}));
    let ann = service.user("github|ann").await;
    assert_eq!((ann.profile, ann.profile_overrides), (object(json!({})), object(json!({}))));
    let stored = "SELECT profile_data::text FROM identities ORDER BY provider";
    assert_eq!(server.database.db_texts(stored).await, ["{}", r#"{"phone_number": "+4912"}"#]);
}

/// The picture is the same for all users, so that it discloses nothing about a user.
#[tokio::test]
async fn the_picture_of_who_has_none_is_the_operators() {
    let pictured = |toml: String| {
        toml + &AUTH0.replace("[auth0]", "[auth0]\npicture = \"https://example.com/who.svg\"")
    };
    let server = TestServer::start_with(cluster().db_migrated().await, pictured).await;
    let backend = server.backend();
    for (email, told) in [
        ("ann@example.com", json!({})),
        ("bob@example.com", json!({"picture": "https://example.com/b"})),
    ] {
        let mut new = json!({"connection": "github", "user_id": email, "email": email});
        new.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        backend.post(USERS, &new).await.ok();
    }
    let found = backend.get(USERS).await.ok();
    let pictures: Vec<&Value> =
        found.as_array().unwrap().iter().map(|user| &user["picture"]).collect();
    assert_eq!(pictures, ["https://example.com/who.svg", "https://example.com/b"]);
    let bob = format!("{USERS}/github|bob@example.com");
    for (laid_over, shown) in [
        (json!("https://example.com/c"), "https://example.com/c"),
        (json!(null), "https://example.com/b"),
    ] {
        assert_eq!(
            backend.patch(&bob, &json!({"picture": laid_over})).await.ok()["picture"],
            shown
        );
    }
}

#[tokio::test]
async fn a_picture_that_not_every_page_can_show_is_a_configuration_error() {
    let database = cluster().db_migrated().await;
    for picture in
        ["http://example.com/who.svg", "who.svg", "https://example.com/'onerror='alert(1)"]
    {
        let auth0 = AUTH0.replace("[auth0]", &format!("[auth0]\npicture = \"{picture}\""));
        let file = config_file(&database, |toml| toml + &auth0);
        let ran = run(&["check-config", "--config", file.to_str().unwrap()]);
        assert_eq!(ran.code, Some(64), "{}", ran.stderr);
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr.lines().last().unwrap(), @r#"line 154: auth0.picture: must be an https URL, such as "https://example.com/who.png", of at most 1024 bytes"#);
        }
    }
}

/// A provider may send any value. A client that parses a text finds a text, or no value.
#[tokio::test]
async fn what_is_of_another_kind_than_clients_parse_is_not_shown() {
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let profile = json!({
        "name": 7, "nickname": {"a": 1}, "picture": null, "given_name": ["Ann"], "family_name": false, "username": 5,
        "phone_number": 4912, "phone_verified": "true", "locale": "en", "company": {"name": "Example"},
        "last_ip": "192.0.2.1", "last_login": "never", "logins_count": "many", "multifactor": {"google": true},
        "last_password_reset": 0,
    });
    let with_profile = |request: &mut pb::CreateUserRequest| {
        request.identity.as_mut().unwrap().profile_data = object(profile.clone());
    };
    service.create_with("github", "ann", with_profile).await;

    let mut ann = server.backend().get(ANN).await.ok();

    assert_eq!(looks(&ann), ["ann", "ann", "-"]);
    for field in ["created_at", "updated_at", "picture"] {
        assert!(ann.as_object_mut().unwrap().remove(field).unwrap().is_string());
    }
    assert_eq!(
        ann,
        json!({
            "user_id": "github|ann", "email_verified": false, "name": "ann", "nickname": "ann", "blocked": false,
            "user_metadata": {}, "app_metadata": {}, "locale": "en", "company": {"name": "Example"},
            "identities": [{"connection": "github", "provider": "github", "user_id": "ann", "isSocial": true}],
        })
    );
    assert_eq!(service.user("github|ann").await.profile, object(profile));
}

/// The profiles of Auth0's documents, and what OpenID Connect calls standard claims.
#[tokio::test]
async fn a_profile_is_taken_and_shown_field_for_field() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let profile = json!({
        "name": "John Doe", "given_name": "John", "family_name": "Doe", "middle_name": "Q.", "nickname": "johnny",
        "preferred_username": "john", "username": "jdoe", "profile": "https://example.com/john",
        "picture": "https://lh3.googleusercontent.com/photo.jpg", "website": "https://john.example.com",
        "gender": "male", "birthdate": "0000-10-31", "zoneinfo": "Europe/Berlin", "locale": "en",
        "phone_number": "+14258831929", "phone_verified": true, "phone_number_verified": true,
        "address": {"country": "DE", "locality": "Berlin"},
    });
    let mut known = json!({"email": "john@example.com", "email_verified": true});
    known.as_object_mut().unwrap().extend(profile.as_object().unwrap().clone());

    let created = create(&backend, &known).await;
    backend.post(USERS, &json!({"connection": "sms", "user_id": "7"})).await.ok();
    let ann = json!({"provider": "github", "user_id": "ann"});
    let linked = backend.post(&format!("{USERS}/sms|7/identities"), &ann).await.ok();

    for (field, value) in known.as_object().unwrap() {
        assert_eq!(&created[field], value, "{field}");
    }
    assert_eq!(linked[1]["profileData"], known);
}

#[tokio::test]
async fn a_change_may_name_the_connection_that_it_is_about() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    create(&backend, &json!({"connection": "Username-Password-Authentication"})).await;
    backend.post(USERS, &json!({"connection": "sms", "user_id": "7"})).await.ok();
    let user = format!("{USERS}/auth0|ann");
    backend
        .post(&format!("{user}/identities"), &json!({"provider": "sms", "user_id": "7"}))
        .await
        .ok();
    let before = server.database.db_everything().await;
    let mut told = Vec::new();
    for connection in [json!("sms"), json!("auth0"), json!("nobodys"), json!(""), json!(null)] {
        let said =
            backend.patch(&user, &json!({"connection": connection, "nickname": "nan"})).await;
        told.push(format!("{connection} -> {}", said.refused()));
    }
    let said =
        backend.patch(&user, &json!({"connection": "Username-Password-Authentication"})).await;
    told.push(format!("alone -> {}", said.refused()));
    insta::assert_snapshot!(told.join("\n"), @r#"
        "sms" -> 400 invalid_body Payload validation error: 'connection must be that of the user's first identity, or be left out'.
        "auth0" -> 400 invalid_body Payload validation error: 'connection must be that of the user's first identity, or be left out'.
        "nobodys" -> 400 invalid_body Payload validation error: 'connection must be that of the user's first identity, or be left out'.
        "" -> 400 invalid_body Payload validation error: 'connection must be that of the user's first identity, or be left out'.
        null -> 400 invalid_body Payload validation error: 'connection: invalid type: null, expected a string'.
        alone -> 400 invalid_body Payload validation error: 'connection alone changes nothing'.
    "#);
    assert_eq!(server.database.db_everything().await, before);

    let change = json!({"connection": "Username-Password-Authentication", "nickname": "nan"});
    assert_eq!(backend.patch(&user, &change).await.ok()["nickname"], "nan");
}
