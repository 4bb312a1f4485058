//! What a search for users costs, and how it finds them.

use std::collections::BTreeSet;

use identity_link::store::UserSearch;

use super::{
    logged_server,
    plans::{CROWD, db_read_by_keys},
    statements,
};
use crate::search::{db_session, email, provider, searches, subject, user_id};

#[tokio::test]
async fn a_search_reads_by_keys() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let mut session = db_session(&server.database, "default").await;
    let all = UserSearch::default;
    // These conditions select no rows by a key: they are judged on the rows that the other conditions find, however
    // many.
    let judged = |search: UserSearch| {
        let mut search = UserSearch { email_verified: Some(true), ..search };
        search.excluded.user_ids.push(user_id("crowd_2"));
        search.excluded.emails.push(email("2@example.com"));
        search.excluded.providers.push(provider("github"));
        search
    };
    let by_id = UserSearch { user_id: Some(user_id("crowd_1")), ..all() };
    let by_email = UserSearch { email: Some(email("1@example.com")), ..all() };
    let by_identity = UserSearch { provider: Some(provider("crowd")), subject: Some(subject("1")), ..all() };
    let searches = [all(), by_id, by_email, by_identity];

    let mut asked = Vec::new();
    for search in searches.into_iter().flat_map(|search| [search.clone(), judged(search)]) {
        let users = async { Ok(session.search_users(&search, "", 100, 50).await.unwrap()) };
        asked.extend(statements(&server, users).await);
        let count = async { Ok(session.count_users(&search, 1000).await.unwrap()) };
        asked.extend(statements(&server, count).await);
    }
    let by_root_email = async { Ok(session.users_by_root_email("1@example.com", 50).await.unwrap()) };
    asked.extend(statements(&server, by_root_email).await);

    assert_eq!(db_read_by_keys(&server, &asked).await, 17, "{asked:?}");
}

#[tokio::test]
async fn all_combinations_of_terms_need_few_texts_to_prepare() {
    let server = logged_server().await;
    let mut session = db_session(&server.database, "default").await;
    let asked = statements(&server, async {
        for search in searches() {
            session.search_users(&search, "", 0, 50).await.unwrap();
            session.count_users(&search, 1000).await.unwrap();
        }
        Ok(())
    });
    let asked = asked.await;

    assert_eq!(asked.len(), 2 * searches().len());
    let texts: BTreeSet<_> = asked.iter().map(|asked| asked.split_once(": ").unwrap().1).collect();
    assert_eq!(texts.len(), 64);
}
