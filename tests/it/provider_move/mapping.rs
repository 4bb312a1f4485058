//! The accounts get the subjects of a file.

use identity_link::grpc::proto as pb;

use super::*;
use crate::migrate::{later, to};
use crate::support::{
    cluster::feed_cluster,
    events::{self, line},
};

/// The identities that a user's link moved.
async fn moved(service: &Caller, user_id: &str) -> Vec<String> {
    let links = service.list_links(links_of(user_id)).await.unwrap().links;
    let refs = links.into_iter().flat_map(|link| link.moved_identities);
    refs.map(|id| format!("{}|{}", id.provider, id.subject)).collect()
}

/// P40: each account is the same user's under its new name, in all that names it: an unlink and an
/// undo of links from before the move find it.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_get_their_new_subjects_wherever_they_are_named() {
    let old = TestServer::start_with(feed_cluster().db_migrated().await, before).await;
    let service = old.service();
    let ann = service.create("github", "ann").await.id;
    let ben = service.create("github", "ben").await.id;
    let cat = service.create("sms", "cat").await.id;
    let dan = service.create("github", "dan").await.id;
    // A user absorbs another, and one gets an account by a proof.
    service.link(link_user(&ann, &ben)).await.unwrap();
    old.person("sms", "cat").link(link_with(&old.proof("github", "eve"))).await.unwrap();
    let desk = Desk::new(&old.database);
    desk.write_map([("ann", "a-1"), ("ben", "b-2"), ("dan", "dan"), ("eve", "e-4")]);

    let ran = desk.move_it(&["--subjects", "map.csv"]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("renamed: 3, kept: 1"), "{ran:?}");
    old.database.db_assert_invariants().await;
    let new = new_server(&old.database).await;
    let service = new.service();
    assert_eq!(identities(&service.user(&ann).await), ["github|a-1", "github|b-2"]);
    assert_eq!(identities(&service.user(&cat).await), ["sms|cat", "github|e-4"]);
    for (subject, owner) in [("a-1", &ann), ("b-2", &ann), ("dan", &dan), ("e-4", &cat)] {
        assert_eq!(new.caller(&new_token(subject)).user("").await.id, *owner, "{subject}");
    }
    // The former names are no account's: at the new issuer they are other people's.
    let missing = service.find_by_identity(owner_of("github", "ann")).await;
    assert_eq!(refusal(missing), "NotFound IDENTITY_NOT_FOUND");
    assert_eq!(
        refusal(new.caller(&new_token("ben")).get_user(get("")).await),
        "NotFound USER_NOT_FOUND"
    );
    assert_eq!(moved(&service, &ann).await, ["github|b-2"]);
    assert_eq!(moved(&service, &cat).await, ["github|e-4"]);

    // What was linked before the move comes apart after it.
    service.unlink(unlink(&ann, "github", "b-2")).await.unwrap();
    assert_eq!(identities(&service.user(&ben).await), ["github|b-2"]);
    service.unlink(unlink(&cat, "github", "e-4")).await.unwrap();
    assert_eq!(identities(&service.user(&cat).await), ["sms|cat"]);
    new.database.db_assert_invariants().await;

    // The feed names each account by both names, once.
    let seen: Vec<pb::Event> = events::events(&service, 10).await;
    let renamed = seen.iter().filter_map(|event| match event.detail.as_ref().unwrap() {
        pb::event::Detail::IdentitiesRenamed(of) => Some((event, of)),
        _ => None,
    });
    let mut lines = Vec::new();
    for (event, of) in renamed {
        assert_eq!(event.actor.as_ref().unwrap().kind(), pb::actor::Kind::Operator);
        let name = |id: &Option<pb::IdentityRef>| id.as_ref().unwrap().subject.clone();
        let names =
            of.renamed.iter().map(|of| format!("{}={}", name(&of.former), name(&of.identity)));
        lines.push(format!("{} {}", line(event), names.collect::<Vec<_>>().join(" ")));
    }
    lines.sort();
    let mut expected =
        [format!("renamed 2 {ann} 2>3 ann=a-1 ben=b-2"), format!("renamed 1 {cat} 2>3 eve=e-4")];
    expected.sort();
    assert_eq!(lines, expected);
}

