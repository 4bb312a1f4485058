//! What would happen at a sign-in.

use super::*;
use crate::support::{object, records::block};

/// What the page says about an account. Its email is verified, if it has one.
async fn asked(
    browser: &mut Browser,
    page: &Page,
    (provider, subject, email): (&str, &str, &str),
) -> Page {
    let fields = [
        ("tenant", "default"),
        ("provider", provider),
        ("subject", subject),
        ("email", email),
        ("verified", "true"),
    ];
    browser.submit_to(page, "/why", &fields).await.page()
}

#[tokio::test]
async fn support_sees_which_rule_would_decide_and_on_what_evidence() {
    let console = Console::start().await;
    let service = console.server.service();
    let fill = |request: &mut pb::CreateUserRequest| {
        let identity = request.identity.as_mut().unwrap();
        identity.email = "ann@example.com".to_owned();
        identity.email_verified = true;
        identity.profile_data = object(json!({"name": "Ann"}));
    };
    let ann = service.create_with("google-oauth2", "ann", fill).await.id;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut browser, "/why").await;
    assert!(page.html.contains("<option value=\"google-oauth2\">") && !has(&page, "decision"));
    let users = "SELECT id || ' ' || version FROM users";
    let before = console.server.database.db_texts(users).await;

    let known = asked(&mut browser, &page, ("google-oauth2", "ann", "other@example.com")).await;
    assert!(has(&known, "rule"), "{}", known.html);
    assert_eq!(text(&known, "rule"), "the account belongs to a user");
    assert!(known.html.contains("IDENTITY_KNOWN") && known.html.contains(&format!(">{ann}</a>")));
    let new = asked(&mut browser, &known, ("github", "new", "")).await;
    assert_eq!(text(&new, "outcome"), "A new user would be created");
    assert_eq!(text(&new, "rule"), "the provider sends no email, or a text that is no address");
    let same = asked(&mut browser, &new, ("google-oauth2", "new", "Ann@Example.com")).await;
    assert!(
        same.html.contains("ann@example.com")
            && same.html.contains("the account that would sign in")
    );
    assert!(same.html.contains(&format!(">{ann}</a>")), "{}", same.html);
    assert!(same.html.contains("value=\"Ann@Example.com\""), "what was typed stays");

    for (account, expected) in [
        (("nowhere", "x", ""), "names no such provider"),
        (("", "x", ""), "Choose a provider"),
        (("github", "", ""), "Choose a provider"),
    ] {
        let refused = asked(&mut browser, &same, account).await;
        assert!(text(&refused, "wrong").contains(expected), "{}", refused.html);
    }
    assert_eq!(console.server.database.db_texts(users).await, before);
    let looks = "SELECT page || ' ' || user_id FROM console_looks ORDER BY look_time";
    assert_eq!(
        console.server.database.db_texts(looks).await,
        [format!("why {ann}"), format!("why {ann}")]
    );
    service.update_user(block(&ann, true)).await.unwrap();
    let refused = asked(&mut browser, &same, ("google-oauth2", "ann", "")).await;
    assert!(text(&refused, "wrong").contains("the user is blocked"), "{}", refused.html);
}

/// A107: it shows the emails of other users.
#[tokio::test]
async fn a_viewer_is_not_shown_what_would_happen() {
    let console = Console::start().await;
    let (mut browser, page) = console.signed_in(&["helpdesk"]).await;
    assert!(!page.html.contains("/why"));
    let refused = console.open(&mut browser, "/why").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.html.contains("the role that this needs: support"), "{}", refused.html);
}
