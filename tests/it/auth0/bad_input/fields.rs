//! Objects with invalid properties.

use serde_json::{Map, Value, json};

use super::*;

/// Objects nested to this depth.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!({"a": inner}))
}

/// Values that metadata cannot hold.
fn bad_metadata() -> [Value; 9] {
    let wide: Map<String, Value> = (0..20_000).map(|n| (format!("k{n}"), json!(1))).collect();
    [
        json!(null),
        json!("text"),
        json!(["a"]),
        json!({"a": "\u{0}"}),
        json!({"a\u{0}": 1}),
        json!({"a": 1e300}),
        nested(40),
        json!({"a": "x".repeat(17 * 1024)}),
        json!(wide),
    ]
}

#[tokio::test]
async fn a_new_user_that_cannot_be_is_refused() {
    let mut refusing = Refusing::start().await;
    let mut wrong = vec![
        json!({"user_id": "x"}),
        json!({"connection": null}),
        json!({"connection": 1}),
        json!({"connection": ""}),
        json!({"connection": "nobodys"}),
        json!({"connection": "github\u{0}"}),
        json!({"password": "secret", "verify_email": true, "connection": "github"}),
    ];
    let more = [
        json!({"user_id": null}),
        json!({"user_id": 5}),
        json!({"user_id": ""}),
        json!({"user_id": "a\u{0}b"}),
        json!({"user_id": "x".repeat(300)}),
        json!({"email": null}),
        json!({"email": "nobody"}),
        json!({"email": ["ann@example.com"]}),
        json!({"email_verified": true}),
        json!({"email": "ann@example.com", "email_verified": "true"}),
        json!({"email": "ann@example.com", "email_verified": null}),
        json!({"blocked": null}),
        json!({"blocked": "false"}),
        json!({"name": null}),
        json!({"picture": 5}),
        json!({"name": "a\u{0}b"}),
        json!({"phone_verified": "true"}),
        json!({"gender": 1}),
        json!({"locale": null}),
        json!({"address": "Berlin"}),
        json!({"address": {"street": "x".repeat(17 * 1024)}}),
        json!({"color": "red"}),
        json!({"identities": [], "created_at": "2015-10-08T18:35:18.102Z", "logins_count": 3, "last_ip": "192.0.2.1"}),
        json!({"\u{0}\u{1b}[31m": 1}),
    ];
    let metadata = bad_metadata().map(|bad| json!({"app_metadata": bad}));
    wrong.extend(more.into_iter().chain(metadata).map(|mut more| {
        more["connection"] = json!("github");
        more
    }));
    refusing.ask_all(Method::POST, USERS, wrong).await;
    insta::assert_snapshot!(refusing.told().await, @r#"
        {"user_id":"x"} -> 400 invalid_body Payload validation error: 'missing field `connection`'.
        {"connection":null} -> 400 invalid_body Payload validation error: 'connection: invalid type: null, expected a string'.
        {"connection":1} -> 400 invalid_body Payload validation error: 'connection: invalid type: integer `1`, expected a string'.
        {"connection":""} -> 400 inexistent_connection The connection does not exist.
        {"connection":"nobodys"} -> 400 inexistent_connection The connection does not exist.
        {"connection":"github\u0000"} -> 400 inexistent_connection The connection does not exist.
        {"connection":"github","password":"secret","verify_email":true} -> 400 invalid_body Payload validation error: 'password is not stored here: people sign in at their providers; verify_email is not supported: a provider verifies emails and phone numbers'.
        {"connection":"github","user_id":null} -> 400 invalid_body Payload validation error: 'user_id: invalid type: null, expected a string'.
        {"connection":"github","user_id":5} -> 400 invalid_body Payload validation error: 'user_id: invalid type: integer `5`, expected a string'.
        {"connection":"github","user_id":""} -> 400 invalid_body Payload validation error: 'user_id: must be 1 to 255 bytes without control characters'.
        {"connection":"github","user_id":"a\u0000b"} -> 400 invalid_body Payload validation error: 'user_id: must be 1 to 255 bytes without control characters'.
        {"connection":"github","user_id":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Payload validation error: 'user_id: must be 1 to 255 bytes without control characters'.
        {"connection":"github","email":null} -> 400 invalid_body Payload validation error: 'email: invalid type: null, expected a string'.
        {"connection":"github","email":"nobody"} -> 400 invalid_body Payload validation error: 'email: The email address does not have exactly one @.'.
        {"connection":"github","email":["ann@example.com"]} -> 400 invalid_body Payload validation error: 'email: invalid type: sequence, expected a string'.
        {"connection":"github","email_verified":true} -> 400 invalid_body Payload validation error: 'email_verified: needs an email'.
        {"connection":"github","email":"ann@example.com","email_verified":"true"} -> 400 invalid_body Payload validation error: 'email_verified: invalid type: string "true", expected a boolean'.
        {"connection":"github","email":"ann@example.com","email_verified":null} -> 400 invalid_body Payload validation error: 'email_verified: invalid type: null, expected a boolean'.
        {"blocked":null,"connection":"github"} -> 400 invalid_body Payload validation error: 'blocked: invalid type: null, expected a boolean'.
        {"blocked":"false","connection":"github"} -> 400 invalid_body Payload validation error: 'blocked: invalid type: string "false", expected a boolean'.
        {"connection":"github","name":null} -> 400 invalid_body Payload validation error: 'name: invalid type: null, expected a string'.
        {"connection":"github","picture":5} -> 400 invalid_body Payload validation error: 'picture: invalid type: integer `5`, expected a string'.
        {"connection":"github","name":"a\u0000b"} -> 400 invalid_body Payload validation error: 'profile/name: This holds the character U+0000, which cannot be stored.'.
        {"connection":"github","phone_verified":"true"} -> 400 invalid_body Payload validation error: 'phone_verified: invalid type: string "true", expected a boolean'.
        {"connection":"github","gender":1} -> 400 invalid_body Payload validation error: 'gender: invalid type: integer `1`, expected a string'.
        {"connection":"github","locale":null} -> 400 invalid_body Payload validation error: 'locale: invalid type: null, expected a string'.
        {"address":"Berlin","connection":"github"} -> 400 invalid_body Payload validation error: 'address: invalid type: string "Berlin", expected a map'.
        {"address":{"street":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Payload validation error: 'profile: This is 17433 bytes of JSON; at most 16384 are allowed.'.
        {"color":"red","connection":"github"} -> 400 invalid_body Payload validation error: 'color: unknown field `color`, expected one of `connection`, `user_id`, `email`, `email_verified`, `username`, `phone_number`, `phone_verified`, `name`, `nickname`, `given_name`, `family_name`, `pictur'.
        {"connection":"github","created_at":"2015-10-08T18:35:18.102Z","identities":[],"last_ip":" -> 400 invalid_body Payload validation error: 'created_at cannot be set: the server records this time; identities cannot be set: connection and user_id name the first, and POST /users/{id}/identities links others; last_ip is not stored here: the provider records sign-ins; logins_count is not stored here: the provider records sign-ins'.
        {"\u0000\u001b[31m":1,"connection":"github"} -> 400 invalid_body Payload validation error: '[31m: unknown field `[31m`, expected one of `connection`, `user_id`, `email`, `email_verified`, `username`, `phone_number`, `phone_verified`, `name`, `nickname`, `given_name`, `family_name`, `picture`'.
        {"app_metadata":null,"connection":"github"} -> 400 invalid_body Payload validation error: 'app_metadata: invalid type: null, expected a map'.
        {"app_metadata":"text","connection":"github"} -> 400 invalid_body Payload validation error: 'app_metadata: invalid type: string "text", expected a map'.
        {"app_metadata":["a"],"connection":"github"} -> 400 invalid_body Payload validation error: 'app_metadata: invalid type: sequence, expected a map'.
        {"app_metadata":{"a":"\u0000"},"connection":"github"} -> 400 invalid_body Payload validation error: 'app_metadata/a: This holds the character U+0000, which cannot be stored.'.
        {"app_metadata":{"a\u0000":1},"connection":"github"} -> 400 invalid_body Payload validation error: 'app_metadata/a\u{0}: This holds the character U+0000, which cannot be stored.'.
        {"app_metadata":{"a":1e+300},"connection":"github"} -> 400 invalid_body Payload validation error: 'app_metadata/a: This number is beyond ±(2^53 − 1), so it may not be kept exactly.'.
        {"app_metadata":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a" -> 400 invalid_body Payload validation error: 'app_metadata/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a: This is nested deeper than 16 levels.'.
        {"app_metadata":{"a":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Payload validation error: 'app_metadata: This is 17416 bytes of JSON; at most 16384 are allowed.'.
        {"app_metadata":{"k0":1,"k1":1,"k10":1,"k100":1,"k1000":1,"k10000":1,"k10001":1,"k10002":1 -> 413 - Payload content length greater than maximum allowed: 131072
    "#);
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused() {
    let mut refusing = Refusing::start().await;
    let mut wrong = vec![
        json!({"blocked": null}),
        json!({"blocked": 1}),
        json!({"name": 5}),
        json!({"name": {"first": "Ann"}}),
        json!({"nickname": "a\u{0}b"}),
        json!({"name": "x".repeat(70 * 1024)}),
        json!({"email": "bob@example.com"}),
        json!({"email_verified": true, "connection": "github", "password": "secret"}),
        json!({"phone_number": "+1", "username": "bob", "client_id": "x"}),
        json!({"user_id": "github|nobody"}),
        json!({"identities": [{"provider": "github", "user_id": "bob"}]}),
        json!({"blocked": true, "color": "red"}),
    ];
    wrong.extend(bad_metadata().map(|bad| json!({"user_metadata": bad})));
    refusing.ask_all(Method::PATCH, ANN, wrong).await;
    insta::assert_snapshot!(refusing.told().await, @r#"
        {"blocked":null} -> 400 invalid_body Payload validation error: 'blocked: invalid type: null, expected a boolean'.
        {"blocked":1} -> 400 invalid_body Payload validation error: 'blocked: invalid type: integer `1`, expected a boolean'.
        {"name":5} -> 400 invalid_body Payload validation error: 'name: invalid type: integer `5`, expected a string'.
        {"name":{"first":"Ann"}} -> 400 invalid_body Payload validation error: 'name: invalid type: map, expected a string'.
        {"nickname":"a\u0000b"} -> 400 invalid_body Payload validation error: 'profile/nickname: This holds the character U+0000, which cannot be stored.'.
        {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Payload validation error: 'profile: This is 71691 bytes of JSON; at most 16384 are allowed.'.
        {"email":"bob@example.com"} -> 400 invalid_body Payload validation error: 'email cannot be updated: the identity's provider states it'.
        {"connection":"github","email_verified":true,"password":"secret"} -> 400 invalid_body Payload validation error: 'email_verified cannot be updated: the identity's provider states it; password is not stored here: people sign in at their providers'.
        {"client_id":"x","phone_number":"+1","username":"bob"} -> 400 invalid_body Payload validation error: 'client_id cannot be updated: the identity's provider states it; phone_number cannot be updated: the identity's provider states it; username cannot be updated: the identity's provider states it'.
        {"user_id":"github|nobody"} -> 400 invalid_body Payload validation error: 'user_id: unknown field `user_id`, expected one of `blocked`, `connection`, `user_metadata`, `app_metadata`, `name`, `nickname`, `given_name`, `family_name`, `picture`'.
        {"identities":[{"provider":"github","user_id":"bob"}]} -> 400 invalid_body Payload validation error: 'identities: unknown field `identities`, expected one of `blocked`, `connection`, `user_metadata`, `app_metadata`, `name`, `nickname`, `given_name`, `family_name`, `picture`'.
        {"blocked":true,"color":"red"} -> 400 invalid_body Payload validation error: 'color: unknown field `color`, expected one of `blocked`, `connection`, `user_metadata`, `app_metadata`, `name`, `nickname`, `given_name`, `family_name`, `picture`'.
        {"user_metadata":null} -> 400 invalid_body Payload validation error: 'user_metadata: invalid type: null, expected a map'.
        {"user_metadata":"text"} -> 400 invalid_body Payload validation error: 'user_metadata: invalid type: string "text", expected a map'.
        {"user_metadata":["a"]} -> 400 invalid_body Payload validation error: 'user_metadata: invalid type: sequence, expected a map'.
        {"user_metadata":{"a":"\u0000"}} -> 400 invalid_body Payload validation error: 'user_metadata/a: This holds the character U+0000, which cannot be stored.'.
        {"user_metadata":{"a\u0000":1}} -> 400 invalid_body Payload validation error: 'user_metadata/a\u{0}: This holds the character U+0000, which cannot be stored.'.
        {"user_metadata":{"a":1e+300}} -> 400 invalid_body Payload validation error: 'user_metadata/a: This number is beyond ±(2^53 − 1), so it may not be kept exactly.'.
        {"user_metadata":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a -> 400 invalid_body Payload validation error: 'user_metadata/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a: This is nested deeper than 16 levels.'.
        {"user_metadata":{"a":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Payload validation error: 'user_metadata: This is 17416 bytes of JSON; at most 16384 are allowed.'.
        {"user_metadata":{"k0":1,"k1":1,"k10":1,"k100":1,"k1000":1,"k10000":1,"k10001":1,"k10002": -> 413 - Payload content length greater than maximum allowed: 131072
    "#);
}

#[tokio::test]
async fn a_link_that_says_nothing_clear_is_refused() {
    let mut refusing = Refusing::start().await;
    let wrong = [
        json!({"link_with": "x", "provider": "github", "user_id": "bob"}),
        json!({"link_with": "x", "provider": "github"}),
        json!({"link_with": "x", "user_id": "bob"}),
        json!({"provider": "github"}),
        json!({"user_id": "bob"}),
        json!({"link_with": null}),
        json!({"link_with": null, "provider": "github", "user_id": "bob"}),
        json!({"link_with": 5}),
        json!({"link_with": ""}),
        json!({"link_with": "x".repeat(9 * 1024)}),
        json!({"provider": null, "user_id": "bob"}),
        json!({"provider": 5, "user_id": "bob"}),
        json!({"provider": "", "user_id": "bob"}),
        json!({"provider": "git|hub", "user_id": "bob"}),
        json!({"provider": "github", "user_id": null}),
        json!({"provider": "github", "user_id": ""}),
        json!({"provider": "github", "user_id": -1}),
        json!({"provider": "github", "user_id": 1.5}),
        json!({"provider": "github", "user_id": ["bob"]}),
        json!({"provider": "github", "user_id": 17}),
        json!({"provider": "github", "user_id": "github|nobody"}),
        json!({"provider": "nobodys", "user_id": "bob"}),
        json!({"provider": "github", "user_id": "ann"}),
        json!({"provider": "sms", "user_id": "ann"}),
        json!({"provider": "github", "user_id": "bob", "connection_id": "con_1"}),
        json!({"provider": "github", "user_id": "bob", "admin": true}),
    ];
    refusing.ask_all(Method::POST, ANNS, wrong).await;
    insta::assert_snapshot!(refusing.told().await, @r#"
        {"link_with":"x","provider":"github","user_id":"bob"} -> 400 invalid_body Payload validation error: 'link_with cannot be combined with provider and user_id'.
        {"link_with":"x","provider":"github"} -> 400 invalid_body Payload validation error: 'link_with cannot be combined with provider and user_id'.
        {"link_with":"x","user_id":"bob"} -> 400 invalid_body Payload validation error: 'link_with cannot be combined with provider and user_id'.
        {"provider":"github"} -> 400 invalid_body Payload validation error: 'Missing required property: link_with, or provider and user_id'.
        {"user_id":"bob"} -> 400 invalid_body Payload validation error: 'Missing required property: link_with, or provider and user_id'.
        {"link_with":null} -> 400 invalid_body Payload validation error: 'link_with: invalid type: null, expected a string'.
        {"link_with":null,"provider":"github","user_id":"bob"} -> 400 invalid_body Payload validation error: 'link_with: invalid type: null, expected a string'.
        {"link_with":5} -> 400 invalid_body Payload validation error: 'link_with: invalid type: integer `5`, expected a string'.
        {"link_with":""} -> 400 invalid_body Invalid token (link_with).
        {"link_with":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Invalid token (link_with).
        {"provider":null,"user_id":"bob"} -> 400 invalid_body Payload validation error: 'provider: invalid type: null, expected a string'.
        {"provider":5,"user_id":"bob"} -> 400 invalid_body Payload validation error: 'provider: invalid type: integer `5`, expected a string'.
        {"provider":"","user_id":"bob"} -> 400 inexistent_connection The provider/connection is not configured.
        {"provider":"git|hub","user_id":"bob"} -> 400 inexistent_connection The provider/connection is not configured.
        {"provider":"github","user_id":null} -> 400 invalid_body Payload validation error: 'user_id: Expected type string or integer'.
        {"provider":"github","user_id":""} -> 400 inexistent_connection The provider/connection is not configured.
        {"provider":"github","user_id":-1} -> 400 invalid_body Payload validation error: 'user_id: Expected type string or integer'.
        {"provider":"github","user_id":1.5} -> 400 invalid_body Payload validation error: 'user_id: Expected type string or integer'.
        {"provider":"github","user_id":["bob"]} -> 400 invalid_body Payload validation error: 'user_id: Expected type string or integer'.
        {"provider":"github","user_id":17} -> 400 inexistent_identity Linking to an inexistent identity is not allowed.
        {"provider":"github","user_id":"github|nobody"} -> 400 inexistent_identity Linking to an inexistent identity is not allowed.
        {"provider":"nobodys","user_id":"bob"} -> 400 inexistent_connection The provider/connection is not configured.
        {"provider":"github","user_id":"ann"} -> 400 invalid_body Main identity and the new one are the same.
        {"provider":"sms","user_id":"ann"} -> 409 identity_conflict Specified identity already exists.
        {"connection_id":"con_1","provider":"github","user_id":"bob"} -> 400 invalid_body Payload validation error: 'connection_id is not supported: provider and user_id name one account, whatever its connection is'.
        {"admin":true,"provider":"github","user_id":"bob"} -> 400 invalid_body Payload validation error: 'admin: unknown field `admin`, expected one of `link_with`, `provider`, `user_id`'.
    "#);
}
