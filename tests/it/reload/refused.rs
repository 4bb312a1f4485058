//! J34: configurations that are refused. The one before stays in use, as a whole.

use super::*;

/// The tenants and providers of which the database has a key or an issuer.
async fn db_known(database: &Database) -> Vec<String> {
    database
        .db_texts(
            "SELECT tenant_id FROM tenant_keys UNION ALL \
             SELECT concat_ws(' ', tenant_id, provider, issuer) FROM provider_issuers ORDER BY 1",
        )
        .await
}

async fn is_refused(server: &Reloading) -> bool {
    let (_, text) = scraped(server.management, "*/*").await;
    let is = |number| format!("identity_link_config_last_reload_successful {number}");
    match text.lines().find(|line| line.starts_with("identity_link_config_last_reload_successful"))
    {
        Some(line) if line == is(0) => true,
        Some(line) if line == is(1) => false,
        other => panic!("{other:?} in\n{text}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_changes_nothing_and_all_its_problems_are_logged() {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let good = server.toml.clone();
    let user = server.service().create("github", "ann").await;
    let known = db_known(&database).await;

    let broken = |toml: &str| {
        let toml = without_issuer(toml, "github").replace("\"read:users\"", "\"open:sesame\"");
        format!(
            "reflexion = true\n{toml}[tenants.fresh]\nundeclared_providers = \"allow\"\nregistration = \"perhaps\"\n"
        )
    };
    server.write(broken);

    // Without a signal. Each names its line.
    let mut problems = [(); 3].map(|()| {
        let problem = server.line(REFUSED)["problem"].as_str().unwrap().to_owned();
        problem.split_once(": ").unwrap().1.to_owned()
    });
    problems.sort();
    for (problem, key) in problems.iter().zip([
        "issuers.services.allowed_scopes: ",
        "reflexion: ",
        "tenants.fresh.registration: ",
    ]) {
        assert!(problem.starts_with(key), "{problem}");
    }
    assert!(is_refused(&server).await);
    assert_eq!(server.service().user(&user.id).await.id, user.id);
    assert_eq!(server.caller(&Token::of("github", "ann")).user("").await.id, user.id);
    assert_eq!(db_known(&database).await, known);

    // A file that is no TOML at all, such as one that is half written.
    let half = |toml: &str| toml[..toml.len() / 2].trim_end().to_owned() + "\n[[";
    let problem = server.reload(half, REFUSED)["problem"].to_string();
    assert!(problem.contains("is not TOML: "), "{problem}");
    assert!(is_refused(&server).await);

    // The file as it was is in use, without a reload.
    server.write(|_| good);
    let back = async { while is_refused(&server).await {} };
    timeout(PATIENCE, back).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_only_a_restart_changes_refuses_the_file() {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let change = |toml: &str| {
        let toml =
            without_issuer(toml, "github").replace("max_connections = 8", "max_connections = 9");
        format!("log = \"debug\"\n{toml}")
            .replace("poll_interval = \"20ms\"", "poll_interval = \"30ms\"")
    };

    server.reload(change, REFUSED);

    let restart = |key: &str| format!("{key}: only a restart of the server changes it");
    for key in ["database", "feed"] {
        assert_eq!(server.line(REFUSED)["problem"], restart(key));
    }
    let user = server.service().create("github", "ann").await;
    assert_eq!(server.caller(&Token::of("github", "ann")).user("").await.id, user.id);
}

/// The database has the issuer from which a provider's identities came.
#[tokio::test(flavor = "multi_thread")]
async fn another_issuer_of_a_provider_is_refused_and_nothing_is_pinned() {
    let database = cluster().db_migrated().await;
    let mut sms = String::new();
    let mut server = Reloading::start(&database, |toml| {
        let (table, without) = issuer_table(&toml, "sms");
        sms = table;
        without
    });
    let known = db_known(&database).await;
    let issuer = |name: &str| format!("issuer = \"https://{name}.example.com\"");
    let fresh = "[tenants.fresh]\nundeclared_providers = \"allow\"\n";
    let moved =
        |toml: &str| format!("{toml}{fresh}{sms}").replace(&issuer("github"), &issuer("elsewhere"));

    let problem = server.reload(moved, REFUSED)["problem"].to_string();

    assert!(
        problem.contains("provider github is configured with issuer https://elsewhere."),
        "{problem}"
    );
    assert_eq!(db_known(&database).await, known);
    let user = server.service().create("github", "ann").await;
    assert_eq!(server.caller(&Token::of("github", "ann")).user("").await.id, user.id);

    // Without the conflict, the same file pins the rest.
    server.reload(|toml| toml.replace(&issuer("elsewhere"), &issuer("github")), RELOADED);
    let mut more = db_known(&database).await;
    more.retain(|line| !known.contains(line) && (!line.contains("fresh") || line == "fresh"));
    assert_eq!(
        more,
        [
            "default sms https://sms.example.com",
            "fresh",
            "joined sms https://sms.example.com",
            "other sms https://sms.example.com",
        ]
    );
}
