//! What a search for duplicates reads.

use identity_link::{
    domain::UserId,
    store::{AccountPlace, EmailPlace},
};

use super::{
    plans::{CROWD, db_read_by_keys},
    *,
};
use crate::search::db_session;

#[tokio::test]
async fn a_search_for_duplicates_walks_by_indexes() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let mut session = db_session(&server.database, "default").await;
    let read = async {
        let page = session.emails_after(&EmailPlace::default(), 1000).await.unwrap();
        assert_eq!((page.read, page.emails.len()), (1000, 2));
        let emails: Vec<String> = page.emails.into_iter().map(|place| place.email).collect();
        assert_eq!(session.owners_of_emails(&emails, true, 10).await.unwrap().len(), 2);
        assert!(session.owners_of_emails(&emails, false, 10).await.unwrap().is_empty());
        let (plan, user) = (uuid::Uuid::new_v4(), UserId::parse("google").unwrap());
        assert_eq!(session.links_of_plan_into(plan, &[&user]).await.unwrap(), [[]]);
        let page = session.claims_after(&AccountPlace::default(), 1000).await.unwrap();
        assert!(page.read == 1000 && page.claims.is_empty() && page.next.is_some());
        Ok(())
    };

    let asked = statements(&server, read).await;

    assert_eq!(db_read_by_keys(&server, &asked).await, 5, "{asked:?}");
}
