//! Pairs of CSV files with column maps.

use expect_test::expect;

use super::*;

#[test]
fn supabase() {
    let users = "id=id email=email email_verify_time=email_confirmed_at phone_number=phone app_metadata=raw_app_meta_data user_metadata=raw_user_meta_data create_time=created_at blocked_until=banned_until deleted=deleted_at anonymous=is_anonymous";
    let accounts = "user_id=user_id provider=provider subject=provider_id profile_data=identity_data attach_time=created_at";
    expect![[r#"
        2 {"id":"11111111-1111-4111-8111-111111111111","create_time":"2021-03-04T05:06:07.089000Z","user_metadata":{"name":"Mara \"Q\" Quill, jr"},"app_metadata":{"provider":"email","providers":["email","google"]},"identities":[{"provider":"email","subject":"11111111-1111-4111-8111-111111111111","email":"Mara.Quill@Example.com","email_verified":true,"email_verify_time":"2021-03-04T05:07:00.000000Z","profile_data":{"phone_verified":false},"attach_time":"2021-03-04T05:06:07.089000Z"},{"provider":"google","subject":"109000000000000000001","email":"Mara.Q@Gmail.example","email_verified":true,"profile_data":{"full_name":"Mara Quill","iss":"https://accounts.google.com","name":"Mara Quill","phone_verified":false,"picture":"https://img.example.com/mg.png"},"attach_time":"2021-03-04T05:06:07.089000Z"}]}
          left out: {} {"id": 2, "is_sso_user": 1, "last_sign_in_at": 2, "updated_at": 2}
        3 {"id":"22222222-2222-4222-8222-222222222222","create_time":"2021-03-04T05:06:07.089000Z","blocked":true,"app_metadata":{"provider":"phone","providers":["phone"]},"identities":[{"provider":"phone","subject":"22222222-2222-4222-8222-222222222222","profile_data":{"phone":"15555550102","phone_number":"15555550102","phone_verified":true},"attach_time":"2021-03-04T05:06:07.089000Z"}]}
          left out: {} {"id": 1, "is_sso_user": 1, "last_sign_in_at": 1, "phone_confirmed_at": 1, "updated_at": 1}
        4 skipped: an anonymous user: no sign-in would find it again
        5 {"id":"44444444-4444-4444-8444-444444444444","create_time":"2021-03-04T05:06:07.089000Z","app_metadata":{"provider":"sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92","providers":["sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92"]},"identities":[{"provider":"sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92","subject":"jo.ives@acme.example","email":"jo.ives@acme.example","profile_data":{"iss":"https://idp.acme.example/saml","phone_verified":false},"attach_time":"2021-03-04T05:06:07.089000Z"}]}
          left out: {} {"id": 1, "is_sso_user": 1, "last_sign_in_at": 1, "updated_at": 1}
        6 skipped: a user that was deleted at the source
    "#]].assert_eq(&read_pair(
        ("supabase-users.csv", users),
        ("supabase-identities.csv", accounts),
    ));
}

#[test]
fn better_auth() {
    let users = "id=id name=name email=email email_verified=emailVerified picture=image create_time=createdAt update_time=updatedAt";
    let accounts = "user_id=userId provider=providerId subject=accountId attach_time=createdAt";
    expect![[r#"
        2 {"id":"baMara00000000000000000000000001","create_time":"2021-03-04T05:06:07.089000Z","update_time":"2026-02-03T04:05:06.007000Z","profile_overrides":{"name":"Mara \"Q\" Quill, jr"},"identities":[{"provider":"credential","subject":"baMara00000000000000000000000001","email":"mara.quill@example.com","email_verified":true,"attach_time":"2021-03-04T05:06:07.090000Z"},{"provider":"google","subject":"109000000000000000001","attach_time":"2021-03-05T05:06:07.090000Z"},{"provider":"github","subject":"7654321","attach_time":"2021-03-06T05:06:07.090000Z"}]}
          left out: {Password: 1, Token: 1} {"id": 3, "scope": 1, "updatedAt": 3}
        3 {"id":"baTomas0000000000000000000000002","create_time":"2022-01-02T03:04:05.006000Z","update_time":"2026-02-03T04:05:06.007000Z","identities":[{"provider":"google","subject":"109000000000000000001","email":"tomas.berg@example.com","profile_data":{"name":"Tomas"},"attach_time":"2022-01-02T03:04:05.010000Z"}]}
          left out: {} {"id": 1, "updatedAt": 1}
        4 refused
          identities: A user needs at least one account, and this one has none: no sign-in would find it.
    "#]].assert_eq(&read_pair(
        ("better-auth-user.csv", users),
        ("better-auth-account.csv", accounts),
    ));
}

