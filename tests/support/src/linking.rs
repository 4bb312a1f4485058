//! Short ways to write tests of links.

use std::fmt::Debug;

use identity_link::grpc::proto as pb;
use tonic::Status;

use super::{Caller, TestServer, cluster::Database, refusal, tokens::Token};

impl TestServer {
    /// A good token of this account, to be sent as a proof or as a bearer token.
    pub fn proof(&self, provider: &'static str, subject: &str) -> String {
        Token::of(provider, subject).sign()
    }

    /// The same from a sign-in after a link that is made in this second.
    pub fn later_proof(&self, provider: &'static str, subject: &str) -> String {
        Token::of(provider, subject).issued_ago(-2).sign()
    }

    /// A client with the token of a service of this tenant, with every scope.
    pub fn service_of(&self, tenant: &str) -> Caller {
        self.caller(&Token::of("services", "backend").tenant(tenant))
    }

    /// The refusal of a call. Panics if the call changed any row.
    pub async fn db_refused<T: Debug>(
        &self,
        call: impl Future<Output = Result<T, Status>>,
    ) -> String {
        refusal::<()>(Err(self.db_refused_status(call).await))
    }

    /// The same as a whole status.
    pub async fn db_refused_status<T: Debug>(
        &self,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Status {
        let before = self.database.db_everything().await;
        let refused = call.await.expect_err("the call should have been refused");
        assert_eq!(before, self.database.db_everything().await, "{refused:?} changed something");
        refused
    }

    /// The response to a preview. Panics if the preview changed any row.
    pub async fn db_previewed<T>(&self, call: impl Future<Output = Result<T, Status>>) -> T {
        let before = self.database.db_everything().await;
        let answer = call.await.unwrap();
        assert_eq!(before, self.database.db_everything().await, "a preview changed something");
        answer
    }

    /// Gives a user this many more identities of the provider `bulk`.
    pub async fn db_give_identities(&self, user_id: &str, count: usize) {
        self.database
            .db_execute(&format!(
                "INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
                   attach_time) \
                 SELECT 'default', 'bulk', '{user_id} ' || n, '{user_id}', '{user_id}', n, 'bulk', false, now() \
                 FROM generate_series(1, {count}) n"
            ))
            .await;
    }
}

impl Database {
    /// Moves the time of all links to an hour ago, so that tokens issued since then are not
    /// withdrawn.
    pub async fn db_linked_long_ago(&self) {
        self.db_execute("UPDATE identities SET owner_since = owner_since - interval '1 hour'")
            .await;
    }
}

impl Caller {
    /// The state and id of the user that each of these ids resolves to: `STATE id`, in their order.
    pub async fn resolved(&self, ids: &[&str]) -> Vec<String> {
        let user_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let answer = self.resolve_users(pb::ResolveUsersRequest { user_ids }).await.unwrap();
        let line = |user: pb::ResolvedUser| {
            format!("{} {}", user.state().as_str_name().trim_start_matches("STATE_"), user.user_id)
        };
        answer.users.into_iter().map(line).collect()
    }

    /// The id of the user that owns this identity.
    pub async fn owner(&self, provider: &str, subject: &str) -> String {
        let identity = super::identity_ref(provider, subject);
        self.find_by_identity(pb::FindByIdentityRequest { identity })
            .await
            .unwrap()
            .user
            .unwrap()
            .id
    }

    /// Blocks or unblocks a user.
    pub async fn block(&self, user_id: &str, blocked: bool) {
        let request = pb::UpdateUserRequest {
            user_id: user_id.to_owned(),
            update: Some(pb::UserUpdate { blocked, ..Default::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["blocked".to_owned()] }),
            ..Default::default()
        };
        self.update_user(request).await.unwrap();
    }

    /// Deletes a user, and the users that it absorbed.
    pub async fn delete(&self, user_id: &str) {
        let request = pb::DeleteUserRequest {
            user_id: user_id.to_owned(),
            include_absorbed: true,
            ..Default::default()
        };
        self.delete_user(request).await.unwrap();
    }

    /// The ids of the users with this email, each with whether the email is verified there.
    pub async fn found_by_email(
        &self,
        email: &str,
        include_unverified: bool,
    ) -> Vec<(String, bool)> {
        let email = email.to_owned();
        let request = pb::FindByEmailRequest { email, include_unverified, ..Default::default() };
        let matches = self.find_by_email(request).await.unwrap().matches;
        matches.into_iter().map(|found| (found.user.unwrap().id, found.verified)).collect()
    }
}
