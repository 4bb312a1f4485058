//! The console in a real browser, at a real provider.

use rustix::process::Signal;

use super::*;
use crate::support::{
    child::Running,
    chromium::Chromium,
    inspector::{Inspector, keep_picture},
    object,
    real_providers::{Kind, RealProvider},
    verified,
};

/// The name of a person that is a script.
const NAME: &str = "Carol <script>";

/// Signs in at oidc-provider, whose pages ask for a name, a password and consent.
fn sign_in(browser: &mut Chromium) {
    browser.click("#sign-in");
    sign_in_there(browser);
}

/// The same on the first of these pages.
pub(super) fn sign_in_there(browser: &mut Chromium) {
    browser.fill("[name=login]", "carol");
    browser.fill("[name=password]", "any");
    browser.click("[type=submit]");
    while browser.run("{ return !document.querySelector('#staff') }") == json!(true) {
        browser.click("[type=submit]");
    }
}

/// A console on this database at oidc-provider, where a person of this name is in this group.
pub(super) async fn start(
    database: Database,
    person: (&str, &str),
) -> (TestServer, RealProvider, String) {
    start_with(database, person, "").await
}

/// The same, with further keys.
async fn start_with(
    database: Database,
    (name, group): (&str, &str),
    keys: &str,
) -> (TestServer, RealProvider, String) {
    let mut url = String::new();
    let mut provider = None;
    let server = TestServer::start_console_on(database, |address| {
        url = format!("http://{address}");
        let client = json!({
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [format!("{url}/callback")],
        });
        let accounts = json!({"carol": {"name": name, "groups": [group]}});
        let settings = json!({
            "conformIdTokenClaims": false,
            "claims": {"openid": ["sub"], "profile": ["name", "groups"]},
        });
        let started = RealProvider::start_with(Kind::OidcProvider, &client, &accounts, &settings);
        let tables = table(address, &started.issuer) + keys;
        provider = Some(started);
        tables
    })
    .await;
    (server, provider.unwrap(), url)
}

/// A viewer finds a user by email, says why, and sees all of it; with a name that is a script, and a
/// document that is wider than the screen.
#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_finds_a_user_and_sees_what_it_asked_for() {
    let (server, provider, url) = start(cluster().db_migrated().await, (NAME, "helpdesk")).await;
    let service = server.service();
    let fill = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(json!({"note": "x".repeat(500), "</script>": "<b>"}));
        let identity = request.identity.as_mut().unwrap();
        identity.email = "ann@example.com".to_owned();
        identity.email_verified = true;
        identity.profile_data =
            object(json!({"name": "<script>document.title = 'taken'</script>"}));
    };
    let ann = service.create_with("github", "ann", fill).await.id;
    let ben = service.create("sms", &"1".repeat(200)).await.id;
    link(&server, &ann, &ben, "Ticket%204711").await;
    let inspector = Inspector::new();
    let look = move || {
        let mut browser = Chromium::start("console");
        browser.open(&url);
        inspector.inspect(&mut browser, "console-sign-in");
        sign_in(&mut browser);
        inspector.inspect(&mut browser, "console-find");
        assert!(browser.text().contains("Carol <script> (viewer)"), "{}", browser.text());

        browser.fill("#query", "ann@example.com");
        browser.click("#find");
        inspector.inspect(&mut browser, "console-found");
        browser.click(".id");
        inspector.inspect(&mut browser, "console-hidden");
        assert!(!browser.text().contains("ann@example.com"), "{}", browser.text());
        browser.fill("#reason", "Ticket 9");
        browser.click("#show");
        inspector.inspect(&mut browser, "console-user");
        let text = browser.text();
        assert!(text.contains("ann@example.com") && text.contains("Ticket 4711"), "{text}");
        assert!(text.contains("<script>document.title = 'taken'</script>"), "{text}");
        assert_ne!(browser.run("{ return document.title }"), json!("taken"));

        browser.click("#timeline");
        inspector.inspect(&mut browser, "console-timeline");
        // By the Tab key, what is said of a mark appears, and it leads to the row of the history.
        let card = "getComputedStyle(document.querySelector('.mark .card')).visibility";
        assert_eq!(browser.run(&format!("{{ return {card} }}")), json!("hidden"));
        let focused = format!("{{ document.querySelector('.mark').focus(); return {card} }}");
        assert_eq!(browser.run(&focused), json!("visible"));
        keep_picture(&mut browser, "console-timeline-focus-1280-light");
        browser.click("main ol dd a");
        let row = browser.run("{ return document.getElementById(location.hash.slice(1)).tagName }");
        assert_eq!(row, json!("LI"));

        browser.open(&format!("{url}/users/default/unknown"));
        inspector.inspect(&mut browser, "console-problem");
        browser.open(&url);
        browser.click("#sign-out");
        assert!(browser.text().contains("Sign in with your staff account"), "{}", browser.text());
    };
    tokio::task::spawn_blocking(look).await.unwrap();
    drop((server, provider));
}

