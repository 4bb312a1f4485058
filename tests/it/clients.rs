//! The clients that people install, each against the running service: the scenarios that hold all of
//! them alike, their watches, and what is checked in each language.

mod driver;
mod generated;
pub(crate) mod golang;
pub(crate) mod java;
pub(crate) mod node;
pub(crate) mod python;
mod rust;
mod scenarios;
mod seen;
mod watches;

use identity_link::grpc::proto as pb;

use crate::support::TestServer;

/// The two users of a page's program are apart again.
async fn assert_undone(server: &TestServer) {
    for (provider, subject) in [("github", "1"), ("sms", "2")] {
        let identity = pb::IdentityRef { provider: provider.into(), subject: subject.into() };
        let request = pb::FindByIdentityRequest { identity: Some(identity) };
        let user = server.service().find_by_identity(request).await.unwrap().user.unwrap();
        assert_eq!(user.identities.len(), 1, "{provider}");
    }
}
