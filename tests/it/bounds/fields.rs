//! Ids, providers, emails, enums: a refusal names the path of each violation, all at once.

use identity_link::grpc::proto as pb;

use crate::support::{cluster::cluster, *};

/// Each rpc, with every violation that a request can contain.
#[tokio::test]
async fn a_refusal_names_all_violations_at_once() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("github", "h1").await;
    let before = server.database.db_everything().await;
    let wrong_ref =
        || Some(pb::IdentityRef { provider: "GitHub".to_owned(), subject: "a\nb".to_owned() });
    let wrong_merge = || Some(pb::MetadataMerge { strategy: 9, conflict: -1, arrays: 4 });
    let too_long = "x".repeat(256);

    insta::assert_snapshot!(refusal(service.create_user(pb::CreateUserRequest {
        identity: Some(pb::NewIdentity {
            identity_ref: wrong_ref(),
            connection: "c".repeat(129),
            email: "a@b@example.com".to_owned(),
            profile_data: object(serde_json::json!({"k": "\0"})),
            ..Default::default()
        }),
        user_id_form: 3,
        user_metadata: object(serde_json::json!({"u": 1e300})),
        app_metadata: object(serde_json::json!({"a": 1e-40})),
        profile_overrides: object(serde_json::json!({"\0": 1})),
        ..Default::default()
    }).await), @r#"
    InvalidArgument REQUEST_INVALID
    identity.identity_ref.provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    identity.identity_ref.subject: must be 1 to 255 bytes without control characters
    identity.connection: must be at most 128 bytes without control characters
    identity.email: The email address does not have exactly one @.
    identity.profile_data/k: This holds the character U+0000, which cannot be stored.
    user_id_form: is not one of the values that the proto names
    user_metadata/u: This number is beyond ±(2^53 − 1), so it may not be kept exactly.
    app_metadata/a: This number is closer to 0 than 1e-30, so it may not be kept exactly.
    profile_overrides/\u{0}: This holds the character U+0000, which cannot be stored.
    "#);
    insta::assert_snapshot!(refusal(service.link(pb::LinkRequest {
        user_id: "a b".to_owned(),
        user_metadata: wrong_merge(),
        app_metadata: wrong_merge(),
        ..Default::default()
    }).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    user_metadata.conflict: is not one of the values that the proto names
    user_metadata.arrays: is not one of the values that the proto names
    user_metadata.strategy: is not one of the values that the proto names
    app_metadata.conflict: is not one of the values that the proto names
    app_metadata.arrays: is not one of the values that the proto names
    app_metadata.strategy: is not one of the values that the proto names
    secondary: is required: link_with, link_ticket, identity or secondary_user_id
    ");
    insta::assert_snapshot!(refusal(service.link(pb::LinkRequest {
        user_id: too_long.clone(),
        secondary: wrong_ref().map(pb::link_request::Secondary::Identity),
        ..Default::default()
    }).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    identity.provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    identity.subject: must be 1 to 255 bytes without control characters
    ");
    insta::assert_snapshot!(refusal(service.link(link_user("\u{e9}", "")).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    secondary_user_id: must be 1 to 255 printable ASCII characters without spaces
    ");
    insta::assert_snapshot!(refusal(service.link(pb::LinkRequest { user_id: "\0".to_owned(), ..link_with("") }).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    link_with: must be a token of the secondary user
    ");
    insta::assert_snapshot!(refusal(service.unlink(pb::UnlinkRequest {
        user_id: too_long.clone(),
        identity: wrong_ref(),
        metadata: 3,
        ..Default::default()
    }).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    metadata: is not one of the values that the proto names
    identity.provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    identity.subject: must be 1 to 255 bytes without control characters
    ");
    insta::assert_snapshot!(refusal(service.set_primary_identity(pb::SetPrimaryIdentityRequest {
        user_id: "a\tb".to_owned(),
        ..Default::default()
    }).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    identity: is required
    ");
    insta::assert_snapshot!(refusal(service.merge_metadata(pb::MergeMetadataRequest {
        user_id: "a b".to_owned(),
        source: Some(pb::merge_metadata_request::Source::SourceUserId(String::new())),
        user_metadata: wrong_merge(),
        app_metadata: merge_default(),
        ..Default::default()
    }).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    user_metadata.conflict: is not one of the values that the proto names
    user_metadata.arrays: is not one of the values that the proto names
    user_metadata.strategy: is not one of the values that the proto names
    source_user_id: must be 1 to 255 printable ASCII characters without spaces
    ");
    insta::assert_snapshot!(refusal(service.update_user(update("a b", &["id", "user_metadata"], pb::UserUpdate {
        user_metadata: object(serde_json::json!({"k": ["\0"]})),
        ..Default::default()
    })).await), @r#"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "id"
    update.user_metadata/k/0: This holds the character U+0000, which cannot be stored.
    "#);
    insta::assert_snapshot!(refusal(service.find_by_identity(pb::FindByIdentityRequest { identity: None }).await), @"
    InvalidArgument REQUEST_INVALID
    identity: is required
    ");
    insta::assert_snapshot!(refusal(service.delete_user(delete(&too_long)).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    ");
    insta::assert_snapshot!(refusal(service.get_user(get("a\u{7f}")).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    ");

    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_user_id_is_1_to_255_printable_ascii_characters() {
    let server = TestServer::start().await;
    let service = server.service();
    let wrong = "InvalidArgument REQUEST_INVALID\nuser_id: must be 1 to 255 printable ASCII characters without spaces";

    for id in [&"x".repeat(256), "a b", "a\0", "a\n", "\u{7f}", "\u{e9}", "a\u{202e}", " "] {
        assert_eq!(refusal(service.get_user(get(id)).await), wrong, "{id:?}");
        assert_eq!(refusal(service.delete_user(delete(id)).await), wrong, "{id:?}");
    }
    for id in [
        &"x".repeat(255),
        "!",
        "~",
        "'; DROP TABLE users; --".replace(' ', "").as_str(),
        "github|a|b",
    ] {
        assert_eq!(refusal(service.get_user(get(id)).await), "NotFound USER_NOT_FOUND", "{id:?}");
    }
}

/// P08: an indexed value fits in an index entry.
#[tokio::test]
async fn a_provider_has_a_plain_name_and_a_subject_at_most_255_bytes() {
    let longest = "a".repeat(64);
    let declared =
        format!("[tenants.default.providers.\"0.a_b-c\"]\n[tenants.default.providers.{longest}]\n");
    let server =
        TestServer::start_with(cluster().db_migrated().await, |toml| toml + &declared).await;
    let service = server.service();
    let find = async |provider: &str, subject: &str| {
        refusal(service.find_by_identity(owner_of(provider, subject)).await)
    };

    for provider in [
        "",
        "GitHub",
        "-a",
        ".a",
        "_a",
        "a b",
        "a|b",
        "a/b",
        "\u{e9}",
        "a\0",
        "a\n",
        &"a".repeat(65),
    ] {
        let told = find(provider, "s").await;
        assert!(
            told.starts_with("InvalidArgument REQUEST_INVALID\nidentity.provider: must be"),
            "{provider:?} {told}"
        );
    }
    for subject in ["", "\0", "a\nb", "\u{7f}", "\u{85}", &"x".repeat(256), &"\u{e9}".repeat(128)] {
        let told = find("github", subject).await;
        assert_eq!(
            told,
            "InvalidArgument REQUEST_INVALID\nidentity.subject: must be 1 to 255 bytes without control characters",
            "{subject:?}"
        );
    }
    for (provider, subject) in [
        (&*longest, "x"),
        ("0.a_b-c", "a b|c'\"\\%"),
        ("sms", &"x".repeat(255)),
        ("sms", "\u{1f600}"),
    ] {
        assert_eq!(find(provider, subject).await, "NotFound IDENTITY_NOT_FOUND");
        service.create(provider, subject).await;
        service.find_by_identity(owner_of(provider, subject)).await.unwrap();
    }
}

/// A37, A38, A39: characters that imitate ASCII, names that hide another address, and texts that
/// some software reads as another address.
#[tokio::test]
async fn an_email_is_one_plain_address() {
    let server = TestServer::start().await;
    let service = server.service();
    let before = server.database.db_everything().await;
    let long = format!("{}@example.com", "a".repeat(288));

    for (email, description) in [
        ("ann", "The email address does not have exactly one @."),
        ("a@b@example.com", "The email address does not have exactly one @."),
        ("<eve@evil.example>ann@example.com", "The email address does not have exactly one @."),
        (
            "\"ann\"@example.com",
            "The part before the @ is not a plain mailbox name of 1 to 64 bytes.",
        ),
        (
            "ann@example.com\r\nBcc: eve@evil.example",
            "The email address holds whitespace, control characters or \
                                                      invisible characters.",
        ),
        (
            "ann@example.com\n",
            "The email address holds whitespace, control characters or invisible characters.",
        ),
        (
            " ann@example.com",
            "The email address holds whitespace, control characters or invisible characters.",
        ),
        (
            "a\u{200b}nn@example.com",
            "The email address holds whitespace, control characters or invisible characters.",
        ),
        (
            "ann\0@example.com",
            "The email address holds whitespace, control characters or invisible characters.",
        ),
        (&long, "The email address is longer than 254 bytes."),
        ("ann@localhost", "The part after the @ is not a full domain name such as example.com."),
        ("ann@127.0.0.1", "The part after the @ is not a full domain name such as example.com."),
        ("ann@a.example,bob@b.example", "The email address does not have exactly one @."),
        (
            "=?utf-8?q?ann?=@example.com",
            "The part before the @ is not a plain mailbox name of 1 to 64 bytes.",
        ),
        ("ann@example.com.", "The part after the @ is not a full domain name such as example.com."),
        ("ann\u{ff20}example.com", "The email address does not have exactly one @."),
        (
            "ann@xn--example-.com",
            "The part after the @ is not a full domain name such as example.com.",
        ),
        (
            "\u{212a}ate@example.com",
            "The part before the @ holds characters that imitate ASCII letters.",
        ),
    ] {
        let identity = pb::NewIdentity {
            identity_ref: identity_ref("github", "h1"),
            email: email.to_owned(),
            email_verified: true,
            ..Default::default()
        };
        let created = service
            .create_user(pb::CreateUserRequest { identity: Some(identity), ..Default::default() })
            .await;
        assert_eq!(
            refusal(created),
            format!("InvalidArgument REQUEST_INVALID\nidentity.email: {description}"),
            "{email:?}"
        );
        let found = service.find_by_email(by_email(email)).await;
        assert_eq!(
            refusal(found),
            format!("InvalidArgument REQUEST_INVALID\nemail: {description}"),
            "{email:?}"
        );
    }

    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_connection_is_at_most_128_bytes_without_control_characters() {
    let server = TestServer::start().await;
    let service = server.service();
    let before = server.database.db_everything().await;
    let create = |connection: &str| pb::CreateUserRequest {
        identity: Some(pb::NewIdentity {
            identity_ref: identity_ref("github", "h1"),
            connection: connection.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };

    for connection in [&"c".repeat(129), &"\u{e9}".repeat(65), "a\0b", "a\nb"] {
        assert_eq!(
            refusal(service.create_user(create(connection)).await),
            "InvalidArgument REQUEST_INVALID\n\
             identity.connection: must be at most 128 bytes without control characters"
        );
    }
    assert_eq!(server.database.db_everything().await, before);
    let longest = service.create_user(create(&"c".repeat(128))).await.unwrap().user.unwrap();
    assert_eq!(longest.identities[0].connection.len(), 128);
}

#[tokio::test]
async fn an_enum_value_that_the_proto_does_not_name_is_refused() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    service.create("sms", "s1").await;
    let before = server.database.db_everything().await;
    let wrong = |field: &str| {
        format!(
            "InvalidArgument REQUEST_INVALID\n{field}: is not one of the values that the proto names"
        )
    };
    for value in [-1, 99, i32::MAX] {
        let merges =
            [("strategy", value, 0, 0), ("conflict", 2, value, 0), ("arrays", 2, 0, value)];
        for (name, strategy, conflict, arrays) in merges {
            let rule = Some(pb::MetadataMerge { strategy, conflict, arrays });
            let link =
                pb::LinkRequest { app_metadata: rule, ..link_identity(&user.id, "sms", "s1") };
            assert_eq!(refusal(service.link(link).await), wrong(&format!("app_metadata.{name}")));
        }
        let unlink = pb::UnlinkRequest { metadata: value, ..unlink(&user.id, "sms", "s1") };
        assert_eq!(refusal(service.unlink(unlink).await), wrong("metadata"));
        let unlink = pb::UnlinkRequest { mode: value, ..release(&user.id, "sms", "s1") };
        assert_eq!(refusal(service.unlink(unlink).await), wrong("mode"));
        let identity =
            Some(pb::NewIdentity { identity_ref: identity_ref("sms", "s2"), ..Default::default() });
        let create = pb::CreateUserRequest { identity, user_id_form: value, ..Default::default() };
        assert_eq!(refusal(service.create_user(create).await), wrong("user_id_form"));
    }
    assert_eq!(server.database.db_everything().await, before);
}
