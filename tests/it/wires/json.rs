//! Messages of JSON: protobuf's own mapping, and what is refused.

use serde_json::json;

use super::*;
use crate::support::{refusal, wires::Form};

/// The refusal of this text as the message of a call.
async fn refused(client: &WireClient, path: &str, text: impl Into<Bytes>) -> String {
    refusal(Form::ConnectJson.outcome(&client.send(post(path, text)).await))
}

#[tokio::test(flavor = "multi_thread")]
async fn values_keep_their_meaning_both_ways() {
    let server = TestServer::start().await;
    let client = backend(&server, Version::HTTP_11);
    let metadata = r#"{"n":7,"m":-7.0,"f":0.5,"big":9007199254740991,"s":"7","t":true,"z":null,"l":[1,{"a":[]}],"u":"\u00e9 \ud83d\ude00"}"#;
    // Both spellings of a name, numbers of enums, and null for what is not set.
    for (subject, names) in [
        ("a", ["userIdForm", "userMetadata", "identityRef", "validateOnly"]),
        ("b", ["user_id_form", "user_metadata", "identity_ref", "validate_only"]),
    ] {
        let [form, user_metadata, identity, preview] = names;
        let text = format!(
            r#"{{"identity":{{"{identity}":{{"provider":"github","subject":"{subject}"}}}},"{form}":0,"{user_metadata}":{metadata},"{preview}":null}}"#
        );
        let created = client.send(post(CREATE, text)).await;
        let created = json_of(&created);
        let user = &created["user"];
        assert_eq!(user["identities"][0]["identityRef"]["subject"], subject, "{created}");
        let kept = String::from_utf8(
            client.send(post(GET, json!({"userId": user["id"]}).to_string())).await.body().to_vec(),
        )
        .unwrap();
        // Integers have no fraction, as other libraries write them.
        for text in [r#""n":7,"#, r#""m":-7,"#, r#""f":0.5"#, r#""big":9007199254740991"#] {
            assert!(
                kept.replace('}', ",").contains(text.trim_end_matches(',')),
                "{text} in {kept}"
            );
        }
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept["user"]["userMetadata"]["l"], json!([1, {"a": []}]));
        // 64 bits are a string, and times are RFC 3339.
        assert!(kept["user"]["version"].is_string(), "{kept}");
        assert!(kept["user"]["createTime"].as_str().unwrap().ends_with('Z'), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_message_is_refused_with_its_place() {
    let server = TestServer::start().await;
    let client = backend(&server, Version::HTTP_2);
    let before = server.database.db_everything().await;
    let (mut got, mut refusals) = (Vec::new(), String::new());
    for text in [
        r#"{"identity":{"identityRef":{"provider":"github","subjekt":"open-sesame"}}}"#,
        r#"{"identity":{"identityRef":{"provider":"github","subject":7}}}"#,
        r#"{"identity":[]}"#,
        r#"{"userIdForm":"USER_ID_FORM_OPEN_SESAME"}"#,
        r#"{"userMetadata":{"a":{"b":1,"b":2}}}"#,
        r#"{"userMetadata":{"a":9007199254740993}}"#,
        r#"{"identity":{"profile_data":{"a_b":1,"aB":2},"profileData":{}},"user_metadata":{},"user\u005fmetadata":{}}"#,
        r#"{"identity":{"profile_data":{"a_b":1,"aB":2},"profileData":{}},"user_metadata":{},"userMetadata":{}}"#,
        r#"{"blocked":"true"}"#,
        r#"{"a/b~c\u0007":1}"#,
        "",
        " ",
        "[]",
        "null",
        "\"a\"",
        "{",
        "{}x",
        "{\"a\":01}",
        "\u{feff}{}",
    ] {
        let refusal = refused(&client, CREATE, text).await;
        refusals.push_str(&refusal.to_lowercase());
        got.push(format!("{text:?} {refusal}"));
    }
    got.push(refused(&client, CREATE, &b"{\"userMetadata\":{\"a\":\"\xff\"}}"[..]).await);
    let got = got.join("\n");
    insta::assert_snapshot!(got, @r#"
        "{\"identity\":{\"identityRef\":{\"provider\":\"github\",\"subjekt\":\"open-sesame\"}}}" InvalidArgument REQUEST_INVALID
        identity/identityRef/subjekt: is no field of its message: check how the proto spells it
        "{\"identity\":{\"identityRef\":{\"provider\":\"github\",\"subject\":7}}}" InvalidArgument REQUEST_INVALID
        identity/identityRef/subject: has another form than its field: send what the proto describes, as the JSON of protobuf
        "{\"identity\":[]}" InvalidArgument REQUEST_INVALID
        identity: has another form than its field: send what the proto describes, as the JSON of protobuf
        "{\"userIdForm\":\"USER_ID_FORM_OPEN_SESAME\"}" InvalidArgument REQUEST_INVALID
        userIdForm: has another form than its field: send what the proto describes, as the JSON of protobuf
        "{\"userMetadata\":{\"a\":{\"b\":1,\"b\":2}}}" InvalidArgument REQUEST_INVALID
        userMetadata/a/b: This name occurs twice in its object: send it once.
        "{\"userMetadata\":{\"a\":9007199254740993}}" InvalidArgument REQUEST_INVALID
        userMetadata/a: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.
        "{\"identity\":{\"profile_data\":{\"a_b\":1,\"aB\":2},\"profileData\":{}},\"user_metadata\":{},\"user\\u005fmetadata\":{}}" InvalidArgument REQUEST_INVALID
        user_metadata: This name occurs twice in its object: send it once.
        "{\"identity\":{\"profile_data\":{\"a_b\":1,\"aB\":2},\"profileData\":{}},\"user_metadata\":{},\"userMetadata\":{}}" InvalidArgument REQUEST_INVALID
        identity/profile_data: is given twice, in both spellings of its name: send one of them
        user_metadata: is given twice, in both spellings of its name: send one of them
        "{\"blocked\":\"true\"}" InvalidArgument REQUEST_INVALID
        blocked: has another form than its field: send what the proto describes, as the JSON of protobuf
        "{\"a/b~c\\u0007\":1}" InvalidArgument REQUEST_INVALID
        a~1b~0c\u{7}: is no field of its message: check how the proto spells it
        "" InvalidArgument REQUEST_INVALID
        " " InvalidArgument REQUEST_INVALID
        "[]" InvalidArgument REQUEST_INVALID
        "null" InvalidArgument REQUEST_INVALID
        "\"a\"" InvalidArgument REQUEST_INVALID
        "{" InvalidArgument REQUEST_INVALID
        "{}x" InvalidArgument REQUEST_INVALID
        "{\"a\":01}" InvalidArgument REQUEST_INVALID
        a: is no field of its message: check how the proto spells it
        "\u{feff}{}" InvalidArgument REQUEST_INVALID
        InvalidArgument REQUEST_INVALID
        "#);
    assert!(!refusals.contains("sesame"), "what was sent is in {refusals}");
    assert_eq!(server.database.db_everything().await, before);
}

/// G33: a reader that goes down a level of the stack for each bracket ends at the 128th.
#[tokio::test(flavor = "multi_thread")]
async fn deep_json_is_refused_and_harms_no_other_call() {
    let server = TestServer::start().await;
    let client = backend(&server, Version::HTTP_11);
    let nested = |open: &str, close: &str, depth: usize| {
        format!(r#"{{"userMetadata":{{"a":{}1{}}}}}"#, open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [20, 100, 125, 130, 100_000] {
            let refused = refused(&client, CREATE, nested(open, close, depth)).await;
            assert!(refused.starts_with("InvalidArgument REQUEST_INVALID"), "{depth} {refused}");
        }
        let open = "[".repeat(1_000_000);
        assert!(
            refused(&client, CREATE, open).await.starts_with("InvalidArgument REQUEST_INVALID")
        );
    }
    assert_eq!(client.send(post(FIND, r#"{"email":"a@example.com"}"#)).await.status(), 200);
}
