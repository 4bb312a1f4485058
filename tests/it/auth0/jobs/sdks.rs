//! Auth0's own clients import and export users here.

use crate::{
    auth0::{node, python},
    support::tokens::Token,
};

#[tokio::test]
async fn the_clients_for_node_import_and_export_users() {
    let shown = node::printed("jobs.mjs", "auth0").await;
    insta::assert_snapshot!(shown, @r#"
        imported: {"type":"users_import","status":"completed","connection_id":"Username-Password-Authentication","connection":"Username-Password-Authentication","external_id":"monday","upsert":false,"send_completion_email":false,"percentage_done":100,"summary":{"failed":1,"updated":0,"inserted":1,"total":2},"status_details":"Left out: passwords (1)."}
        its errors: [{"errors":[{"code":"FORMAT","message":"This is missing: it has to be the id that the account has at its provider, or no sign-in finds the user.","path":"user_id"}],"user":{"email":"jo@example.com"}}]
        without errors: null
        an upsert: [400,"Payload validation error: 'upsert: must be false: an import changes no user that is here already, PATCH /users/{id} does'."]
        exported: {"type":"users_export","status":"completed","format":"json","limit":5,"fields":[{"name":"user_id","export_as":"user_id"},{"name":"email","export_as":"address"}],"percentage_done":100}
        downloaded: "{\"address\":\"mara@example.com\",\"user_id\":\"auth0|mara\"}\n"
    "#);
    assert_eq!(node::printed("jobs.mjs", "auth0/legacy").await, shown);
}

#[tokio::test]
async fn the_client_for_python_imports_and_exports_users() {
    let token = Token::of("services", "backend").sign();
    let printed = python::printed("jobs.py", token).await;
    insta::assert_snapshot!(printed, @r#"
        imported: {"connection": "sms", "connection_id": "sms", "percentage_done": 100, "send_completion_email": false, "status": "completed", "status_details": "Left out: passwords (1).", "summary": {"failed": 1, "inserted": 1, "total": 2, "updated": 0}, "type": "users_import", "upsert": false}
        its errors: [{"errors": [{"code": "FORMAT", "message": "This is missing: it has to be the id that the account has at its provider, or no sign-in finds the user.", "path": "user_id"}], "user": {"name": "Jo"}}]
        an upsert: [400, "Payload validation error: 'upsert: must be false: an import changes no user that is here already, PATCH /users/{id} does'."]
        exported: {"fields": [{"export_as": "user_id", "name": "user_id"}, {"export_as": "name", "name": "name"}], "format": "csv", "percentage_done": 100, "status": "completed", "type": "users_export"}
        downloaded: "\"user_id\",\"name\"\n\"'sms|mara\",\"'Mara\"\n"
    "#);
}
