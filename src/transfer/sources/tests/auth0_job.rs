//! Rows of the file of Auth0's import job.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{
    domain::{IdentityRef, Provider, UserRef},
    transfer::{
        input::Record,
        sources::auth0_job::{JobFileError, MAX_USERS, account, record, rows, shown},
    },
};

const CONNECTION: &str = "Username-\"Password\"";

fn provider() -> Provider {
    Provider::parse("auth0").unwrap()
}

/// The rows of a file as they are stored.
fn stored(file: &str) -> Vec<String> {
    rows(file.as_bytes(), &provider()).unwrap().into_iter().map(|row| row.line).collect()
}

/// What a stored row is.
fn reading(row: &str) -> Result<Reading, Vec<Violation>> {
    let record = Record::Json(record(row, "auth0", CONNECTION));
    Format::Auth0Job.read(&record, now()).map_err(|faulty| faulty.violations)
}

/// The neutral row of a user, and what is left out.
fn user(row: &str) -> String {
    match reading(row) {
        Ok(Reading::User(found)) => {
            format!("{} {:?}", serde_json::to_string(&found.row).unwrap(), found.left_out.kinds)
        }
        Ok(Reading::Skipped(why)) => why.to_owned(),
        Err(violations) => {
            let lines =
                violations.into_iter().map(|it| format!("{}: {}", it.field, it.description));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn a_row_gets_one_account_in_the_connection_and_keeps_no_secret() {
    let file = "[{\"user_id\": \"67f1\",\r\n \"email\": \"a@example.com\", \"password_hash\": \"$2b$\", \"name\": \"A\\nB\",
        \"mfa_factors\": [{\"totp\": {\"secret\": \"JBSW\"}}], \"app_metadata\": {\"password\": \"theirs\"}}, {\"user_id\": 42}]";
    let rows = stored(file);
    expect![[r#"
        {"user_id":"67f1","email":"a@example.com","password_hash":true,"name":"A\nB","mfa_factors":true,"app_metadata":{"password": "theirs"}}
        {"user_id":42}"#]].assert_eq(&rows.join("\n"));
    expect![[r#"
        {"id":"auth0|67f1","app_metadata":{"password":"theirs"},"identities":[{"provider":"auth0","subject":"67f1","connection":"Username-\"Password\"","email":"a@example.com","profile_data":{"name":"A\nB"}}]} {Password: 1, SecondFactor: 1}
        {"id":"auth0|42","identities":[{"provider":"auth0","subject":"42","connection":"Username-\"Password\""}]} {}"#]]
        .assert_eq(&rows.iter().map(|row| user(row)).collect::<Vec<_>>().join("\n"));
    let whole = Value::Object(shown(&rows[0], false)).to_string();
    expect![[r#"{"app_metadata":{"password":"theirs"},"email":"a@example.com","name":"A\nB","user_id":"67f1"}"#]]
        .assert_eq(&whole);
    assert_eq!(Value::Object(shown(&rows[0], true)).to_string(), r#"{"user_id":"67f1"}"#);
    let id = IdentityRef::parse_joined("auth0|67f1").unwrap();
    assert_eq!(account(&rows[0], &provider()), Some(UserRef::Identity(id)));
}

#[test]
fn a_row_that_is_wrong_is_refused_with_all_reasons() {
    let file = r#"[
        {"email": "a@example.com", "email_verified": "yes", "created_at": 5},
        {"user_id": "", "name": "A"}, {"user_id": null}, {"user_id": {}}, {"user_id": "\ud800"},
        {"user_id": "a", "user_id": "b"}, {"user_id": "a", "unused": 0.1234567890123456789},
        {"user_id": "a", "identities": [{"access_token": "secret"}]}, "text", 5, null, [] ]"#;
    let rows = stored(file);
    assert!(!rows.concat().contains("secret"));
    let shown: Vec<String> = rows.iter().map(|row| user(row)).collect();
    let object = ": This has to be an object.";
    let missing = "user_id: This is missing: it has to be the id";
    let expected = [
        missing,
        missing,
        missing,
        "user_id: This has to be a string",
        "user_id: This text has half",
        "user_id: ",
        "unused: This number is not exactly",
        "identities: An import job",
        object,
        object,
        object,
        object,
    ];
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.starts_with(expected), "{shown} {expected}");
    }
    for also in
        ["email_verified: This has to be true or false.", "created_at: This has to be a time"]
    {
        assert!(shown[0].contains(also), "{}", shown[0]);
    }
}

#[test]
fn a_file_that_is_no_list_is_refused_as_a_whole() {
    let read = |file: &[u8]| rows(file, &provider()).map(|rows| rows.len());
    assert_eq!([read(b"[]"), read(b" [1, 2]\n")], [Ok(0), Ok(2)]);
    for bad in [b"".as_slice(), b"{}", b"[", b"[1,]", b"[1] 2", b"\xff", b"[\"\xff\"]", b"null"] {
        assert_eq!(read(bad), Err(JobFileError::NoList));
    }
    let many = format!("[{}1]", "1,".repeat(MAX_USERS));
    assert_eq!(read(many.as_bytes()), Err(JobFileError::TooMany));
}

proptest! {
    /// White space between tokens changes nothing, and a stored row is one line.
    #[test]
    fn a_row_is_read_alike_however_it_is_written(
        id in "[ -~]{0,8}", name in "\\PC{0,8}", color in "\\PC{0,8}", number in any::<i32>(),
    ) {
        let row = serde_json::json!({
            "user_id": id, "name": name, "user_metadata": {"color": color, "list": [number, {"a": null}]},
        });
        let compact = format!("[{row}]");
        let pretty = serde_json::to_string_pretty(&[&row]).unwrap();
        let [compact, pretty] = [compact, pretty].map(|file| stored(&file).remove(0));
        prop_assert!(!pretty.contains(['\n', '\r']));
        prop_assert_eq!(reading(&compact), reading(&pretty));
    }
}
