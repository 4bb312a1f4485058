//! A82: only a new link brings a released account back.

use super::*;

fn undo(link_id: &str) -> pb::UndoLinkRequest {
    pb::UndoLinkRequest { link_id: link_id.to_owned(), ..Default::default() }
}

const NOT_UNDOABLE: &str = "FailedPrecondition LINK_NOT_UNDOABLE";

#[tokio::test]
async fn the_link_that_had_brought_a_user_is_not_undone() {
    let server = TestServer::start().await;
    let service = server.service();
    let Ann { id, phone, link } = ann(&server).await;
    let person = server.person("google-oauth2", "ann");
    person.unlink(release("", "sms", "s")).await.unwrap();

    assert_eq!(server.db_refused(service.undo_link(undo(&link))).await, NOT_UNDOABLE);
    assert_eq!(server.db_refused(person.undo_link(undo(&link))).await, NOT_UNDOABLE);
    let next = signs_in(&server, "sms", "s").await;
    assert_eq!(server.db_refused(service.undo_link(undo(&link))).await, NOT_UNDOABLE);
    assert_eq!(
        service.resolved(&[&phone, &next]).await,
        [format!("ABSORBED {id}"), format!("CURRENT {next}")]
    );
    // For the account's next owner it is a link of other users.
    let next = server.caller(&Token::of("sms", "s").issued_ago(-2));
    assert_eq!(server.db_refused(next.undo_link(undo(&link))).await, "NotFound LINK_NOT_FOUND");
    assert_eq!(next.list_links(links_of("")).await.unwrap().links, []);
}

#[tokio::test]
async fn the_link_that_had_attached_the_account_is_not_undone() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let person = || server.caller(&Token::of("google-oauth2", "ann").issued_ago(-1));
    let link = person().link(link_with(&server.proof("sms", "s"))).await.unwrap().link.unwrap().id;
    person().unlink(release("", "sms", "s")).await.unwrap();
    server.database.db_assert_invariants().await;

    assert_eq!(server.db_refused(service.undo_link(undo(&link))).await, NOT_UNDOABLE);
    assert_eq!(server.db_refused(person().undo_link(undo(&link))).await, NOT_UNDOABLE);
    assert_eq!(service.list_links(links_of(&ann)).await.unwrap().links[0].undo_time, None);

    // It is not undone either after the account's next owner is deleted. The link then has nothing
    // of that owner.
    let next = signs_in(&server, "sms", "s").await;
    service.delete(&next).await;
    assert_eq!(server.db_refused(service.undo_link(undo(&link))).await, NOT_UNDOABLE);
    assert_eq!(service.list_links(links_of(&ann)).await.unwrap().links[0].moved_identities, []);
    server.database.db_assert_invariants().await;

    // The account can be linked again, and that link can be undone.
    let linked = person().link(link_with(&server.later_proof("sms", "s"))).await.unwrap();
    assert_eq!(linked.outcome(), pb::link_response::Outcome::Attached);
    assert_eq!(server.db_refused(service.undo_link(undo(&link))).await, NOT_UNDOABLE);
    assert_eq!(service.owner("sms", "s").await, ann);
    let undone = service.undo_link(undo(&linked.link.unwrap().id)).await.unwrap();
    assert_eq!(identities(&undone.restored_user.unwrap()), ["sms|s"]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_new_link_with_a_proof_takes_the_account_back() {
    for is_next_there in [false, true] {
        let server = TestServer::start().await;
        let service = server.service();
        let Ann { id, phone, link } = ann(&server).await;
        let person = || server.caller(&Token::of("google-oauth2", "ann").issued_ago(-1));
        let old = server.proof("sms", "s");
        person().unlink(release("", "sms", "s")).await.unwrap();
        if is_next_there {
            signs_in(&server, "sms", "s").await;
        }
        assert_eq!(server.db_refused(person().link(link_with(&old))).await, NO_PROOF);

        let linked = person().link(link_with(&server.later_proof("sms", "s"))).await.unwrap();

        use pb::link_response::Outcome;
        assert_eq!(
            linked.outcome(),
            if is_next_there { Outcome::Absorbed } else { Outcome::Attached }
        );
        assert_eq!(service.owner("sms", "s").await, id);
        assert_ne!(linked.user.unwrap().identities[1].origin_user_id, phone);
        // It is another identity than the one that the first link had brought.
        assert_eq!(server.db_refused(service.undo_link(undo(&link))).await, NOT_UNDOABLE);
        assert_eq!(server.db_refused(person().link(link_with(&old))).await, NO_PROOF);
        let unlinked = service.unlink(unlink(&id, "sms", "s")).await.unwrap();
        assert_eq!((unlinked.restored, unlinked.link_id), (is_next_there, linked.link.unwrap().id));
        server.database.db_assert_invariants_but_no_way_back_for(&[phone]).await;
    }
}

/// Ann still has the rest of the absorbed user.
#[tokio::test]
async fn of_several_accounts_the_others_can_still_be_given_back() {
    let server = TestServer::start().await;
    let service = server.service();
    let Ann { id, phone, .. } = ann(&server).await;
    service.unlink(unlink(&id, "sms", "s")).await.unwrap();
    let of_phone = server.caller(&Token::of("sms", "s").issued_ago(-1));
    of_phone.link(link_with(&server.proof("github", "h"))).await.unwrap();
    let link = service.link(link_user(&id, &phone)).await.unwrap().link.unwrap().id;
    service.unlink(release(&id, "sms", "s")).await.unwrap();
    server.database.db_assert_invariants().await;

    let undone = service.undo_link(undo(&link)).await.unwrap();

    let restored = undone.restored_user.unwrap();
    assert_eq!((&restored.id, identities(&restored)), (&phone, vec!["github|h".to_owned()]));
    assert!(![&id, &phone].contains(&&signs_in(&server, "sms", "s").await));
    server.database.db_assert_invariants().await;
}
