//! What a deletion erases: everything, in small steps, to the end.

mod interrupted;
mod steps;
mod traces;

use identity_link::grpc::proto as pb;

use crate::support::*;

/// The links of a user, as `ListLinks` returns them to a service.
async fn told_links(service: &Caller, user_id: &str) -> Vec<pb::LinkRecord> {
    service.list_links(links_of(user_id)).await.unwrap().links
}

/// Links one user into another as a service; returns the link's id.
async fn link(service: &Caller, primary: &str, secondary: &str) -> String {
    service.link(link_user(primary, secondary)).await.unwrap().link.unwrap().id
}

fn undo(link_id: &str) -> pb::UndoLinkRequest {
    pb::UndoLinkRequest { link_id: link_id.to_owned(), ..Default::default() }
}

fn bring_back(user_id: &str, link_id: &str) -> pb::MergeMetadataRequest {
    pb::MergeMetadataRequest {
        user_id: user_id.to_owned(),
        source: Some(pb::merge_metadata_request::Source::LinkId(link_id.to_owned())),
        user_metadata: merge_default(),
        app_metadata: merge_default(),
        ..Default::default()
    }
}

/// Returns once no erasure is left. The bound only turns a test that would hang into one that
/// fails.
pub(crate) async fn db_until_erased(server: &TestServer) {
    let erased = async {
        while !server.database.db_texts("SELECT id::text FROM erasures").await.is_empty() {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), erased)
        .await
        .expect("all should be erased");
}