/// A person of the support links two users and undoes it, after a sign-in at which the provider asked
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_the_support_links_two_users_and_undoes_it() {
    let (server, provider, url) = start(cluster().db_migrated().await, (NAME, "agents")).await;
    let service = server.service();
    let fill = |city: &'static str| {
        move |request: &mut pb::CreateUserRequest| {
            request.user_metadata = object(json!({"city": city, "note": "x".repeat(300)}));
            let identity = request.identity.as_mut().unwrap();
            identity.email = "ann@example.com".to_owned();
            identity.email_verified = true;
        }
    };
    let ann = service.create_with("github", "ann", fill("Bern")).await.id;
    let ben = service.create_with("google-oauth2", "<b>ben</b>", fill("Basel")).await.id;
    let inspector = Inspector::new();
    let path = path(&ann);
    let change = move || {
        let mut browser = Chromium::start("console-change");
        browser.open(&format!("{url}{path}"));
        sign_in(&mut browser);
        inspector.inspect(&mut browser, "console-user-support");
        browser.click("[action$='/change'] button");
        inspector.inspect(&mut browser, "console-sign-in-again");
        browser.click("#sign-in");
        browser.fill("[name=login]", "carol");
        browser.fill("[name=password]", "any");
        browser.click("[type=submit]");
        browser.click("[action$='/change'] button");
        inspector.inspect(&mut browser, "console-link");
        browser.click("[name=with][value]:not(input)");
        browser.fill("#reason", "Ticket 9");
        browser.click("#preview");
        inspector.inspect(&mut browser, "console-link-preview");
        browser.click("#confirm");
        inspector.inspect(&mut browser, "console-link-done");
        assert!(browser.text().contains("both are one user now"), "{}", browser.text());
        browser.click("#undo");
        browser.fill("#reason", "Another person");
        browser.click("#preview");
        inspector.inspect(&mut browser, "console-undo-preview");
        browser.click("#confirm");
        assert!(browser.text().contains("the link is undone"), "{}", browser.text());
        browser.open(&format!("{url}/why"));
        browser.fill("#provider", "okta");
        browser.fill("#subject", "new");
        browser.fill("#email", "ann@example.com");
        browser.run("{ document.querySelector('[name=verified]').checked = true }");
        browser.click("#ask");
        inspector.inspect(&mut browser, "console-why");
        assert!(browser.text().contains("Emails behind it"), "{}", browser.text());
    };
    tokio::task::spawn_blocking(change).await.unwrap();
    assert_eq!(
        service
            .get_user(pb::GetUserRequest { user_id: ben.clone() })
            .await
            .unwrap()
            .user
            .unwrap()
            .id,
        ben
    );
    drop((server, provider));
}

