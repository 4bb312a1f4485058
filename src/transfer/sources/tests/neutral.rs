//! The neutral row.

use expect_test::expect;

use super::*;

#[test]
fn all_fields_and_no_others() {
    let rows = [
        r#"{"id":"u1","aliases":["u2"],"create_time":"2021-03-04T05:06:07.089Z","update_time":"2021-03-04T06:06:07+01:00","blocked":true,"tokens_valid_from":"2021-03-04T05:06:07Z","user_metadata":{"a":[1]},"app_metadata":{"b":null},"profile_overrides":{"name":"N"},"identities":[{"provider":"google","subject":"1","connection":"c","social":true,"email":"a@example.com","email_verified":true,"email_verify_time":"2021-03-04T05:06:07Z","profile_data":{"name":"M"},"attach_time":"2021-03-04T05:06:07.123456789Z"}]}"#,
        r#"{"identities":[{"provider":"google","subject":"1"}]}"#,
        r#"{"id":7,"aliases":"x","create_time":"yesterday","blocked":"no","user_metadata":{"n":1e400,"~/":0.1234567890123456789},"identities":[{"provider":"google","subject":7654321,"mail":"x"},{"subject":null}],"name":"x"}"#,
        r#"{"identities":[]}"#,
        r#"{"identities":[{"provider":"a","subject":"1"}],"identities":[{"provider":"b","subject":"2"}]}"#,
        r#"{"id":"\u0000","identities":[{"provider":"\ud800","subject":"1"}],"user_metadata":{"a":"\udc00"}}"#,
        r#"{"id":"a","identities":[{"provider":"google","subject":"x@example.com"}]}"#,
        r#"{"id":"a" "identities":[]}"#,
        r#"{"id":"a","user_metadata":{"name":"Mara \\"Q\\" Quill"},"identities":[{"provider":"google","subject":"1"}]}"#,
        r#"{"id":"b","user_metadata":{"name":"Mara \\"Q, "},"identities":[{"provider":"google","subject":"1"}]}"#,
        r#"{"id":"c","identities":[{"provider":"google","subject":"1"}]"#,
        r#"{"id":"d","identities":[{"provider":"google","subject":"1"}]}"#,
        "(4 rows)",
        r#"[{"id":"e","identities":[{"provider":"google","subject":"1"}]},5,"x",null]"#,
    ];
    expect![[r#"
        1 {"id":"u1","aliases":["u2"],"create_time":"2021-03-04T05:06:07.089000Z","update_time":"2021-03-04T05:06:07.000000Z","blocked":true,"tokens_valid_from":"2021-03-04T05:06:07.000000Z","user_metadata":{"a":[1]},"app_metadata":{"b":null},"profile_overrides":{"name":"N"},"identities":[{"provider":"google","subject":"1","connection":"c","social":true,"email":"a@example.com","email_verified":true,"email_verify_time":"2021-03-04T05:06:07.000000Z","profile_data":{"name":"M"},"attach_time":"2021-03-04T05:06:07.123456Z"}]}
        2 {"identities":[{"provider":"google","subject":"1"}]}
        3 refused
          id: This has to be a string.
          aliases: This has to be a list of strings.
          create_time: This has to be a time of RFC 3339, such as 2026-02-03T04:05:06Z, of the years 1 to 9999.
          blocked: This has to be true or false.
          user_metadata/n: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.
          user_metadata/~0~1: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.
          identities/0/subject: This has to be a string.
          identities/0/mail: There is no field of this name.
          identities/1/provider: This is missing.
          identities/1/subject: This is missing.
          name: There is no field of this name.
        4 refused
          identities: A user needs at least one account, and this one has none: no sign-in would find it.
        5 refused
          identities: This name occurs twice in its object: send it once.
        6 refused
          id: This holds the character U+0000, which cannot be stored.
          user_metadata: This text has half of a surrogate pair (\ud800 to \udfff), so it is no Unicode text.
          identities/0/provider: This text has half of a surrogate pair (\ud800 to \udfff), so it is no Unicode text.
        7 refused
          identities/0/subject: This is an email: the account's id at the provider, which never changes, is needed.
        8 refused
          : This is not JSON, or is nested deeper than 128 levels.
        9 refused
          : This is not JSON: each backslash is doubled, as psql's COPY and \copy do in their text form. Export it by `psql -At -c`, or WITH (FORMAT csv).
        10 refused
          : This is not JSON: each backslash is doubled, as psql's COPY and \copy do in their text form. Export it by `psql -At -c`, or WITH (FORMAT csv).
        11 refused
          : This is not JSON, or is nested deeper than 128 levels.
        12 {"id":"d","identities":[{"provider":"google","subject":"1"}]}
        13 refused
          : This is not JSON, or is nested deeper than 128 levels.
        14 {"id":"e","identities":[{"provider":"google","subject":"1"}]}
        14 refused
          : This has to be an object.
        14 refused
          : This has to be an object.
        14 refused
          : This has to be an object.
    "#]].assert_eq(&read_text(Format::Neutral, &rows.join("\n")));
}
