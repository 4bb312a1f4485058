//! On the page of a user: the party that verified an email, and where each key of its data came from.

use pb::metadata_merge::{Arrays, Conflict};

use super::*;
use crate::support::{link_user, link_with, merge, object, tokens::iss};

/// The row of a key in the tables of a page, as text: its value, and where it came from.
fn row(page: &Page, key: &str) -> (String, String) {
    let (_, rest) = page.html.split_once(&format!("<th scope=\"row\">{key}</th>")).expect(key);
    let (row, _) = rest.split_once("</tr>").unwrap();
    let (value, origin) = row.split_once("</td>").unwrap();
    (without_tags(value).replace("&#34;", "\""), without_tags(origin))
}

/// The text of a piece of a page.
fn without_tags(html: &str) -> String {
    let pieces = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn create(console: &Console, subject: &str, user: &Value, app: &Value) -> String {
    let service = console.server.service();
    let user = service.create_with("github", subject, |request| {
        request.user_metadata = object(user.clone());
        request.app_metadata = object(app.clone());
    });
    user.await.id
}

/// Links two users, with their metadata. Returns the link's id.
async fn merged(console: &Console, primary: &str, secondary: &str) -> String {
    let request = pb::LinkRequest {
        user_metadata: merge(Conflict::PrimaryWins, Arrays::Union),
        app_metadata: merge(Conflict::PrimaryWins, Arrays::Union),
        ..link_user(primary, secondary)
    };
    console.server.service().link(request).await.unwrap().link.unwrap().id
}

async fn undo(console: &Console, link_id: &str) {
    let request = pb::UndoLinkRequest { link_id: link_id.to_owned(), ..Default::default() };
    console.server.service().undo_link(request).await.unwrap();
}

#[tokio::test]
async fn each_key_of_the_data_says_where_it_came_from() {
    let console = Console::start().await;
    let service = console.server.service();
    let ann = service
        .create_with("google-oauth2", "ann", |request| {
            request.user_metadata =
                object(json!({"city": "Bern", "tags": ["a"], "home": {"zip": "3000"}}));
            request.profile_overrides = object(json!({"nickname": "Annie"}));
            let identity = request.identity.as_mut().unwrap();
            identity.profile_data = object(json!({"name": "Ann", "nickname": "ann"}));
        })
        .await
        .id;
    let data = json!({"city": "Basel", "pet": "dog", "tags": ["b"], "home": {"floor": 2}, "a/b~c": 1, "half": 0.5});
    let ben = create(&console, "ben", &data, &json!({"plan": "gold"})).await;
    let made = merged(&console, &ann, &ben).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;

    let page = console.open(&mut browser, &path(&ann)).await;

    for (key, value, origin) in [
        ("name", "\"Ann\"", "the primary account, at google-oauth2"),
        ("nickname", "\"Annie\"", "a service"),
        ("city", "\"Bern\"", "this user"),
        ("pet", "\"dog\"", "a link ("),
        ("a/b~c", "1", "a link ("),
        ("half", "0.5", "a link ("),
        ("tags", "[ \"a\", \"b\" ]", "this user and a link ("),
        ("home", "{ \"floor\": 2, \"zip\": \"3000\" }", "this user and a link ("),
        ("plan", "\"gold\"", "a link ("),
    ] {
        let (shown, from) = row(&page, key);
        assert_eq!(shown, value, "{key}");
        assert!(
            from == origin || origin.ends_with('(') && from.starts_with(origin),
            "{key}: {from}"
        );
    }
    assert!(page.html.contains(&format!("a link (<a href=\"#{made}\">")), "{}", page.html);
    assert!(page.html.contains(&format!("id=\"{made}\"")));

    // After the undo, nothing is from the link.
    undo(&console, &made).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    assert_eq!(row(&page, "tags"), ("[ \"a\" ]".to_owned(), "this user".to_owned()));
    assert!(!page.html.contains("<th scope=\"row\">pet</th>"));
}

/// The page has the newest 100 links, so an older one may have brought what none of them did.
#[tokio::test]
async fn with_more_links_than_the_page_has_an_origin_may_be_unknown() {
    let console = Console::start().await;
    let ann = create(&console, "ann", &json!({"city": "Bern"}), &json!({})).await;
    let ben = create(&console, "ben", &json!({"pet": "dog"}), &json!({})).await;
    for _ in 0..100 {
        let made = merged(&console, &ann, &ben).await;
        undo(&console, &made).await;
    }
    merged(&console, &ann, &ben).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;

    let page = console.open(&mut browser, &path(&ann)).await;

    assert!(row(&page, "pet").1.starts_with("a link ("));
    let unknown = "unknown: there are more links than are shown here";
    assert_eq!(row(&page, "city"), ("\"Bern\"".to_owned(), unknown.to_owned()));
}

#[tokio::test]
async fn each_verified_email_says_which_party_verified_it() {
    let console = Console::start_with(
        "[tenants.default.providers.former]\nemail_trust = \"when_verified\"\nimported_emails = true\n",
    )
    .await;
    let service = console.server.service();
    let ann = service.create_with("google-oauth2", "ann", |request| {
        let identity = request.identity.as_mut().unwrap();
        identity.email = "service@example.com".to_owned();
        identity.email_verified = true;
    });
    let ann = ann.await;
    let token =
        Token::of("github", "ann").with("email", "issuer@example.com").with("email_verified", true);
    let person = console.server.person("google-oauth2", "ann");
    person.link(link_with(&token.sign())).await.unwrap();
    let unverified = Token::of("apple", "ann").with("email", "unverified@example.com");
    person.link(link_with(&unverified.sign())).await.unwrap();
    let imported = json!({"id": "ben", "identities": [{
        "provider": "former", "subject": "ben", "email": "import@example.com", "email_verified": true,
    }]});
    service.import(&imported.to_string()).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;

    let ann = without_tags(&console.open(&mut browser, &path(&ann.id)).await.html);
    let ben = without_tags(&console.open(&mut browser, &path("ben")).await.html);

    for (page, email, party) in [
        (&ann, "service@example.com", format!("by backend ({})", iss("services"))),
        (&ann, "issuer@example.com", format!("by {}", iss("github"))),
        (&ben, "import@example.com", "by an import".to_owned()),
    ] {
        let (_, rest) = page.split_once(&format!("{email} verified")).expect(page);
        let (time_and_party, _) = rest.split_once(" Since").unwrap();
        assert!(time_and_party.ends_with(&format!(" {party}")), "{email}: {time_and_party}");
    }
    assert!(ann.contains("unverified@example.com not verified Since"), "{ann}");
}
