//! Callers that race. Each test names the row of `docs/explanation/threats.md` that it stands for.

mod deletions;
mod imports;
mod linking;
mod merges;
mod primary;
mod proofs;
mod undoing;
mod unlinking;
mod users;

use identity_link::grpc::proto as pb;

use crate::support::*;

/// How often two or three callers meet in one test, each time about other users.
const ROUNDS: usize = 25;

fn link(caller: &Caller, request: pb::LinkRequest) -> Racer {
    let caller = caller.clone();
    racer_as(async move { caller.link(request).await }, |answer| {
        answer.outcome().as_str_name().trim_start_matches("OUTCOME_").to_owned()
    })
}

fn detach(caller: &Caller, request: pb::UnlinkRequest) -> Racer {
    let caller = caller.clone();
    racer(async move { caller.unlink(request).await })
}

fn undo(caller: &Caller, request: pb::UndoLinkRequest) -> Racer {
    let caller = caller.clone();
    racer(async move { caller.undo_link(request).await })
}

fn undo_of(link_id: &str) -> pb::UndoLinkRequest {
    pb::UndoLinkRequest { link_id: link_id.to_owned(), ..Default::default() }
}

/// One user absorbs another. Returns the link's id.
async fn linked(service: &Caller, primary: &str, secondary: &str) -> String {
    service.link(link_user(primary, secondary)).await.unwrap().link.unwrap().id
}

/// Creates a user with this identity. Returns its id.
async fn created(service: &Caller, provider: &str, subject: &str) -> String {
    service.create(provider, subject).await.id
}
