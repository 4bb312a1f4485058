//! Auth0's export, as JSON and as CSV.

use expect_test::expect;

use super::*;

#[test]
fn the_sample() {
    expect![[r#"
        1 {"id":"auth0|65f0c0ffee0000000000a001","create_time":"2021-03-04T05:06:07.089000Z","update_time":"2026-02-03T04:05:06.007000Z","user_metadata":{"langs":["de","en"],"theme":"dark"},"app_metadata":{"roles":["editor"]},"identities":[{"provider":"auth0","subject":"65f0c0ffee0000000000a001","connection":"Username-Password-Authentication","email":"mara.quill@example.com","email_verified":true,"profile_data":{"name":"mara.quill@example.com","nickname":"mara.quill","picture":"https://img.example.com/m.png","username":"mara"}},{"provider":"google-oauth2","subject":"109000000000000000001","connection":"google-oauth2","social":true,"email":"mara.q@gmail.example","email_verified":true,"profile_data":{"family_name":"Quill","given_name":"Mara","name":"Mara Quill","picture":"https://img.example.com/mg.png"}},{"provider":"github","subject":"7654321","connection":"github","social":true,"profile_data":{"name":"mara-q","nickname":"mara-q"}}]}
          left out: {} {"last_ip": 1, "last_login": 1, "logins_count": 1}
          notes: [MergedArrays]
        2 {"id":"google-oauth2|109000000000000000002","create_time":"2022-01-02T03:04:05.006000Z","update_time":"2026-01-01T00:00:00.000000Z","identities":[{"provider":"google-oauth2","subject":"109000000000000000002","connection":"google-oauth2","social":true,"email":"Tomas.Berg@Example.com","email_verified":true,"profile_data":{"family_name":"Berg","given_name":"Tomas","name":"Tomas Berg","nickname":"tomas.berg"}}]}
        3 {"id":"sms|65f0c0ffee0000000000a003","create_time":"2023-05-06T07:08:09.010000Z","update_time":"2023-05-06T07:08:09.010000Z","identities":[{"provider":"sms","subject":"65f0c0ffee0000000000a003","connection":"sms","profile_data":{"name":"+15555550103","phone_number":"+15555550103","phone_verified":true}}]}
        4 {"id":"email|65f0c0ffee0000000000a004","create_time":"2023-06-06T07:08:09.010000Z","update_time":"2023-06-06T07:08:09.010000Z","blocked":true,"identities":[{"provider":"email","subject":"65f0c0ffee0000000000a004","connection":"email","email":"mara.quill@example.com","email_verified":true,"profile_data":{"name":"mara.quill@example.com","nickname":"mara.quill"}}]}
        5 {"id":"samlp|acme-saml|jo.ives@acme.example","create_time":"2024-01-02T03:04:05.006000Z","update_time":"2024-01-02T03:04:05.006000Z","identities":[{"provider":"samlp","subject":"acme-saml|jo.ives@acme.example","connection":"acme-saml","email":"jo.ives@acme.example","profile_data":{"name":"Jo Ives"}}]}
        6 {"create_time":"2019-01-02T03:04:05.006000Z","update_time":"2019-01-02T03:04:05.006000Z","identities":[{"provider":"auth0","subject":"legacy 42/é","connection":"old-customers","email":"paul@example.com","profile_data":{"name":"Paul"}}]}
          was: auth0|legacy 42/é
          notes: [RenamedId]
        7 {"id":"auth0|65f0c0ffee0000000000a007","create_time":"2020-02-03T04:05:06.007000Z","identities":[{"provider":"auth0","subject":"65f0c0ffee0000000000a007"},{"provider":"google-oauth2","subject":"109000000000000000007","connection":"google-oauth2","social":true}]}
          left out: {Email: 1} {}
          notes: [MainAccountAdded]
        8 {"id":"google-oauth2|109000000000000000001","create_time":"2020-02-03T04:05:06.007000Z","identities":[{"provider":"google-oauth2","subject":"109000000000000000001","connection":"google-oauth2","social":true,"email":"mara.q@gmail.example","email_verified":true}]}
    "#]].assert_eq(&read(Format::Auth0, "auth0.ndjson"));
}

#[test]
fn the_sample_as_csv() {
    expect![[r#"
        2 {"id":"auth0|65f0c0ffee0000000000a001","create_time":"2021-03-04T05:06:07.089000Z","identities":[{"provider":"auth0","subject":"65f0c0ffee0000000000a001","email":"mara.quill@example.com","email_verified":true,"profile_data":{"name":"Mara \"Q\" Quill, jr"}}]}
          left out: {} {"provider": 1, "theme": 1}
          notes: [WithoutLinks]
        3 {"id":"google-oauth2|109000000000000000002","create_time":"2022-01-02T03:04:05.006000Z","identities":[{"provider":"google-oauth2","subject":"109000000000000000002","email":"Tomas.Berg@Example.com","email_verified":true,"profile_data":{"name":"=SUM(A1)"}}]}
          left out: {} {"provider": 1}
          notes: [WithoutLinks]
        4 {"id":"sms|65f0c0ffee0000000000a003","create_time":"2023-05-06T07:08:09.010000Z","identities":[{"provider":"sms","subject":"65f0c0ffee0000000000a003","profile_data":{"name":"'t Hart"}}]}
          left out: {} {"provider": 1}
          notes: [WithoutLinks]
    "#]].assert_eq(&read(Format::Auth0, "auth0.csv"));
}

#[test]
fn ids_that_are_numbers_keep_their_digits_and_tokens_stay_out() {
    let users = [
        r#"{"user_id":"github|123456789012345678901234","identities":[{"provider":"github","user_id":123456789012345678901234,"connection":"github","isSocial":true,"access_token":"x","refresh_token":"y","expires_in":5}],"multifactor":["guardian"],"last_ip":"203.0.113.7","unused":0.1234567890123456789,"locale":"de"}"#,
        r#"{"user_id":"github|1","identities":[{"provider":"github","user_id":1.0},{"provider":7,"user_id":null}],"email_verified":"yes","created_at":5,"user_metadata":[],"app_metadata":{"a":12345678901234567890123}}"#,
        r#"{"user_id":"nobar","identities":[]}"#,
    ];
    expect![[r#"
        1 refused
          unused: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.
        2 refused
          email_verified: This has to be true or false.
          identities/0/user_id: This has to be a string or a whole number.
          identities/1/provider: This has to be a string.
          identities/1/user_id: This is missing.
          created_at: This has to be a time of RFC 3339, such as 2026-02-03T04:05:06Z, of the years 1 to 9999.
          user_metadata: This has to be an object.
          app_metadata/a: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.
        3 refused
          user_id: This has no `|`, and none of the identities is its account.
    "#]].assert_eq(&read_text(Format::Auth0, &users.join("\n")));
}

#[test]
fn a_row_of_csv_that_cannot_be_understood() {
    let csv = "user_id,email_verified,created_at\n\"'auth0|1\",yes,'2020\n\"'auth0|2\",true\nplain,,\n\"'auth0|\0\",true,\n";
    expect![[r#"
        2 refused
          email_verified: This has to be true or false.
          created_at: This has to be a time of RFC 3339, such as 2026-02-03T04:05:06Z.
        3 refused
          : This row has 2 fields, and the header has 3: quote fields with commas, quotes and line breaks.
        4 refused
          user_id: This has to be an id of Auth0, such as auth0|65f0c0.
        5 refused
          user_id: This holds the character U+0000, which cannot be stored.
    "#]].assert_eq(&read_text(Format::Auth0, csv));
}
