//! `POST /jobs/users-imports`, and what became of the users.

use http::{Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{DATABASE, IMPORTS, ended, errors, imported, send_file, send_users, timeless};
use crate::support::{TestServer, auth0::AUTH0, cluster::cluster, refusal, tokens::Token};

/// Two users of a database connection.
fn two_users() -> Value {
    json!([
        {
            "user_id": "mara", "email": "mara@example.com", "email_verified": true, "name": "Mara Quill",
            "password_hash": "$2b$10$7a1d", "app_metadata": {"roles": ["Admin"]}, "user_metadata": {"color": "red"},
        },
        {"user_id": "tom", "email": "tom@example.com", "username": "tom", "blocked": true, "mfa_factors": [{"totp": {"secret": "JBSW"}}]},
    ])
}

#[tokio::test]
async fn a_service_imports_a_file_and_reads_what_became_of_it() {
    let server = TestServer::start_auth0().await;

    let said = send_users(&server.backend(), DATABASE, &two_users()).await;

    assert_eq!(said.status, 202);
    let started = said.ok();
    insta::assert_snapshot!(timeless(started.clone()), @r#"{"connection":"Username-Password-Authentication","connection_id":"Username-Password-Authentication","percentage_done":0,"send_completion_email":false,"status":"pending","type":"users_import","upsert":false}"#);
    let job = ended(&server, &started).await;
    insta::assert_snapshot!(timeless(job.clone()), @r#"{"connection":"Username-Password-Authentication","connection_id":"Username-Password-Authentication","percentage_done":100,"send_completion_email":false,"status":"completed","status_details":"Left out: passwords (1), second factors (1).","summary":{"failed":0,"inserted":2,"total":2,"updated":0},"type":"users_import","upsert":false}"#);
    assert_eq!(job["id"], started["id"]);
    assert_eq!(errors(&server, &job).await, Value::Null);
    let mara = server.backend().get("/api/v2/users/auth0|mara").await.ok();
    assert_eq!(
        (&mara["name"], &mara["user_metadata"]),
        (&"Mara Quill".into(), &json!({"color": "red"}))
    );
    assert_eq!(
        mara["identities"],
        json!([{"connection": DATABASE, "user_id": "mara", "provider": "auth0", "isSocial": false}])
    );
    let tom = server.backend().get("/api/v2/users/auth0|tom").await.ok();
    assert_eq!((&tom["blocked"], &tom["username"]), (&true.into(), &"tom".into()));
    // G29: neither the rows nor what is secret in them is kept.
    let kept = "SELECT line FROM job_lines UNION ALL SELECT settings::text FROM jobs WHERE settings::text LIKE '%mara%'";
    assert_eq!(server.database.db_texts(kept).await, [""; 0]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn each_refused_user_is_listed_with_all_reasons() {
    let server = TestServer::start_auth0().await;
    server
        .backend()
        .post("/api/v2/users", &json!({"connection": "sms", "user_id": "gone"}))
        .await
        .ok();
    server.backend().delete("/api/v2/users/sms|gone").await.ok();
    server
        .backend()
        .post("/api/v2/users", &json!({"connection": "sms", "user_id": "here"}))
        .await
        .ok();
    let users = json!([
        {"user_id": "new", "phone_number": "+14258831929"},
        {"user_id": "here", "name": "Another", "password": "open-sesame"},
        {"user_id": "gone", "name": "Forgotten", "email": "gone@example.com"},
        {"user_id": "twice"},
        {"user_id": "twice"},
        {"email": "jo@example.com", "email_verified": "yes"},
        {"user_id": "bad", "created_at": 5, "user_metadata": []},
        {"user_id": "linked", "identities": [{"provider": "github", "user_id": "1", "access_token": "open-sesame"}]},
        "text",
    ]);

    let job = imported(&server, "sms", &users).await;

    assert_eq!(job["summary"], json!({"failed": 8, "updated": 0, "inserted": 1, "total": 9}));
    let errors = errors(&server, &job).await;
    let lines: Vec<String> = errors.as_array().unwrap().iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
        {"errors":[{"code":"CONFLICT","message":"This user is here already, and was not changed."}],"user":{"name":"Another","user_id":"here"}}
        {"errors":[{"code":"CONFLICT","message":"The user with this id was deleted here: a file does not bring it back.","path":"user_id"},{"code":"CONFLICT","message":"The user with this account was deleted here: a file does not bring it back.","path":"user_id"}],"user":{"user_id":"gone"}}
        {"errors":[{"code":"DUPLICATED_USER","message":"This id is also in line 5: neither row becomes a new user.","path":"user_id"},{"code":"DUPLICATED_USER","message":"This account is also in line 5: neither row becomes a new user.","path":"user_id"}],"user":{"user_id":"twice"}}
        {"errors":[{"code":"DUPLICATED_USER","message":"This id is also in line 4: neither row becomes a new user.","path":"user_id"},{"code":"DUPLICATED_USER","message":"This account is also in line 4: neither row becomes a new user.","path":"user_id"}],"user":{"user_id":"twice"}}
        {"errors":[{"code":"FORMAT","message":"This is missing: it has to be the id that the account has at its provider, or no sign-in finds the user.","path":"user_id"},{"code":"FORMAT","message":"This has to be true or false.","path":"email_verified"}],"user":{"email":"jo@example.com","email_verified":"yes"}}
        {"errors":[{"code":"FORMAT","message":"This has to be a time of RFC 3339, such as 2026-02-03T04:05:06Z, of the years 1 to 9999.","path":"created_at"},{"code":"FORMAT","message":"This has to be an object.","path":"user_metadata"}],"user":{"created_at":5,"user_id":"bad","user_metadata":[]}}
        {"errors":[{"code":"FORMAT","message":"An import job gives each user one account, in its connection: the command import brings users with several.","path":"identities"}],"user":{"user_id":"linked"}}
        {"errors":[{"code":"FORMAT","message":"This has to be an object."}],"user":{}}
    "#);
    assert!(!errors.to_string().contains("open-sesame"));
}

/// G30: the job of an import gives no more than the scope for imports does.
#[tokio::test]
async fn who_may_create_or_read_users_one_by_one_imports_none() {
    let server = TestServer::start_auth0().await;
    let with = |scope: &str| server.asker(&Token::of("services", "backend").scope(scope));
    let one_by_one = with("create:users read:users update:users jobs:users");

    let refused = send_users(&one_by_one, DATABASE, &two_users()).await.refused();

    assert_eq!(
        refused,
        "403 insufficient_scope Insufficient scope; expected any of: import:users."
    );
    let job = imported(&server, DATABASE, &json!([{"user_id": "a", "created_at": 5}])).await;
    let path = format!("/api/v2/jobs/{}", job["id"].as_str().unwrap());
    let expected =
        "403 insufficient_scope Insufficient scope; expected any of: export:users,import:users.";
    for path in [path.clone(), format!("{path}/errors")] {
        assert_eq!(one_by_one.get(&path).await.refused(), expected);
        // An importer is not to be read by who may only export.
        let gone = "404 inexistent_job The job does not exist.";
        assert_eq!(with("export:users").get(&path).await.refused(), gone);
        with("import:users").get(&path).await.ok();
        let elsewhere = server.asker(&Token::of("services", "backend").tenant("joined"));
        assert_eq!(
            elsewhere.get(&path).await.refused(),
            "403 tenant_not_served The users of this tenant are not served here."
        );
    }
    // Nor are its lines, which have emails, by who may only start jobs.
    let operation = format!("operations/{}", job["id"].as_str().unwrap());
    let refused = refusal(server.service().lines(&operation).await);
    assert!(
        refused.starts_with("InvalidArgument REQUEST_INVALID\noperation: has no lines here"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_job_of_another_tenant_does_not_exist() {
    let two = AUTH0.replace("[\"default\"]", "[\"default\", \"other\"]");
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| toml + &two).await;
    let job = imported(&server, DATABASE, &two_users()).await;
    let path = format!("/api/v2/jobs/{}", job["id"].as_str().unwrap());
    let elsewhere = server.asker(&Token::of("services", "backend").tenant("other"));

    let gone = "404 inexistent_job The job does not exist.";
    assert_eq!(elsewhere.get(&path).await.refused(), gone);
    assert_eq!(elsewhere.get(&format!("{path}/errors")).await.refused(), gone);
    for strange in ["job_0000000000000001", "%00", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(server.backend().get(&format!("/api/v2/jobs/{strange}")).await.refused(), gone);
    }
}

#[tokio::test]
async fn a_form_is_refused_with_all_that_is_wrong() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let mut shown = Vec::new();
    let file: (&str, &str, &[u8]) = ("users", "users.json", b"[]");
    let connection: (&str, &str, &[u8]) = ("connection_id", "", DATABASE.as_bytes());
    for parts in [
        vec![],
        vec![file],
        vec![
            file,
            connection,
            ("upsert", "", b"true"),
            ("send_completion_email", "", b"maybe"),
            ("color", "", b"red"),
        ],
        vec![file, connection, ("external_id", "", &[b'x'; 256])],
        vec![file, connection, ("external_id", "", b"\xff")],
        vec![file, connection, connection],
        vec![file, ("connection_id", "", b"nowhere")],
        vec![("users", "users.json", b"{}"), connection],
        vec![("users", "users.json", b"[{]"), connection],
        vec![("users", "users.json", b"\xff"), connection],
    ] {
        shown.push(backend.post_form(IMPORTS, &parts).await.refused());
    }
    let long = [b"[".as_slice(), &[b' '; 512_000], b"]"].concat();
    shown.push(send_file(&backend, DATABASE, &long).await.refused());
    shown.push(send_file(&backend, DATABASE, &long.repeat(10)).await.refused());
    let many = format!("[{}1]", "1,".repeat(20_000));
    shown.push(send_file(&backend, DATABASE, many.as_bytes()).await.refused());
    for media_type in ["application/json", "multipart/form-data"] {
        let request = Request::post(IMPORTS).header(header::CONTENT_TYPE, media_type);
        shown.push(backend.send(request.body(Bytes::from("{}")).unwrap()).await.refused());
    }
    insta::assert_snapshot!(shown.join("\n"), @r#"
        400 invalid_body Payload validation error: 'users: is required: the file with the users; connection_id: is required: the name of a connection'.
        400 invalid_body Payload validation error: 'connection_id: is required: the name of a connection'.
        400 invalid_body Payload validation error: 'upsert: must be false: an import changes no user that is here already, PATCH /users/{id} does; send_completion_email: must be true or false; Additional properties not allowed: color'.
        400 invalid_body Payload validation error: 'external_id: must be at most 255 characters'.
        400 invalid_body Payload validation error: 'external_id: must be UTF-8'.
        400 invalid_body Payload validation error: 'connection_id: occurs twice: send it once'.
        400 inexistent_connection The connection does not exist.
        400 invalid_body Payload validation error: 'users: must be a file with a JSON array of users, in UTF-8'.
        400 invalid_body Payload validation error: 'users: must be a file with a JSON array of users, in UTF-8'.
        400 invalid_body Payload validation error: 'users: must be a file with a JSON array of users, in UTF-8'.
        413 - Payload content length greater than maximum allowed: 512000
        413 - Payload content length greater than maximum allowed: 512000
        400 invalid_body Payload validation error: 'users: has more than 20000 users: send several files'.
        415 - Unsupported Media Type: send multipart/form-data.
        415 - Unsupported Media Type: send multipart/form-data.
    "#);
    assert_eq!(server.database.db_texts("SELECT kind FROM jobs").await, [""; 0]);
}

/// The clients of Auth0 for Python ask for an email unless their caller does not.
#[tokio::test]
async fn an_email_that_is_asked_for_is_not_promised() {
    let server = TestServer::start_auth0().await;
    let parts: [(&str, &str, &[u8]); 5] = [
        ("users", "file", b"[]"),
        ("connection_id", "", b"sms"),
        ("upsert", "", b"False"),
        ("send_completion_email", "", b"true"),
        ("external_id", "", b"monday"),
    ];

    let job = server.backend().post_form(IMPORTS, &parts).await.ok();

    assert_eq!(
        (&job["send_completion_email"], &job["external_id"]),
        (&false.into(), &"monday".into())
    );
    let job = ended(&server, &job).await;
    assert_eq!(job["summary"], json!({"failed": 0, "updated": 0, "inserted": 0, "total": 0}));
}

/// What a file says of a person is erased with the person.
#[tokio::test]
async fn an_entry_is_erased_when_its_user_is_deleted() {
    let server = TestServer::start_auth0().await;
    let users = json!([{"user_id": "mara", "name": "Mara"}, {"user_id": "tom", "name": "Tom"}]);
    imported(&server, "sms", &users).await;
    let job = imported(&server, "sms", &users).await;
    assert_eq!(errors(&server, &job).await.as_array().unwrap().len(), 2);

    server.backend().delete("/api/v2/users/sms|mara").await.ok();

    let left = errors(&server, &job).await;
    assert_eq!((left.as_array().unwrap().len(), &left[0]["user"]["name"]), (1, &"Tom".into()));
    let about = "SELECT line FROM job_lines WHERE line LIKE '%ara%' OR 'sms|mara' = ANY(concerned)";
    assert_eq!(server.database.db_texts(about).await, [""; 0]);
}

#[tokio::test]
async fn the_rows_of_a_job_that_is_cancelled_before_it_begins_are_forgotten() {
    let database = cluster().db_migrated().await;
    let idle = |toml: String| toml + AUTH0 + "[jobs]\nat_once = 0\n";
    let server = TestServer::start_with(database, idle).await;
    let job = send_users(&server.backend(), DATABASE, &two_users()).await.ok();
    let rows = "SELECT line FROM job_lines ORDER BY number";
    let stored = server.database.db_texts(rows).await.join("\n");
    assert!(stored.contains("mara@example.com"), "{stored}");
    for secret in ["$2b$10$7a1d", "JBSW"] {
        assert!(!stored.contains(secret), "{stored}");
    }

    let id = job["id"].as_str().unwrap();
    server.service().cancel_operation(&format!("operations/{id}")).await.unwrap();

    assert_eq!(server.database.db_texts(rows).await, [""; 0]);
    let job = server.backend().get(&format!("/api/v2/jobs/{id}")).await.ok();
    assert_eq!((&job["status"], &job["summary"]["inserted"]), (&"failed".into(), &0.into()));
}
