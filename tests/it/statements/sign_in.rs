//! What a sign-in costs.

use identity_link::grpc::proto::{self as pb, resolve_sign_in_request::Proof};

use super::{
    assert_costs, logged_server,
    plans::{CROWD, db_read_by_keys},
    statements,
};
use crate::support::*;

fn account(provider: &str, subject: &str, email: &str) -> pb::ResolveSignInRequest {
    sign_in_with(pb::ProvenAccount {
        identity_ref: identity_ref(provider, subject),
        email: email.to_owned(),
        email_verified: !email.is_empty(),
        ..Default::default()
    })
}

#[tokio::test]
async fn a_known_account_costs_one_statement_and_a_change_of_it_eight() {
    let server = logged_server().await;
    let service = server.service();
    service.resolve_sign_in(account("github", "warm", "")).await.unwrap();
    let sign_in = |email: &str| service.resolve_sign_in(account("github", "h1", email));

    assert_costs(1..=10, &statements(&server, sign_in("ann@example.com")).await);
    assert_costs(1..=1, &statements(&server, sign_in("ann@example.com")).await);
    assert_costs(1..=1, &statements(&server, sign_in("")).await);
    assert_costs(1..=8, &statements(&server, sign_in("anna@example.com")).await);
}

#[tokio::test]
async fn a_newcomer_s_sign_in_reads_by_a_key() {
    // Many users that were deleted had been linked to one that lives on.
    const PAST: &str = "\
        INSERT INTO tombstones (tenant_id, id_hash, delete_time) \
          SELECT 'default', sha256(n::text::bytea), now() FROM generate_series(1, 5000) n; \
        UPDATE links SET secondary_id = 'deleted:' || encode(sha256(substr(primary_id, 7)::bytea), 'hex')";
    let server = logged_server().await;
    let service = server.service();
    service.resolve_sign_in(account("google-oauth2", "g1", "ann@example.com")).await.unwrap();
    service.resolve_sign_in(account("google-oauth2", "g2", "ben@example.com")).await.unwrap();
    server.database.db_execute(&format!("{CROWD}; {PAST}; ANALYZE")).await;

    let mut asked =
        statements(&server, service.resolve_sign_in(account("github", "h1", "ann@example.com")))
            .await;
    asked.extend(
        statements(&server, service.resolve_sign_in(account("github", "h2", "eve@example.com")))
            .await,
    );
    let candidates =
        service.resolve_sign_in(account("apple", "a1", "ben@example.com")).await.unwrap();
    let ticket = candidates.decision.unwrap().ticket;
    let proof = Some(Proof::SignInTicket(ticket));
    let own = pb::ResolveSignInRequest { proof, ..Default::default() };
    asked.extend(statements(&server, service.resolve_sign_in(own)).await);
    let known = account("github", "h1", "anna@example.com");
    asked.extend(statements(&server, service.resolve_sign_in(known)).await);

    assert!(db_read_by_keys(&server, &asked).await >= 15, "{asked:?}");
}
