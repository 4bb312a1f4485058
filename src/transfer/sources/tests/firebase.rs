//! Firebase's users.

use expect_test::expect;

use super::*;

#[test]
fn the_sample_of_the_api() {
    expect![[r#"
        1 {"id":"fbMara0000000000000000000001","create_time":"2021-03-04T05:06:07.089000Z","tokens_valid_from":"2021-03-04T05:06:07.000000Z","app_metadata":{"role":"editor"},"identities":[{"provider":"password","subject":"fbMara0000000000000000000001","email":"mara.quill@example.com","email_verified":true,"profile_data":{"name":"Mara \"Q\" Quill, jr","picture":"https://img.example.com/m.png"}},{"provider":"google.com","subject":"109000000000000000001","email":"mara.q@gmail.example","profile_data":{"name":"Mara Quill","picture":"https://img.example.com/mg.png"}}]}
          left out: {Password: 1} {"lastLoginAt": 1, "lastRefreshAt": 1, "passwordUpdatedAt": 1}
        1 {"id":"fbTomas000000000000000000002","create_time":"2022-01-02T03:04:05.006000Z","identities":[{"provider":"apple.com","subject":"000123.0a0b0c0d.0001","email":"hidden1@privaterelay.example"},{"provider":"oidc.acme","subject":"acme|42","email":"tomas@acme.example"},{"provider":"saml.acme","subject":"tomas@acme.example"}]}
          left out: {Email: 1} {"lastLoginAt": 1, "lastRefreshAt": 1}
        1 {"id":"fbPhone000000000000000000003","create_time":"2023-05-06T07:08:09.010000Z","identities":[{"provider":"phone","subject":"fbPhone000000000000000000003","profile_data":{"phone_number":"+15555550103"}}]}
          left out: {} {"lastLoginAt": 1, "lastRefreshAt": 1}
        1 skipped: an anonymous user: no sign-in would find it again
        1 {"id":"fbOff00000000000000000000005","create_time":"2023-05-06T07:08:09.012000Z","blocked":true,"app_metadata":{"team":"the \"A\" team"},"identities":[{"provider":"github.com","subject":"7654321","email":"jo.ives@example.com","profile_data":{"name":"Jo Ives"}},{"provider":"facebook.com","subject":"10150000000000001","profile_data":{"name":"Jo Ives"}}]}
          left out: {} {"lastLoginAt": 1, "lastRefreshAt": 1}
        1 {"id":"fbDup00000000000000000000006","create_time":"2023-05-06T07:08:09.013000Z","identities":[{"provider":"google.com","subject":"109000000000000000001","email":"mara.q@gmail.example"}]}
          left out: {Email: 1} {"lastRefreshAt": 1}
    "#]].assert_eq(&read(Format::Firebase, "firebase-batchget.json"));
}

#[test]
fn the_sample_of_the_export() {
    expect![[r#"
        2 {"id":"fbMara0000000000000000000001","create_time":"2021-03-04T05:06:07.089000Z","app_metadata":{"role":"editor"},"identities":[{"provider":"password","subject":"fbMara0000000000000000000001","email":"mara.quill@example.com","email_verified":true,"profile_data":{"name":"Mara \"Q\" Quill, jr","picture":"https://img.example.com/m.png"}},{"provider":"google.com","subject":"109000000000000000001","email":"mara.q@gmail.example","profile_data":{"name":"Mara Quill","picture":"https://img.example.com/mg.png"}}]}
          left out: {Password: 1} {"lastSignedInAt": 1}
        23 refused
          identities: A user needs at least one account, and this one has none: `auth:export` leaves most providers out, so read the users by accounts:batchGet, which has all.
        31 {"id":"fbPhone000000000000000000003","create_time":"2023-05-06T07:08:09.010000Z","identities":[{"provider":"phone","subject":"fbPhone000000000000000000003","profile_data":{"phone_number":"+15555550103"}}]}
          left out: {} {"lastSignedInAt": 1}
        38 skipped: an anonymous user: no sign-in would find it again
        43 {"id":"fbOff00000000000000000000005","create_time":"2023-05-06T07:08:09.012000Z","blocked":true,"app_metadata":{"team":"the \"A\" team"},"identities":[{"provider":"github.com","subject":"7654321","email":"jo.ives@example.com","profile_data":{"name":"Jo Ives"}},{"provider":"facebook.com","subject":"10150000000000001","profile_data":{"name":"Jo Ives"}}]}
          left out: {} {"lastSignedInAt": 1}
        66 {"id":"fbDup00000000000000000000006","create_time":"2023-05-06T07:08:09.013000Z","identities":[{"provider":"google.com","subject":"109000000000000000001","email":"mara.q@gmail.example"}]}
          left out: {Email: 1} {}
    "#]].assert_eq(&read(Format::Firebase, "firebase-export-15.15.json"));
}

#[test]
fn csv_into_which_a_user_can_write_rows_is_not_read() {
    for name in ["firebase-export-15.15.csv", "firebase-export-15.34.csv"] {
        let input = Input::open(&[sample(name)]).unwrap();
        let mut records = input.records(Format::Firebase.shape());
        let error = records.next().unwrap().unwrap_err().to_string();
        assert!(
            error.ends_with(
                "so a user can write rows into the file. Export again with --format=json."
            ),
            "{error}"
        );
        assert!(records.next().is_none());
    }
}

#[test]
fn what_a_user_chooses_is_of_no_other_account() {
    let users = [
        // A name of the user's own stays over that of the provider.
        r#"{"localId":"a","displayName":"Own","photoUrl":"p","providerUserInfo":[{"providerId":"google.com","rawId":"1","displayName":"Google's","photoUrl":"p"}]}"#,
        // The user's email is at no account, and there are two.
        r#"{"localId":"b","email":"b@example.com","emailVerified":true,"providerUserInfo":[{"providerId":"google.com","rawId":"1"},{"providerId":"github.com","rawId":2}]}"#,
        r#"{"localId":"c","customAuth":true,"tenantId":"t","mfaInfo":[{"mfaEnrollmentId":"x"}],"createdAt":"soon","validSince":1.5}"#,
        r#"{"localId":5,"customAttributes":"{\"a\":1,\"a\":2}","providerUserInfo":[{"providerId":"google.com"}]}"#,
    ];
    expect![[r#"
        1 {"id":"a","profile_overrides":{"name":"Own"},"identities":[{"provider":"google.com","subject":"1","profile_data":{"name":"Google's","picture":"p"}}]}
        2 {"id":"b","identities":[{"provider":"google.com","subject":"1"},{"provider":"github.com","subject":"2"}]}
          left out: {Email: 1} {}
        3 refused
          createdAt: This has to be a time in milliseconds since 1970, of the years 1 to 9999.
          validSince: This has to be a time in seconds since 1970, of the years 1 to 9999.
        4 refused
          localId: This has to be a string.
          providerUserInfo/0/rawId: This is missing.
          customAttributes/a: This name occurs twice in its object: send it once.
    "#]].assert_eq(&read_text(Format::Firebase, &users.join("\n")));
}