/// A new event appears on the page of the feed by itself, by a script that the browser knows by its hash.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_an_event_as_it_happens() {
    let (server, provider, url) = start(feed_cluster().db_migrated().await, (NAME, "admins")).await;
    let (service, inspector) = (server.service(), Inspector::new());
    let runtime = tokio::runtime::Handle::current();
    let look = move || {
        let mut browser = Chromium::start("console-feed");
        browser.open(&format!("{url}/feed"));
        sign_in(&mut browser);
        assert!(browser.text().contains("Nothing has changed"), "{}", browser.text());
        browser.run(
            "{ window.seen = new Promise(seen => new MutationObserver(seen)\
             .observe(document.querySelector('#feed'), {childList: true})) }",
        );
        let ann = runtime.block_on(service.create("github", "ann")).id;
        browser.run("{ await window.seen }");
        let text = browser.text();
        assert!(text.contains("User created") && text.contains(&ann), "{text}");
        assert!(text.contains("New events appear here as they happen."), "{text}");
        assert!(!text.contains("Nothing has changed"), "{text}");
        inspector.inspect(&mut browser, "console-feed");
        // Without the script, the same by the link.
        browser.click("#refresh");
        assert!(browser.text().contains(&ann), "{}", browser.text());

        browser.click("[href='/health']");
        inspector.inspect(&mut browser, "console-health");
    };
    tokio::task::spawn_blocking(look).await.unwrap();
    drop((server, provider));
}

/// An operator sees a plan and its preview, and approves it. Another server does the work, and the page of a
/// job follows it by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_links_duplicates_by_a_plan() {
    let database = cluster().db_migrated().await;
    let (server, provider, url) =
        start_with(database, (NAME, "admins"), "[jobs]\nat_once = 0\n").await;
    let service = server.service();
    for (provider, name) in [("google-oauth2", "ann"), ("github", "ann"), ("github", "ben")] {
        service.create_with(provider, name, verified(&format!("{name}@example.com"))).await;
    }
    // Two accounts of one provider stand against their link.
    service.create_with("github", &"b".repeat(200), verified("ben@example.com")).await;
    let inspector = Inspector::new();
    let look = move || {
        let mut browser = Chromium::start("console-jobs");
        browser.open(&url);
        sign_in(&mut browser);
        browser.click("[href='/jobs']");
        inspector.inspect(&mut browser, "console-jobs-none");
        browser.fill("#reason", "Ticket 9");
        browser.click("#search");
        // In the same tab, so that the test follows it.
        browser.run("{ document.querySelector('#sign-in-again').target = '' }");
        browser.click("#sign-in-again");
        browser.fill("[name=login]", "carol");
        browser.fill("[name=password]", "any");
        browser.click("[type=submit]");
        browser.fill("#reason", "Ticket 9");
        browser.click("#search");
        inspector.inspect(&mut browser, "console-job-waits");
        let work = |browser: &mut Chromium| {
            let worker = Running::serve(&server.database, |toml| toml).0;
            browser.arrive();
            worker.signal(Signal::TERM);
            worker.finish();
        };
        work(&mut browser);
        inspector.inspect(&mut browser, "console-plan");
        let text = browser.text();
        assert!(text.contains("a…@example.com") && text.contains("becomes part of it"), "{text}");
        browser.fill("#reason", "Ticket 9");
        browser.click("#preview");
        work(&mut browser);
        inspector.inspect(&mut browser, "console-plan-preview");
        assert!(browser.text().contains("Approve and link"), "{}", browser.text());
        browser.fill("#reason", "Ticket 9");
        browser.click("#approve");
        work(&mut browser);
        inspector.inspect(&mut browser, "console-plan-applied");
        assert!(browser.text().contains("Something is against it"), "{}", browser.text());
        browser.click("#all");
        inspector.inspect(&mut browser, "console-jobs");
        server
    };
    let server = tokio::task::spawn_blocking(look).await.unwrap();
    drop((server, provider));
}
