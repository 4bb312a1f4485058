//! What a user sees of its links: nothing about another user that it has been unlinked from.

use identity_link::grpc::proto::{
    self as pb,
    link_proof::{Proof, Token as TokenProof},
};
use serde_json::json;

use crate::support::{tokens::Token, *};

/// Two users. The first has absorbed the second, and merged its metadata.
struct Pair {
    server: TestServer,
    primary: String,
    secondary: String,
}

impl Pair {
    async fn linked() -> Self {
        let server = TestServer::start().await;
        let service = server.service();
        let primary = service.create("google-oauth2", "subject-1").await.id;
        let metadata = |request: &mut pb::CreateUserRequest| {
            request.user_metadata = object(json!({"key-2": 1}));
        };
        let secondary = service.create_with("sms", "subject-2", metadata).await.id;
        let link = link_with(&server.proof("sms", "subject-2"));
        let person = server.person("google-oauth2", "subject-1");
        person.link(pb::LinkRequest { user_metadata: merge_default(), ..link }).await.unwrap();
        Self { server, primary, secondary }
    }

    async fn taken_apart() -> Self {
        let pair = Self::linked().await;
        let person = pair.server.person("google-oauth2", "subject-1");
        person.unlink(unlink("", "sms", "subject-2")).await.unwrap();
        pair
    }

    async fn told(&self, provider: &'static str, subject: &str) -> pb::LinkRecord {
        let mut links =
            self.server.person(provider, subject).list_links(links_of("")).await.unwrap().links;
        assert_eq!(links.len(), 1);
        links.remove(0)
    }

    async fn told_to_services(&self) -> pb::LinkRecord {
        self.server.service().list_links(links_of(&self.primary)).await.unwrap().links.remove(0)
    }
}

#[tokio::test]
async fn while_a_link_stands_both_accounts_see_all_of_it() {
    let pair = Pair::linked().await;
    let all = pair.told_to_services().await;
    assert_eq!(changes(&all.metadata_changes), "USER /key-2 ADDED");

    assert_eq!(pair.told("google-oauth2", "subject-1").await, all);
    assert_eq!(pair.told("sms", "subject-2").await, all);
    // By the id of the absorbed user.
    let by_old_id = pair.server.caller(&Token::of("users", &pair.secondary));
    assert_eq!(by_old_id.list_links(links_of(&pair.secondary)).await.unwrap().links, [all]);
}

#[tokio::test]
async fn after_an_unlink_the_primary_user_sees_only_the_provider_of_the_other() {
    let pair = Pair::taken_apart().await;

    let told = pair.told("google-oauth2", "subject-1").await;

    let text = format!("{told:?}");
    for trace in ["subject-2", "key-2", &pair.secondary] {
        assert!(!text.contains(trace), "{trace} is in the response: {text}");
    }
    let all = pair.told_to_services().await;
    let masked = pb::LinkRecord {
        secondary_user_id: String::new(),
        moved_identities: vec![identity_ref("sms", "").unwrap()],
        proof: Some(pb::LinkProof { proof: Some(Proof::Token(TokenProof::default())) }),
        metadata_changes: vec![],
        ..all
    };
    assert!(told.undo_time.is_some() && told.undo_actor.is_some());
    assert_eq!(told, masked);
}

#[tokio::test]
async fn after_an_unlink_the_secondary_user_does_not_see_its_former_holder() {
    let pair = Pair::taken_apart().await;

    let told = pair.told("sms", "subject-2").await;

    let text = format!("{told:?}");
    for trace in ["google", "subject-1", &pair.primary] {
        assert!(!text.contains(trace), "{trace} is in the response: {text}");
    }
    let all = pair.told_to_services().await;
    let somebody = Some(pb::Actor { kind: pb::actor::Kind::User.into(), ..Default::default() });
    let masked = pb::LinkRecord {
        primary_user_id: String::new(),
        metadata_changes: vec![],
        actor: somebody.clone(),
        undo_actor: somebody,
        ..all
    };
    // The user still sees its own token, id and identity.
    assert_eq!(told, masked);
    assert_eq!(told.secondary_user_id, pair.secondary);
}

/// One identity of the secondary user was unlinked; the link stands for the other one.
#[tokio::test]
async fn an_identity_that_was_unlinked_alone_is_masked() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await.id;
    let secondary = service.create("sms", "s1").await.id;
    server.person("sms", "s1").link(link_with(&server.proof("github", "h1"))).await.unwrap();
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&server.later_proof("github", "h1"))).await.unwrap();
    service.unlink(unlink(&primary, "github", "h1")).await.unwrap();

    let told = server
        .person("google-oauth2", "g1")
        .list_links(links_of(""))
        .await
        .unwrap()
        .links
        .remove(0);

    assert_eq!(told.undo_time, None);
    assert_eq!(told.secondary_user_id, secondary);
    assert_eq!(
        told.moved_identities,
        [identity_ref("sms", "s1").unwrap(), identity_ref("github", "").unwrap()]
    );
    assert_eq!(told.proof.unwrap().proof.unwrap(), Proof::Token(TokenProof::default()));
}

#[tokio::test]
async fn a_user_sees_which_service_linked_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await.id;
    let secondary = service.create("sms", "s1").await.id;
    service.link(link_user(&primary, &secondary)).await.unwrap();
    service.unlink(unlink(&primary, "sms", "s1")).await.unwrap();

    for (provider, subject) in [("google-oauth2", "g1"), ("sms", "s1")] {
        let told = server
            .person(provider, subject)
            .list_links(links_of(""))
            .await
            .unwrap()
            .links
            .remove(0);
        for actor in [told.actor.unwrap(), told.undo_actor.unwrap()] {
            assert_eq!(
                (actor.kind(), actor.subject.as_str()),
                (pb::actor::Kind::Service, "backend")
            );
        }
    }
}
