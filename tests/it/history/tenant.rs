//! The links of a whole tenant: whose they are, and in which pages they come.

use identity_link::grpc::proto::{self as pb, link_proof::Kind};

use super::{listed, of_tenant, subjects};
use crate::support::{cluster::Database, *};

/// A user with this many links, each to an account of its own.
async fn linked(service: &Caller, count: usize) -> String {
    let user = service.create("github", "primary").await.id;
    for n in 0..count {
        let subject = format!("h{n}");
        service.create("github2", &subject).await;
        service.link(link_identity(&user, "github2", &subject)).await.unwrap();
    }
    user
}

/// Adds this many links by tokens to the tenant, all newer than the others.
async fn db_crowd(database: &Database, count: usize) {
    database
        .db_execute(&format!(
            "INSERT INTO links (tenant_id, id, primary_id, primary_version, terms, moved, changes, actor, proof, link_time) \
             SELECT 'default', gen_random_uuid(), 'crowd', 1, \
               (SELECT terms FROM links LIMIT 1), '[]', '{{}}', '{{\"kind\": \"user\"}}', '{{\"kind\": \"token\"}}', \
               now() + interval '1 second' FROM generate_series(1, {count})"
        ))
        .await;
}

/// A69: a service sees the links of its own tenant. A request that is empty by a mistake lists none.
#[tokio::test]
async fn only_a_service_lists_a_tenant_and_only_its_own() {
    let server = TestServer::start().await;
    let service = server.service();
    linked(&service, 2).await;
    let other = server.service_of("other");
    let theirs = other.create("github", "o1").await.id;
    let attached = pb::LinkRequest {
        user_id: theirs.clone(),
        ..link_with(&tokens::Token::of("github", "o2").tenant("other").sign())
    };
    other.link(attached).await.unwrap();
    let all = of_tenant(pb::LinkFilter::default());

    assert_eq!(subjects(&listed(&service, all.clone()).await), ["h1", "h0"]);
    assert_eq!(subjects(&listed(&other, all.clone()).await), ["o2"]);
    let token = service.list_links(pb::ListLinksRequest { page_size: 1, ..all.clone() }).await;
    let page_token = token.unwrap().next_page_token;
    let elsewhere = pb::ListLinksRequest { page_token, ..all.clone() };
    let refused = "InvalidArgument REQUEST_INVALID\npage_token: is not a page token of this query";
    assert_eq!(refusal(other.list_links(elsewhere).await), refused);
    // Without a filter, a service names a user. A person has one, and no other person's links.
    assert_eq!(
        refusal(service.list_links(links_of("")).await),
        "InvalidArgument REQUEST_INVALID\nuser_id: is required: a service has no user of its own"
    );
    service.create("google-oauth2", "stranger").await;
    let stranger = server.person("google-oauth2", "stranger");
    assert_eq!(listed(&stranger, all.clone()).await, []);
    assert_eq!(subjects(&listed(&server.person("github", "primary"), all).await), ["h1", "h0"]);
}

#[tokio::test]
async fn pages_of_any_size_contain_each_link_of_a_tenant_once() {
    let server = TestServer::start().await;
    let service = server.service();
    linked(&service, 5).await;
    // Three times, of which two have two links.
    server
        .database
        .db_execute(
            "UPDATE links SET link_time = '2026-01-01T00:00:00.123456Z'::timestamptz \
               + (right(moved->0->>'subject', 1)::integer / 2) * interval '1 microsecond'",
        )
        .await;
    let ids =
        |links: &[pb::LinkRecord]| links.iter().map(|link| link.id.clone()).collect::<Vec<_>>();
    let in_order = server
        .database
        .db_texts("SELECT id::text FROM links ORDER BY link_time DESC, id DESC")
        .await;
    let standing = pb::LinkFilter { standing_only: true, ..Default::default() };

    for filter in [pb::LinkFilter::default(), standing] {
        for page_size in 1..=6 {
            let request = pb::ListLinksRequest { page_size, ..of_tenant(filter.clone()) };
            assert_eq!(ids(&listed(&service, request).await), in_order, "in pages of {page_size}");
        }
    }
}

