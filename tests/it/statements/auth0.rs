//! What calls of Auth0's HTTP about one user cost.

use serde_json::{Value, json};
use tonic::Status;

use super::{
    assert_costs, logged_server_with,
    plans::{CROWD, db_read_by_keys},
    statements,
};
use crate::auth0::jobs::exports::{downloaded, path};
use crate::support::{
    TestServer,
    auth0::{AUTH0, Asker, Said},
    tokens::Token,
};

const ANN: &str = "/api/v2/users/github%7Cann";
const LINKED: &str = "/api/v2/users/sms%7Cann";

/// Ann, who has linked a phone, and a second user of hers.
async fn ann(backend: &Asker) {
    for (connection, account) in [("github", "ann"), ("sms", "ann"), ("auth0", "67f1c2")] {
        backend
            .post("/api/v2/users", &json!({"connection": connection, "user_id": account}))
            .await
            .ok();
    }
    backend
        .post(&format!("{ANN}/identities"), &json!({"provider": "sms", "user_id": "ann"}))
        .await
        .ok();
}

/// The statements of a good call.
async fn cost(server: &TestServer, call: impl Future<Output = Said>) -> Vec<String> {
    statements(server, async { Ok::<_, Status>(call.await.ok()) }).await
}

#[tokio::test]
async fn whose_id_it_is_costs_no_statement() {
    let server = logged_server_with(AUTH0).await;
    let backend = server.backend();
    ann(&backend).await;
    let [primary, linked] =
        ["github", "sms"].map(|provider| server.asker(&Token::of(provider, "ann").issued_ago(-2)));
    let (seen, resolved) =
        (json!({"user_metadata": {"seen": true}}), format!("{LINKED}?resolve=true"));
    for path in [ANN, LINKED] {
        linked.patch(path, &seen).await.ok();
    }

    assert_costs(1..=1, &cost(&server, backend.get(ANN)).await);
    assert_costs(1..=1, &cost(&server, backend.get(&resolved)).await);
    for (asker, path) in [(&primary, ANN), (&linked, LINKED), (&linked, ANN)] {
        assert_costs(1..=2, &cost(&server, asker.get(path)).await);
    }
    let own = cost(&server, primary.patch(ANN, &seen)).await.len();
    for path in [ANN, LINKED] {
        assert_costs(own..=own, &cost(&server, linked.patch(path, &seen)).await);
    }
}

/// An export of a connection reads its accounts by the index of the provider, however many users there
/// are.
#[tokio::test]
async fn an_export_of_a_connection_reads_no_other_users() {
    let server = logged_server_with(AUTH0).await;
    let backend = server.backend();
    ann(&backend).await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let body = json!({"connection_id": "sms", "fields": [{"name": "user_id"}]});
    let job = backend.post("/api/v2/jobs/users-exports", &body).await.ok();

    let mut users = String::new();
    let download = async {
        users = downloaded(&server, &path(&job)).await;
        Ok::<_, Status>(())
    };
    let asked = statements(&server, download).await;

    assert_eq!(users, "{\"user_id\":\"github|ann\"}\n");
    let of_accounts =
        |said: &&String| said.contains("FROM identities") && said.contains("subject > $3");
    // A page, and the one behind the last one.
    assert_eq!(asked.iter().filter(of_accounts).count(), 2, "{asked:?}");
    assert!(
        !asked.iter().any(|said| said.contains("FROM users WHERE tenant_id = $1 AND id > $2")),
        "{asked:?}"
    );
    assert!(db_read_by_keys(&server, &asked).await >= 4, "{asked:?}");
}

/// An account that is given as its provider names it costs what it does over gRPC; with the
/// provider in front of it, one more.
#[tokio::test]
async fn a_prefix_costs_one_statement() {
    let server = logged_server_with(AUTH0).await;
    let backend = server.backend();
    ann(&backend).await;
    let identities = format!("{ANN}/identities");
    let body = |account: &str| -> Value { json!({"provider": "auth0", "user_id": account}) };
    let unlink = |account: &str| format!("{identities}/auth0/{account}");
    // Prepares all there is to prepare.
    backend.post(&identities, &body("auth0|67f1c2")).await.ok();
    backend.delete(&unlink("auth0%7C67f1c2")).await.ok();

    let mut costs = Vec::new();
    for account in ["67f1c2", "auth0|67f1c2"] {
        let linked = cost(&server, backend.post(&identities, &body(account))).await;
        let unlinked = cost(&server, backend.delete(&unlink(&account.replace('|', "%7C")))).await;
        costs.push([linked, unlinked]);
    }

    for (plain, prefixed) in costs[0].iter().zip(&costs[1]) {
        assert_costs(1..=10, plain);
        assert_costs(plain.len() + 1..=plain.len() + 1, prefixed);
    }
}