#[test]
fn authjs() {
    let users = "id=id name=name email=email email_verify_time=emailVerified picture=image";
    let accounts = "user_id=userId provider=provider subject=providerAccountId";
    expect![[r#"
        2 {"id":"1","profile_overrides":{"name":"Mara"},"identities":[{"provider":"google","subject":"109000000000000000001"},{"provider":"github","subject":"7654321"}]}
          left out: {Token: 1, Email: 1} {"expires_at": 1, "id": 2, "scope": 1, "token_type": 1, "type": 2}
        3 {"id":"2","identities":[{"provider":"github","subject":"7654322","email":"tomas.berg@example.com","email_verified":true,"email_verify_time":"2026-01-02T03:04:05.006000Z","profile_data":{"name":"Tomas"}}]}
          left out: {} {"id": 1, "type": 1}
        4 refused
          identities: A user needs at least one account, and this one has none: no sign-in would find it.
        5 refused
          identities: A user needs at least one account, and this one has none: no sign-in would find it.
    "#]]
        .assert_eq(&read_pair(("authjs-users.csv", users), ("authjs-accounts.csv", accounts)));
}

#[test]
fn aspnet() {
    let users = "id=Id username=UserName email=Email email_verified=EmailConfirmed phone_number=PhoneNumber phone_number_verified=PhoneNumberConfirmed blocked_until=LockoutEnd";
    let accounts = "user_id=UserId provider=LoginProvider subject=ProviderKey";
    expect![[r#"
        2 {"id":"5f0e0000-0000-4000-8000-000000000001","profile_overrides":{"phone_number_verified":false,"username":"mara.quill@example.com"},"identities":[{"provider":"Google","subject":"109000000000000000001"},{"provider":"GitHub","subject":"7654321"}]}
          left out: {Password: 1, Email: 1} {"AccessFailedCount": 1, "ConcurrencyStamp": 1, "LockoutEnabled": 1, "NormalizedEmail": 1, "NormalizedUserName": 1, "ProviderDisplayName": 2, "SecurityStamp": 1, "TwoFactorEnabled": 1}
        3 {"id":"5f0e0000-0000-4000-8000-000000000002","blocked":true,"identities":[{"provider":"Microsoft","subject":"0a1b2c3d4e5f6a7b","email":"tomas.berg@example.com","profile_data":{"phone_number":"+15555550102","phone_number_verified":false,"username":"tomas"}}]}
          left out: {} {"AccessFailedCount": 1, "ConcurrencyStamp": 1, "LockoutEnabled": 1, "NormalizedEmail": 1, "NormalizedUserName": 1, "ProviderDisplayName": 1, "SecurityStamp": 1, "TwoFactorEnabled": 1}
    "#]]
        .assert_eq(&read_pair(("aspnet-users.csv", users), ("aspnet-logins.csv", accounts)));
}

/// How two texts are read as a pair.
fn read_texts(users: (&str, &str), accounts: (&str, &str)) -> Result<String, String> {
    let pairs = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let columns = Columns::parse(&pairs(users.1), Some(&pairs(accounts.1)))
        .map_err(|wrong| wrong.join("\n"))?;
    let input = |text: &str| {
        let bytes = std::io::Cursor::new(text.to_owned().into_bytes());
        Input::open_with(&["-".into()], Box::new(bytes)).unwrap()
    };
    let joined = Joined::read(&input(users.0), Some(&input(accounts.0)), columns)
        .map_err(|error| error.to_string())?;
    let mut records: Vec<_> = joined.records().map(Result::unwrap).collect();
    records.sort_by_key(|(place, _)| *place);
    Ok(shown(Format::Csv, records.into_iter().map(Ok)))
}

const USERS: &str = "id=id email=email email_verified=verified blocked=blocked";
const ACCOUNTS: &str = "user_id=user provider=p subject=s";

#[test]
fn rows_that_do_not_fit_together() {
    let users = "id,email,verified,blocked\nu1,a@example.com,t,maybe\nu2,b@example.com\nu3,c@example.com,t,f\nu3,d@example.com,t,f\n,e@example.com,t,f\n";
    let accounts = "user,p,s\nu1,google,\nu2,google,2\nu3,google,3\nu4,google,4\n,google,5\nu1,github,x@example.com\n";
    expect![[r#"
        2 refused
          blocked: This has to be t, true, 1, f, false or 0.
          line 2 of the accounts: s: This is empty.
          identities/1/subject: This is an email: the account's id at the provider, which never changes, is needed.
        3 refused
          : This row has 2 fields, and the header has 4: quote fields with commas, quotes and line breaks.
        3 refused
          user_id: There is no user with this id in the file of users.
        4 {"id":"u3","identities":[{"provider":"google","subject":"3","email":"c@example.com","email_verified":true}]}
        5 {"id":"u3","identities":[{"provider":"google","subject":"3","email":"d@example.com","email_verified":true}]}
        5 refused
          user_id: There is no user with this id in the file of users.
        6 refused
          id: This is empty.
        6 skipped: an account without a user
    "#]].assert_eq(&read_texts((users, USERS), (accounts, ACCOUNTS)).unwrap());
}

#[test]
fn files_that_cannot_be_joined() {
    let whole = "id,email,verified,blocked\nu1,a@example.com,t,f\n";
    let refused =
        |users: &str, accounts: &str| read_texts((users, USERS), (accounts, ACCOUNTS)).unwrap_err();
    expect![[r#"
        standard input:2: this row of accounts has not as many fields as the header, so its user is unknown: quote fields with commas, quotes and line breaks.
        standard input:2: the header has no column s.
        standard input: the header names one column twice: name each column once.
        standard input, byte 26: the CSV ends in the middle of a row: the last line needs its line break, and each quote its partner.
        standard input, byte 26: the CSV ends in the middle of a row: the last line needs its line break, and each quote its partner.
        `what` is no field of the users: these are id, create_time, update_time, blocked, blocked_until, deleted, anonymous, tokens_valid_from, user_metadata, app_metadata, email, email_verified, email_verify_time, provider, subject, connection, name, given_name, family_name, nickname, preferred_username, username, picture, locale, phone_number, phone_verified, phone_number_verified.
        The field `id` of the users is named twice.
        `email` is no pair `field=column`.
        The accounts need the field `provider`: name its column.
        The accounts need the field `subject`: name its column.
        `provider` is a field of the accounts: the file of users has none of it."#]].assert_eq(
        &[
            refused(whole, "user,p,s\nu1,google\n"),
            refused(whole, "user,p\nu1,google\n"),
            refused("id,id\n", "user,p,s\n"),
            refused("id,email,verified,blocked\nu1,a@example.com,t,f", "user,p,s\n"),
            refused("id,email,verified,blocked\n\"u1,a@example.com,t,f\n", "user,p,s\n"),
            read_texts(
                (whole, "id=id what=x id=y email provider=p email=id"),
                (whole, "user_id=id"),
            )
            .unwrap_err(),
        ]
        .join("\n"),
    );
}
