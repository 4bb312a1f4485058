//! Supabase's users.

use expect_test::expect;

use super::*;

#[test]
fn the_sample() {
    expect![[r#"
        1 {"id":"11111111-1111-4111-8111-111111111111","create_time":"2021-03-04T05:06:07.089000Z","update_time":"2026-02-03T04:05:06.007000Z","user_metadata":{"name":"Mara \"Q\" Quill, jr"},"app_metadata":{"provider":"email","providers":["email","google"]},"identities":[{"provider":"email","subject":"11111111-1111-4111-8111-111111111111","email":"Mara.Quill@Example.com","email_verified":true,"email_verify_time":"2021-03-04T05:07:00.000000Z","attach_time":"2021-03-04T05:06:07.089000Z"},{"provider":"google","subject":"109000000000000000001","email":"Mara.Q@Gmail.example","email_verified":true,"profile_data":{"full_name":"Mara Quill","iss":"https://accounts.google.com","name":"Mara Quill","picture":"https://img.example.com/mg.png"},"attach_time":"2021-03-04T05:06:07.089000Z"}]}
          left out: {} {"aud": 1, "identities.last_sign_in_at": 2, "identities.updated_at": 2, "instance_id": 1, "last_sign_in_at": 1, "role": 1}
        2 {"id":"22222222-2222-4222-8222-222222222222","create_time":"2021-03-04T05:06:07.089000Z","update_time":"2026-02-03T04:05:06.007000Z","blocked":true,"app_metadata":{"provider":"phone","providers":["phone"]},"identities":[{"provider":"phone","subject":"22222222-2222-4222-8222-222222222222","profile_data":{"phone_number":"+15555550102","phone_number_verified":true},"attach_time":"2021-03-04T05:06:07.089000Z"}]}
          left out: {} {"aud": 1, "identities.last_sign_in_at": 1, "identities.updated_at": 1, "instance_id": 1, "last_sign_in_at": 1, "role": 1}
        3 skipped: an anonymous user: no sign-in would find it again
        4 {"id":"44444444-4444-4444-8444-444444444444","create_time":"2021-03-04T05:06:07.089000Z","update_time":"2026-02-03T04:05:06.007000Z","app_metadata":{"provider":"sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92","providers":["sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92"]},"identities":[{"provider":"sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92","subject":"jo.ives@acme.example","email":"jo.ives@acme.example","profile_data":{"iss":"https://idp.acme.example/saml"},"attach_time":"2021-03-04T05:06:07.089000Z"}]}
          left out: {} {"aud": 1, "identities.last_sign_in_at": 1, "identities.updated_at": 1, "instance_id": 1, "last_sign_in_at": 1, "role": 1}
        5 skipped: a user that was deleted at the source
    "#]].assert_eq(&read(Format::Supabase, "supabase.ndjson"));
}

#[test]
fn what_a_user_may_write_verifies_no_email() {
    let users = [
        r#"{"id":"a","email":"a@example.com","email_confirmed_at":null,"raw_user_meta_data":{"email_verified":true},"encrypted_password":"$2a","recovery_token":"x","confirmation_token":"","identities":[{"provider":"email","provider_id":"a","identity_data":{"email":"a@example.com","email_verified":true}}]}"#,
        // The address is about to change: the confirmed one is another.
        r#"{"id":"b","email":"b@example.com","email_confirmed_at":"2021-03-04T05:07:00+00:00","banned_until":"2026-05-01T00:00:00Z","identities":[{"provider":"email","provider_id":"b","identity_data":{"email":"new@example.com","email_verified":true}},{"identity_id":"x","id":"7","provider":"github","email":"g@example.com"}]}"#,
        r#"{"id":"c","email":"c@example.com","identities":"none"}"#,
    ];
    expect![[r#"
        1 {"id":"a","user_metadata":{"email_verified":true},"identities":[{"provider":"email","subject":"a","email":"a@example.com"}]}
          left out: {Password: 1, Token: 1} {}
        2 {"id":"b","identities":[{"provider":"email","subject":"b","email":"new@example.com"},{"provider":"github","subject":"7","email":"g@example.com"}]}
          left out: {Email: 1} {}
        3 refused
          identities: This has to be a list of objects.
    "#]].assert_eq(&read_text(Format::Supabase, &users.join("\n")));
}
