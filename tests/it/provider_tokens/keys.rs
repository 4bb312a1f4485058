//! The keys that seal tokens: what the database has, rotation, and a missing key.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::{
    cli::{folder_with, run_in},
    support::child::Running,
};

/// Everything in these tables, as text.
async fn db_all(database: &Database) -> String {
    let tables = database
        .db_texts("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        .await;
    let mut all = String::new();
    for table in tables {
        all += &database.db_texts(&format!("SELECT t::text FROM {table} t")).await.concat();
    }
    all
}

/// P54: the database, its backups and its log contain no token, also while a sign-in waits.
#[tokio::test(flavor = "multi_thread")]
async fn neither_the_database_nor_the_log_has_a_token() {
    let (fake, database) = (FakeOidc::start(alice()).await, cluster().db_migrated().await);
    let toml = keeping(&fake.issuer, &first_key(&keys(&database)));
    let (child, address) = Running::serve(&database, |own| format!("log = \"trace\"\n{own}{toml}"));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    fake.tokens_live(10);
    let user = signed_in(&service).await;
    let fresh = token(&service, &user).await.unwrap();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let complete = pb::CompleteSignInRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        validate_only: true,
        ..come_back(&begun).await
    };
    service.complete_sign_in(complete).await.unwrap();
    fake.end_grants();
    refusal(token(&service, &user).await);

    let database = db_all(&database).await;
    assert!(database.contains(&user));
    child.signal(Signal::TERM);
    let log = child.finish().stderr;
    assert!(log.contains("a provider refreshes a token no longer"), "{log}");
    for secret in [FIRST, &fresh, "refresh-1-of-the-fake", "refresh-2-of-the-fake", KEY] {
        assert!(!database.contains(secret), "{secret} is in the database");
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// The tokens outlive a change of keys, and are sealed with the new one.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_the_old_key_can_go() {
    let (fake, server) = fake_and_server().await;
    let user = signed_in(&server.service()).await;
    let (database, dir) = (server.database.clone(), keys(&server.database));
    server.shutdown.cancel();
    let doctor = async |name: &str, lines: String| {
        let dir = folder_with(&format!("doctor_{}_{name}", database.name), &{
            let toml = server::config_toml("127.0.0.1:0".parse().unwrap(), &database.url);
            toml + &keeping(&fake.issuer, &lines)
        });
        let ran = tokio::task::spawn_blocking(move || run_in(&dir, "doctor", &[])).await.unwrap();
        let lines = ran.stdout.lines().filter(|line| line.contains("sealed with"));
        lines.map(|line| line.split(": ").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let both =
        format!("key_file = \"{0}/new.key\"\nold_key_files = [\"{0}/old.key\"]", dir.display());
    let new = format!("key_file = \"{}/new.key\"", dir.display());
    let old_id = database.db_texts("SELECT key_id FROM provider_tokens").await.remove(0);
    assert_eq!(
        doctor("both", both.clone()).await,
        [format!("1 tokens of providers are sealed with the earlier key {old_id}. To do")]
    );
    assert_eq!(
        doctor("new", new.clone()).await,
        [format!(
            "1 tokens of providers are sealed with the key {old_id}, which the configuration has not. To do"
        )]
    );

    // Without its key a token is gone, and is not removed.
    let without =
        TestServer::start_with(database.clone(), |own| own + &keeping(&fake.issuer, &new)).await;
    assert_eq!(refusal(token(&without.service(), &user).await), GONE);
    without.shutdown.cancel();

    let rotated =
        TestServer::start_with(database.clone(), |own| own + &keeping(&fake.issuer, &both)).await;
    assert_eq!(token(&rotated.service(), &user).await.unwrap(), FIRST);
    let old = format!("SELECT subject FROM provider_tokens WHERE key_id = '{old_id}'");
    database.db_until_none(&old).await;
    rotated.shutdown.cancel();

    let after =
        TestServer::start_with(database.clone(), |own| own + &keeping(&fake.issuer, &new)).await;
    assert_eq!(token(&after.service(), &user).await.unwrap(), FIRST);
    assert_eq!(doctor("after", new).await, [""; 0]);
}

/// P55: a row that a thief of the database writes for another account or tenant opens nothing.
#[tokio::test]
async fn sealed_tokens_open_for_their_own_identity_only() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    signed_in(&service).await;
    fake.person(serde_json::json!({"sub": "mallory"}));
    let mallory = signed_in(&service).await;
    let stolen = "UPDATE provider_tokens m SET sealed = a.sealed, key_id = a.key_id FROM provider_tokens a \
                  WHERE m.subject = 'mallory' AND a.subject = 'alice'";
    server.database.db_execute(stolen).await;

    let get = pb::GetProviderTokenRequest {
        identity: identity_ref("fake", "mallory"),
        ..wanted(&mallory, &[])
    };
    assert_eq!(refusal(service.get_provider_token(get).await), GONE);
}
