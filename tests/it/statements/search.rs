//! What a search for users costs, and how it finds them.

use std::collections::BTreeMap;

use identity_link::{
    clock,
    store::{After, Order, OrderBy, Page, UserSearch},
};

use super::{
    assert_costs, logged_server, logged_server_with,
    plans::{CROWD, db_read_by_keys},
    statements,
};
use crate::{
    search::{
        by_email, by_id, by_prefix, db_session, email, first, provider, searches, subject, user_id,
    },
    support::auth0::AUTH0,
};

/// With a condition that has no index: the database checks it for each user that the other
/// conditions find.
fn judged(search: UserSearch) -> UserSearch {
    let mut search = UserSearch { email_verified: Some(true), ..search };
    search.excluded.user_ids.extend([user_id("crowd_2"), user_id("crowd|3")]);
    search.excluded.emails.push(email("2@example.com"));
    search.excluded.providers.push(provider("github"));
    search
}

#[tokio::test]
async fn a_search_reads_by_keys() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let mut session = db_session(&server.database, "default").await;
    let by = |keys: &[_]| UserSearch { keys: keys.to_vec(), ..Default::default() };
    let identity = UserSearch {
        provider: Some(provider("crowd")),
        subject: Some(subject("1")),
        ..Default::default()
    };
    let searches = [
        by(&[]),
        by(&[by_id("crowd_1")]),
        by(&[by_id("crowd|1")]),
        by(&[by_email("1@example.com")]),
        by(&[by_prefix("123@"), by_id("crowd_1")]),
        UserSearch { resolves: true, ..by(&[by_id("crowd|1")]) },
        identity,
    ];

    let mut asked = Vec::new();
    for search in searches.into_iter().flat_map(|search| [search.clone(), judged(search)]) {
        let page = Page { offset: 100, ..first(50) };
        let users = async { Ok(session.search_users(&search, &page).await.unwrap()) };
        asked.extend(statements(&server, users).await);
        // A count without a key reads all users. Few such searches may run at once.
        if !search.keys.is_empty() || search.has_key() || search == UserSearch::default() {
            let count = async { Ok(session.count_users(&search, 1000).await.unwrap()) };
            asked.extend(statements(&server, count).await);
        }
    }
    let by_root_email =
        async { Ok(session.users_by_root_email("1@example.com", 50).await.unwrap()) };
    asked.extend(statements(&server, by_root_email).await);

    assert_eq!(db_read_by_keys(&server, &asked).await, 28, "{asked:?}");
}

/// The first page, and the page after any user.
#[tokio::test]
async fn a_list_in_any_order_reads_by_an_index() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let mut session = db_session(&server.database, "default").await;

    let mut asked = Vec::new();
    for by in [OrderBy::Id, OrderBy::CreateTime] {
        for is_descending in [false, true] {
            for after in [None, Some(After { create_time: clock::now(), id: "crowd_7".to_owned() })]
            {
                let page = Page { order: Order { by, is_descending }, after, ..first(50) };
                let users = async {
                    Ok(session.search_users(&UserSearch::default(), &page).await.unwrap())
                };
                asked.extend(statements(&server, users).await);
            }
        }
    }

    assert_eq!(db_read_by_keys(&server, &asked).await, 8, "{asked:?}");
    for statement in asked.iter().map(|asked| asked.split_once(": ").unwrap().1) {
        let plan = server.database.db_plan(statement).await.join("\n");
        assert!(!plan.contains("Sort"), "{statement}\n{plan}");
    }
}

#[tokio::test]
async fn a_page_with_how_many_there_are_costs_two_statements() {
    let server = logged_server_with(AUTH0).await;
    server.database.db_execute(CROWD).await;
    let backend = server.backend();
    for query in [
        "",
        "&sort=created_at:-1",
        "&connection=crowd",
        "&q=email:7@example.com%20OR%20user_id:crowd_8",
        "&q=-user_id:crowd|7&sort=created_at:1",
        "&q=user_id:crowd_9&resolve=true",
        "&q=email:123*",
    ] {
        let path = format!("/api/v2/users?per_page=50&include_totals=true{query}");
        let said = async { Ok(backend.get(&path).await.ok()) };
        assert_costs(2..=2, &statements(&server, said).await);
    }
}

#[tokio::test]
async fn all_combinations_of_terms_need_few_texts_to_prepare() {
    let server = logged_server().await;
    let mut session = db_session(&server.database, "default").await;
    let searches: Vec<_> =
        searches().into_iter().filter(|search| search.email_verified != Some(false)).collect();
    let asked = statements(&server, async {
        for search in searches.iter().chain(&searches) {
            session.search_users(search, &first(50)).await.unwrap();
            session.count_users(search, 1000).await.unwrap();
        }
        Ok(())
    });
    let asked = asked.await;

    assert_eq!(asked.len(), 4 * searches.len());
    // A prepared statement runs under the same name each time.
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, text) in asked.iter().map(|asked| asked.split_once(": ").unwrap()) {
        names.entry(text).or_default().push(name);
    }
    let is_kept = |names: &&Vec<&str>| names.iter().all(|name| *name == names[0]);
    assert!(names.values().all(|names| names.len() > 1));
    assert_eq!(names.values().filter(is_kept).count(), 32);
}
