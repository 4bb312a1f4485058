//! Who gets in, and for how long.

use super::*;

#[tokio::test]
async fn a_person_signs_in_and_out_and_returns_to_the_page_that_was_asked_for() {
    let console = Console::start().await;
    let ann = console.server.service().create("github", "ann").await.id;
    let mut browser = browser();
    let path = format!("/users/default/{}", ann.replace('|', "%7C"));

    let page = console.sign_in(&mut browser, &path).await;

    assert_eq!((page.status, page.url.path()), (StatusCode::OK, &*path));
    assert_eq!((text(&page, "staff"), text(&page, "role")), ("Carol", "support"));
    for cookie in &browser.set_cookies {
        assert!(cookie.starts_with("console-") && cookie.contains("HttpOnly"), "{cookie}");
        assert!(cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    }

    let out = browser.submit_to(&page, "/sign-out", &[]).await.page();

    assert_eq!(out.url.path(), "/sign-in");
    let again = console.open(&mut browser, &path).await;
    assert!(has(&again, "sign-in") && !again.html.contains("Carol"), "{}", again.html);
    let sessions = "SELECT subject FROM console_sessions";
    assert_eq!(console.server.database.db_texts(sessions).await, [""; 0]);
}

/// A102: a claim of the profile and a value that is only similar give none.
#[tokio::test]
async fn the_highest_role_of_a_person_counts_and_one_is_required() {
    let console = Console::start().await;
    for (groups, role) in [
        (json!(["helpdesk"]), "viewer"),
        (json!("leads"), "support"),
        (json!(["helpdesk", "admins", "agents"]), "operator"),
    ] {
        console.provider.person(json!({"sub": "carol", "groups": groups}));
        let page = console.sign_in(&mut browser(), "/").await;
        // Without a name the subject is shown.
        assert_eq!((text(&page, "staff"), text(&page, "role")), ("carol", role));
    }
    for claims in [
        json!({"sub": "eve"}),
        json!({"sub": "eve", "groups": []}),
        json!({"sub": "eve", "groups": ["Admins", "admins ", "other"]}),
        json!({"sub": "eve", "groups": {"admins": true}}),
        json!({"sub": "eve", "groups": ["admins", 1]}),
        json!({"sub": "admins", "roles": ["admins"], "name": "admins"}),
    ] {
        console.provider.person(claims.clone());
        let mut browser = browser();
        let page = console.sign_in(&mut browser, "/").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{claims}");
        assert!(page.html.contains("none of the roles viewer, support and operator"));
        assert!(has(&console.open(&mut browser, "/").await, "sign-in"), "{claims}");
    }
}

/// A103: the response of another browser's flow, a flow that is used up, and false ID tokens.
#[tokio::test]
async fn a_sign_in_that_began_elsewhere_or_is_false_is_refused() {
    let console = Console::start().await;
    let start = format!("{}/sign-in/start?to=/", console.url);
    let callback = format!("{}/callback", console.url);
    // A browser that stops where the provider sends it back.
    let mut stopped = Browser::new(&callback);
    let back = stopped.open(&start).await.back();
    let query = format!("{callback}?code={}&state={}", back["code"], back["state"]);

    let other = browser().open(&query).await.page();
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert_eq!(text(&other, "problem"), "This sign-in has expired");

    // The provider says no: the flow is used up.
    let mut refused = Browser::new(&callback);
    let state = refused.open(&start).await.back()["state"].clone();
    let denied = format!("{callback}?error=access_denied&error_description=no&state={state}");
    let mut refused = continued(refused, &console).await;
    let page = refused.open(&denied).await.page();
    assert_eq!(text(&page, "problem"), "The sign-in failed");
    assert_eq!(text(&refused.open(&denied).await.page(), "problem"), "This sign-in has expired");

    // An ID token of another client, and one without the nonce of this flow.
    console.provider.lie(|token| token.with("aud", json!("another")).sign());
    assert_eq!(text(&console.sign_in(&mut browser(), "/").await, "problem"), "The sign-in failed");
    console.provider.lie(|token| token.with("nonce", json!("another")).sign());
    assert_eq!(text(&console.sign_in(&mut browser(), "/").await, "problem"), "The sign-in failed");
    let sessions = "SELECT subject FROM console_sessions";
    assert_eq!(console.server.database.db_texts(sessions).await, [""; 0]);
}

/// The same browser, which opens the callback from now on.
async fn continued(mut stopped: Browser, console: &Console) -> Browser {
    let mut browser = browser();
    let (name, value) = stopped
        .set_cookies
        .remove(0)
        .split_once('=')
        .map(|(name, value)| (name.to_owned(), value.split(';').next().unwrap().to_owned()))
        .unwrap();
    browser.set_cookie(&console.url, &name, &value);
    browser
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_in_any_case() {
    let console = Console::start().await;
    for column in ["idle_time", "expire_time"] {
        let (mut browser, page) = console.signed_in(&["agents"]).await;
        let passed = format!("UPDATE console_sessions SET {column} = now()");
        console.server.database.db_execute(&passed).await;

        // A form says what happened, and a page leads to the sign-in.
        let refused = find(&mut browser, &page, "ann").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(text(&refused, "problem"), "Your session has ended");
        assert!(has(&console.open(&mut browser, "/").await, "sign-in"));
    }
    // Each page makes it last longer, but not beyond its end.
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let soon = "UPDATE console_sessions SET idle_time = now() + interval '1 minute' WHERE idle_time > now()";
    console.server.database.db_execute(soon).await;
    assert!(has(&console.open(&mut browser, "/").await, "query"));
    let longer = "SELECT (idle_time > now() + interval '14 minutes')::text FROM console_sessions \
        WHERE idle_time > now() AND expire_time > now()";
    assert_eq!(console.server.database.db_texts(longer).await, ["true"]);
}

/// A104: without the token of the session nothing is done.
#[tokio::test]
async fn a_form_of_another_site_and_of_another_session_does_nothing() {
    let console = Console::start().await;
    let (mut browser, page) = console.signed_in(&["agents"]).await;
    let (_, theirs) = console.signed_in(&["agents"]).await;
    let forged = [
        browser.submit_to(&theirs, "/find", &[("query", "ann")]).await.page(),
        browser.submit_to(&theirs, "/sign-out", &[]).await.page(),
        browser.post(&format!("{}/sign-out", console.url), &[("form_token", "")]).await,
        browser.post(&format!("{}/sign-out", console.url), &[]).await,
    ];
    for page in &forged {
        assert_eq!(
            (page.status, text(page, "problem")),
            (StatusCode::BAD_REQUEST, "Not sent from here")
        );
    }
    assert_eq!(find(&mut browser, &page, "ann").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_has_the_headers_that_keep_others_out() {
    let console = Console::start().await;
    let (mut browser, page) = console.signed_in(&["agents"]).await;
    let problem = console.open(&mut browser, "/nowhere").await;
    assert_eq!(problem.status, StatusCode::NOT_FOUND);
    for page in [&page, &problem] {
        let header = |name: &str| page.headers[name].to_str().unwrap();
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
    }
    // Another name for this address: DNS rebinding.
    let port = console.url.rsplit(':').next().unwrap();
    let rebound = browser.open(&format!("http://localhost:{port}/")).await.page();
    assert_eq!(rebound.status, StatusCode::NOT_FOUND);
}

/// Anyone who reaches the console can begin a sign-in.
#[tokio::test]
async fn sign_ins_that_are_begun_are_bounded() {
    let console = Console::start().await;
    let begun = "INSERT INTO console_attempts (tenant_id, state_hash, secret_hash, nonce, pkce_verifier, return_to, \
          expire_time) SELECT 'default', sha256(n::text::bytea), sha256('s'), 'n', 'v', '/', \
          now() + interval '10 minutes' FROM generate_series(1, 10000) n";
    console.server.database.db_execute(begun).await;
    let mut browser = browser();

    let page = console.sign_in(&mut browser, "/").await;

    assert_eq!((page.status, text(&page, "problem")), (StatusCode::SERVICE_UNAVAILABLE, "Busy"));
    console.server.database.db_execute("UPDATE console_attempts SET expire_time = now()").await;
    assert_eq!(console.sign_in(&mut browser, "/").await.status, StatusCode::OK);
}

/// After another provider was configured, sessions of people of the first one are none.
#[tokio::test]
async fn a_session_of_another_provider_counts_no_longer() {
    let console = Console::start().await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let other = "UPDATE console_sessions SET issuer = 'https://former.example.com'";
    console.server.database.db_execute(other).await;

    assert!(has(&console.open(&mut browser, "/").await, "sign-in"));
}