/// A69: a link is found by its id by a service of its own tenant, and by no other caller.
#[tokio::test]
async fn a_service_finds_a_link_of_its_tenant_by_its_id() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = linked(&service, 2).await;
    let all = listed(&service, of_tenant(pb::LinkFilter::default())).await;
    let by_id = pb::LinkFilter { link_id: all[1].id.clone(), ..Default::default() };

    assert_eq!(listed(&service, of_tenant(by_id.clone())).await, [all[1].clone()]);
    let by_token = pb::LinkFilter { proof_kind: Kind::Token.into(), ..by_id.clone() };
    assert_eq!(listed(&service, of_tenant(by_token)).await, [], "each field has to match");
    let other = server.service_of("other");
    assert_eq!(listed(&other, of_tenant(by_id.clone())).await, []);

    let of_user = pb::ListLinksRequest { filter: Some(by_id.clone()), ..links_of(&user) };
    let refused = "InvalidArgument REQUEST_INVALID\nfilter.link_id: is for a service that names no user: it finds a link of any user of the tenant";
    assert_eq!(refusal(service.list_links(of_user).await), refused);
    let person = server.person("github", "primary");
    assert_eq!(refusal(person.list_links(of_tenant(by_id)).await), refused);
    let wrong = pb::LinkFilter { link_id: "h1".to_owned(), ..Default::default() };
    assert_eq!(
        refusal(service.list_links(of_tenant(wrong)).await),
        "InvalidArgument REQUEST_INVALID\nfilter.link_id: must be a UUID other than the one with only zeros"
    );
}

/// P16: a page reads a thousand links, however many do not match.
#[tokio::test]
async fn a_page_ends_before_it_has_read_many_links_that_do_not_match() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = linked(&service, 1).await;
    db_crowd(&server.database, 2500).await;
    let by_service = pb::LinkFilter { proof_kind: Kind::Service.into(), ..Default::default() };

    let (mut found, mut page_token) = (vec![], String::new());
    loop {
        let request = pb::ListLinksRequest { page_token, ..of_tenant(by_service.clone()) };
        let page = service.list_links(request).await.unwrap();
        found.push(subjects(&page.links).len());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }

    assert_eq!(found, [0, 0, 1], "links on each page");
    let of_user = pb::ListLinksRequest { filter: Some(by_service), ..links_of(&user) };
    let page = service.list_links(of_user).await.unwrap();
    assert_eq!((subjects(&page.links), page.next_page_token.as_str()), (vec!["h0".to_owned()], ""));
}

#[tokio::test]
async fn a_page_of_one_user_is_bounded_too() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = linked(&service, 1).await;
    db_crowd(&server.database, 450).await;
    let theirs = format!("UPDATE links SET primary_id = '{user}' WHERE primary_id = 'crowd'");
    server.database.db_execute(&theirs).await;
    let by_service = pb::LinkFilter { proof_kind: Kind::Service.into(), ..Default::default() };
    let request = pb::ListLinksRequest { filter: Some(by_service), ..links_of(&user) };

    let first = service.list_links(request.clone()).await.unwrap();

    assert_eq!(first.links, []);
    assert!(!first.next_page_token.is_empty());
    assert_eq!(subjects(&listed(&service, request).await), ["h0"]);
}

/// P09: a page token is for the query that it continues.
#[tokio::test]
async fn a_page_token_is_good_for_its_filter_only() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = linked(&service, 3).await;
    let by_service = pb::LinkFilter { proof_kind: Kind::Service.into(), ..Default::default() };
    let first = pb::ListLinksRequest { page_size: 1, ..of_tenant(by_service.clone()) };
    let page_token = service.list_links(first.clone()).await.unwrap().next_page_token;
    let wrong = "InvalidArgument REQUEST_INVALID\npage_token: is not a page token of this query";

    for filter in [
        pb::LinkFilter::default(),
        pb::LinkFilter { standing_only: true, ..by_service.clone() },
        pb::LinkFilter { proof_kind: Kind::Token.into(), ..Default::default() },
    ] {
        let other = pb::ListLinksRequest { page_token: page_token.clone(), ..of_tenant(filter) };
        assert_eq!(refusal(service.list_links(other).await), wrong);
    }
    for filter in [None, Some(by_service)] {
        let page_token = page_token.clone();
        let of_user = pb::ListLinksRequest { page_token, filter, ..links_of(&user) };
        assert_eq!(refusal(service.list_links(of_user).await), wrong);
    }
    let second = service.list_links(pb::ListLinksRequest { page_token, ..first }).await.unwrap();
    assert_eq!(subjects(&second.links), ["h1"]);
}

/// A link that an erasing has not finished with is left out, and the links after it are not.
#[tokio::test]
async fn a_link_that_is_being_erased_is_not_listed() {
    let server = TestServer::start().await;
    let service = server.service();
    linked(&service, 3).await;
    server
        .database
        .db_execute(
            "INSERT INTO erasures (tenant_id, id, user_ids, identities, link_ids, delete_time) \
             SELECT 'default', gen_random_uuid(), '{}', '{}', array_agg(id), now() FROM links \
             WHERE moved @> '[{\"subject\": \"h1\"}]'",
        )
        .await;

    for page_size in [1, 2, 50] {
        let request = pb::ListLinksRequest { page_size, ..of_tenant(pb::LinkFilter::default()) };
        assert_eq!(subjects(&listed(&service, request).await), ["h2", "h0"]);
    }
}