/// P40: what was recorded of deleted and released accounts holds for their new names.
#[tokio::test(flavor = "multi_thread")]
async fn deleted_and_released_accounts_stay_so_under_their_new_names() {
    let old = old_server().await;
    let service = old.service();
    let ann = service.create("sms", "ann").await.id;
    let gone = service.create("github", "gone").await.id;
    service.create("github", "lost").await;
    service.link(link_identity(&ann, "github", "lost")).await.unwrap();
    service.unlink(release(&ann, "github", "lost")).await.unwrap();
    service.delete(&gone).await;
    let hashes = "SELECT count(*)::text FROM tombstones";
    let before = old.database.db_texts(hashes).await;
    let desk = Desk::new(&old.database);
    desk.write_map([("gone", "g-1"), ("lost", "l-2")]);

    let ran = desk.move_it(&["--subjects", "map.csv"]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("deleted accounts: 2"), "{ran:?}");
    let [before, after] =
        [before, old.database.db_texts(hashes).await].map(|of| of[0].parse::<i64>().unwrap());
    assert_eq!(after, before + 2);
    // A token from before the deletion proves no account.
    let new = new_server(&old.database).await;
    let ben = new.service().create("sms", "ben").await.id;
    let proof = new_token("g-1").issued_ago(5).sign();
    let linked = new.person("sms", "ben").link(link_with(&proof)).await;
    assert!(refusal(linked).ends_with("LINK_TOKEN_INVALID"));
    assert_eq!(identities(&new.service().user(&ben).await), ["sms|ben"]);
}

/// P40: the erasing of a user finds what its account has proven, under whichever issuer.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_after_the_move_erases_proofs_from_before() {
    for subjects in [None, Some("map.csv")] {
        let old = old_server().await;
        let ann = old.service().create("sms", "ann").await.id;
        old.person("sms", "ann").link(link_with(&old.proof("github", "eve"))).await.unwrap();
        let desk = Desk::new(&old.database);
        desk.write_map([("eve", "e-4")]);
        let options = subjects.map(|file| ["--subjects", file]);
        let ran = desk.move_it(options.as_ref().map_or(&[], |options| options));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let new = new_server(&old.database).await;
        let service = new.service();
        // The account is released, and deleted as that of another user. The link stays the first one's.
        let subject = if subjects.is_some() { "e-4" } else { "eve" };
        service.unlink(release(&ann, "github", subject)).await.unwrap();
        let eve = service.create("github", subject).await.id;
        let stored = "SELECT concat(moved, proof) FROM links";
        assert_eq!(new.database.db_texts(stored).await[0].matches(subject).count(), 2);

        service.delete(&eve).await;

        let links = new.database.db_texts(stored).await;
        assert_eq!(links, ["[]{\"kind\": \"token\"}"]);
        new.database.db_assert_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_the_file_does_not_name_keep_their_subjects_if_the_operator_says_so() {
    let old = old_server().await;
    let ann = old.service().create("github", "ann").await.id;
    let ben = old.service().create("github", "ben").await.id;
    let desk = Desk::new(&old.database);
    desk.write_map([("ann", "a-1"), ("unknown", "u-9")]);

    let ran =
        desk.move_it(&["--subjects", "map.csv", "--keep-unmapped", "--report", "report.ndjson"]);

    // A row without an account is left aside, and said.
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(
        ran.stdout.starts_with("moved: ") && ran.stdout.contains("renamed: 1, kept: 1"),
        "{ran:?}"
    );
    let report = fs::read_to_string(desk.path("report.ndjson")).unwrap();
    assert_eq!(
        report,
        "{\"place\":\"map.csv:3\",\"reason\":\"UNKNOWN\",\"description\":\"No account has the old subject.\"}\n"
    );
    let new = new_server(&old.database).await;
    assert_eq!(new.service().owner("github", "a-1").await, ann);
    assert_eq!(new.service().owner("github", "ben").await, ben);

    // An earlier release could not read the feed.
    let refused = later(&old.database, to("20261201000002"), true).await.unwrap_err().to_string();
    assert!(refused.contains("the feed has events of a move of a provider"), "{refused}");
}
