//! Short ways to write requests that name a user or an account, and to read all that the database
//! stores.

use identity_link::grpc::proto as pb;

use super::cluster::Database;

/// A change of a `CreateUserRequest`: gives its identity this email, verified.
pub fn verified(email: &str) -> impl FnOnce(&mut pb::CreateUserRequest) {
    with_email(email, true)
}

/// A change of a `CreateUserRequest`: gives its identity this email, not verified.
pub fn unverified(email: &str) -> impl FnOnce(&mut pb::CreateUserRequest) {
    with_email(email, false)
}

fn with_email(email: &str, verified: bool) -> impl FnOnce(&mut pb::CreateUserRequest) {
    move |request| {
        let identity = request.identity.as_mut().unwrap();
        identity.email = email.to_owned();
        identity.email_verified = verified;
    }
}

/// A request for a user; an empty id means the caller's own.
pub fn get(user_id: &str) -> pb::GetUserRequest {
    pb::GetUserRequest { user_id: user_id.to_owned() }
}

/// A request to replace these fields.
pub fn update(user_id: &str, paths: &[&str], update: pb::UserUpdate) -> pb::UpdateUserRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateUserRequest {
        user_id: user_id.to_owned(),
        update: Some(update),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    }
}

/// A request to block or unblock.
pub fn block(user_id: &str, blocked: bool) -> pb::UpdateUserRequest {
    update(user_id, &["blocked"], pb::UserUpdate { blocked, ..Default::default() })
}

/// A request to delete a user that has absorbed no user.
pub fn delete(user_id: &str) -> pb::DeleteUserRequest {
    pb::DeleteUserRequest { user_id: user_id.to_owned(), ..Default::default() }
}

/// A request for the owner of an identity.
pub fn owner_of(provider: &str, subject: &str) -> pb::FindByIdentityRequest {
    pb::FindByIdentityRequest { identity: super::identity_ref(provider, subject) }
}

/// A request for users by their email.
pub fn by_email(email: &str) -> pb::FindByEmailRequest {
    pb::FindByEmailRequest { email: email.to_owned(), ..Default::default() }
}

/// A request to resolve ids.
pub fn resolve<'a>(ids: impl IntoIterator<Item = &'a str>) -> pb::ResolveUsersRequest {
    pb::ResolveUsersRequest { user_ids: ids.into_iter().map(str::to_owned).collect() }
}

/// A request for the first page of a user's links; an empty id means the caller's own user.
pub fn links_of(user_id: &str) -> pb::ListLinksRequest {
    pb::ListLinksRequest { user_id: user_id.to_owned(), ..Default::default() }
}

impl Database {
    /// Every row of every table in the schema, except for the feed, as text.
    pub async fn db_dump(&self) -> String {
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'events'";
        let tables = self.db_texts(tables).await;
        assert!(tables.len() > 4, "{tables:?}");
        let rows: Vec<String> = tables
            .iter()
            .map(|table| format!("SELECT to_jsonb(t)::text FROM \"{table}\" t"))
            .collect();
        self.db_texts(&rows.join(" UNION ALL ")).await.join("\n")
    }

    /// The feed as text: it contains the ids of deleted users until its retention ends.
    pub async fn db_feed(&self) -> String {
        self.db_texts("SELECT to_jsonb(t)::text FROM events t").await.join("\n")
    }
}
