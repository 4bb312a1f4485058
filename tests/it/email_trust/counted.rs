//! Every response and every lookup by a verified email agrees with today's configuration, in both
//! directions.

use identity_link::{
    domain::{EmailTrust, Provider, TenantId, User, UserId, candidates::MAX_CANDIDATES},
    store::{Address, EmailSearch, Store},
    telemetry::metrics::Metrics,
};

use super::*;

/// Asserts for each entrance whether the email of this user's only account counts as verified.
pub(super) async fn db_assert_counts(
    server: &TestServer,
    user: &pb::User,
    counts: bool,
    decision: &str,
) {
    let (service, backend) = (server.service(), server.backend());
    let id = user.id.as_str();

    let read = service.user(id).await;
    let identity = &read.identities[0];
    assert_eq!((identity.email.as_str(), identity.email_verified), (EMAIL, counts), "{decision}");
    assert_eq!(identity.email_verify_time.is_some(), counts, "{decision}");
    assert_eq!(
        (read.version, read.update_time),
        (user.version, user.update_time),
        "no write: {decision}"
    );
    let found = if counts { vec![(id.to_owned(), true)] } else { vec![] };
    assert_eq!(service.found_by_email(EMAIL, false).await, found, "{decision}");
    assert_eq!(service.found_by_email(EMAIL, true).await, [(id.to_owned(), counts)], "{decision}");

    let of = |user: &Value| {
        (user["user_id"].as_str().unwrap().to_owned(), user["email_verified"] == value!(true))
    };
    let expected = (id.to_owned(), counts);
    assert_eq!(of(&backend.get(&format!("/api/v2/users/{id}")).await.ok()), expected, "{decision}");
    let by_email = backend.get(&format!("/api/v2/users-by-email?email={EMAIL}")).await.ok();
    assert_eq!(
        by_email.as_array().unwrap().iter().map(of).collect::<Vec<_>>(),
        [expected],
        "{decision}"
    );
    for wanted in [true, false] {
        let q = format!("email:{EMAIL}%20AND%20email_verified:{wanted}");
        assert_eq!(
            listed(&backend, &q).await,
            if wanted == counts { vec![id] } else { vec![] },
            "{q} {decision}"
        );
        let q = format!("identities.provider:%22sms%22%20-email_verified:{wanted}");
        assert_eq!(
            listed(&backend, &q).await,
            if wanted == counts { vec![] } else { vec![id] },
            "{q} {decision}"
        );
    }
}

async fn listed(backend: &Asker, q: &str) -> Vec<String> {
    let found = backend.get(&format!("/api/v2/users?q={q}")).await.ok();
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["user_id"].as_str().unwrap().to_owned())
        .collect()
}

/// A70: a word from before its provider was trusted counts after it is trusted, and no longer when
/// it is not.
#[tokio::test]
async fn every_response_shows_an_email_as_verified_by_todays_trust() {
    let server = TestServer::start_auth0().await;
    let user = server.service().create_with("sms", "s1", verified(EMAIL)).await;
    assert!(!user.identities[0].email_verified);
    assert_eq!(server.service().user(&user.id).await, user);

    for (decision, counts) in DECISIONS {
        let server = deciding(&server.database, decision).await;
        db_assert_counts(&server, &user, counts, decision).await;
    }
}

/// A70: today's trust also decides all that rests on a verified email.
#[tokio::test]
async fn candidates_shared_emails_and_sign_ins_are_judged_by_todays_trust() {
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let sms = service.create_with("sms", "s1", verified(EMAIL)).await.id;
    let google = service.create_with("google-oauth2", "g1", verified(EMAIL)).await.id;

    for (decision, counts) in DECISIONS {
        let server = deciding(&server.database, decision).await;
        let service = server.service();
        let told = |id: &String| if counts { vec![id.clone()] } else { vec![] };
        assert_eq!(candidates(&service, &google).await, told(&sms), "{decision}");
        assert_eq!(candidates(&service, &sms).await, told(&google), "{decision}");
        for (primary, secondary) in [(&sms, &google), (&google, &sms)] {
            let outcome = service.link(sharing(primary, secondary)).await;
            let outcome =
                outcome.map_or_else(|status| refusal::<()>(Err(status)), |_| "linked".to_owned());
            let expected = if counts { "linked" } else { "FailedPrecondition EMAIL_NOT_SHARED" };
            assert_eq!(outcome, expected, "{decision}");
        }
        let expected =
            if counts { "CANDIDATES SEVERAL_USERS" } else { "LINKED EMAIL_VERIFIED_ON_BOTH_SIDES" };
        assert_eq!(would_sign_in(&service, "github", "h1").await, expected, "{decision}");
    }
}

/// A70: an attached account is judged by the same rule.
#[tokio::test]
async fn an_attached_account_shares_an_email_only_if_its_own_counts() {
    let database = cluster().db_migrated().await;
    for (at, (decision, counts)) in
        DECISIONS.into_iter().enumerate().filter(|(_, (of, _))| !of.contains("enabled"))
    {
        let server = deciding(&database, decision).await;
        let google = format!("g{at}");
        server.service().create_with("google-oauth2", &google, verified(EMAIL)).await;
        let token = tokens::Token::of("sms", &format!("s{at}"))
            .with("email", EMAIL)
            .with("email_verified", true);
        let link =
            pb::LinkRequest { require_shared_verified_email: true, ..link_with(&token.sign()) };

        let outcome = server.person("google-oauth2", &google).link(link).await;

        match counts {
            true => {
                assert!(outcome.unwrap().user.unwrap().identities[1].email_verified, "{decision}");
            }
            false => {
                assert_eq!(refusal(outcome), "FailedPrecondition EMAIL_NOT_SHARED", "{decision}");
            }
        }
    }
}

/// Profiles of Google accounts, and whether Google's word on their email counts.
const HOSTED: [(&str, bool); 6] = [
    ("{\"hd\": \"example.com\"}", true),
    ("{\"hd\": \"EXAMPLE.com\"}", false),
    ("{\"hd\": [\"example.com\"]}", false),
    ("{\"hd\": \"example.org\"}", false),
    ("{\"hd\": null}", false),
    ("{}", false),
];

/// A server whose `google-oauth2` is trusted for example.org and for hosted domains, and 210 users
/// with the email.
async fn crowded() -> TestServer {
    let hosting = |toml: String| {
        toml.replace(
            "google-oauth2 = { social = true, email_trust = \"when_verified\"",
            "google-oauth2 = { social = true, email_trust = \"authoritative_domains\", \
             authoritative_domains = [\"example.org\"], hosted_domains = true",
        ) + AUTH0
    };
    let server = TestServer::start_with(cluster().db_migrated().await, hosting).await;
    // In turn: each profile of a Google account, and an account of a provider that is not trusted.
    let kinds =
        HOSTED.map(|(profile, _)| format!("('google-oauth2', '{profile}'::jsonb)")).join(", ");
    server
        .database
        .db_execute(&format!(
            "CREATE TEMP TABLE crowd AS SELECT row_number() OVER () AS n, kind.* FROM generate_series(1, 30) g, \
               (VALUES {kinds}, ('sms', '{{}}'::jsonb)) AS kind(provider, profile); \
             INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject) \
               SELECT 'default', 'u' || n, now(), now(), provider, n::text FROM crowd; \
             INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
                 attach_time, email, email_canonical, email_verified, email_verify_time, email_verifier, profile_data) \
               SELECT 'default', provider, n::text, 'u' || n, 'u' || n, 0, provider, false, now(), '{EMAIL}', \
                 '{EMAIL}', true, now(), '{{\"kind\": \"issuer\", \"issuer\": \"x\"}}', profile FROM crowd"
        ))
        .await;
    server
}

/// A70: the database filters by the same rules. So no page is short, and users without a trusted
/// word keep no user with a verified email off a page.
#[tokio::test]
async fn pages_and_bounds_count_only_users_whose_email_counts() {
    let server = crowded().await;
    let (service, backend) = (server.service(), server.backend());
    let ids = |users: Vec<pb::EmailMatch>| {
        users.into_iter().map(|found| found.user.unwrap().id).collect::<Vec<_>>()
    };

    let request = pb::FindByEmailRequest { page_size: 7, ..by_email(EMAIL) };
    let (mut found, mut pages, mut page_token) = (vec![], vec![], String::new());
    loop {
        let request = pb::FindByEmailRequest { page_token, ..request.clone() };
        let page = service.find_by_email(request).await.unwrap();
        assert!(page.matches.iter().all(|found| found.verified));
        pages.push(page.matches.len());
        found.extend(ids(page.matches));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [7, 7, 7, 7, 2]);
    let all =
        pb::FindByEmailRequest { page_size: 100, include_unverified: true, ..by_email(EMAIL) };
    let all = service.find_by_email(all).await.unwrap().matches;
    assert!(
        all.iter()
            .filter(|found| found.verified)
            .all(|of| found.contains(&of.user.as_ref().unwrap().id))
    );

    let by_email = backend.get(&format!("/api/v2/users-by-email?email={EMAIL}")).await.ok();
    let first: Vec<bool> =
        by_email.as_array().unwrap().iter().map(|user| user["email_verified"] == true).collect();
    assert_eq!(first, [vec![true; 30], vec![false; 70]].concat());
    for (q, total) in
        [("email_verified:true", 30), ("email_verified:false", 180), ("-email_verified:true", 180)]
    {
        let found = backend
            .get(&format!("/api/v2/users?q={q}&include_totals=true&per_page=100"))
            .await
            .ok();
        assert_eq!(found["total"], total, "{q}");
        let wanted = q == "email_verified:true";
        assert!(
            found["users"].as_array().unwrap().iter().all(|user| user["email_verified"] == wanted),
            "{q}"
        );
    }
    // Only users with a trusted word: without the filter, the first hundred would not contain all
    // thirty.
    let ann = service.create_with("github", "h1", verified(EMAIL)).await.id;
    assert_eq!(candidates(&service, &ann).await.len(), MAX_CANDIDATES);
    assert_eq!(would_sign_in(&service, "apple", "a1").await, "CANDIDATES SEVERAL_USERS");
}

/// A70: row by row, the database and the rules agree on which emails count.
#[tokio::test]
async fn the_database_and_the_rules_agree_on_every_account() {
    let server = crowded().await;
    db_assert_agreement(&server, false, 30).await;
    // Of each kind, the odd ones by the word of an import only.
    let import = "UPDATE identities SET email_verifier = '{\"kind\": \"import\"}' \
        WHERE subject::integer % 2 = 1";
    server.database.db_execute(import).await;
    db_assert_agreement(&server, false, 15).await;
    db_assert_agreement(&server, true, 30).await;
}

/// Asserts that all reads by email agree with the rules, and that so many users of each kind of the
/// crowd count whose provider is trusted.
async fn db_assert_agreement(server: &TestServer, imported_emails: bool, of_each: usize) {
    let mut policies = policies();
    let tenant = TenantId::parse("default").unwrap();
    let google = policies
        .get_mut(&tenant)
        .unwrap()
        .declared
        .get_mut(&Provider::parse("google-oauth2").unwrap())
        .unwrap();
    google.imported_emails = imported_emails;
    google.email_trust = EmailTrust::AuthoritativeDomains {
        domains: ["example.org".to_owned()].into(),
        hosted: true,
    };
    let store = Store::open(
        &Address::parse(&server.database.url).unwrap(),
        1,
        policies,
        &Metrics::default(),
    )
    .await
    .unwrap();
    let by_email = |include_unverified| EmailSearch {
        canonical: EMAIL.to_owned(),
        include_unverified,
        after: String::new(),
        limit: 1000,
    };
    let verified = |users: &[User]| -> Vec<String> {
        let counting = users.iter().filter(|user| user.verified_emails().next().is_some());
        counting.map(|user| user.id.to_string()).collect()
    };
    let ids = |users: &[User]| users.iter().map(|user| user.id.to_string()).collect::<Vec<_>>();

    let reads = store.reads(&tenant).unwrap();
    let all = reads.users_by_email(by_email(true)).await.unwrap();
    assert_eq!(all.len(), 210);
    let counting = reads.users_by_email(by_email(false)).await.unwrap();
    assert_eq!(ids(&counting), verified(&all));
    assert_eq!(counting.len(), of_each * HOSTED.iter().filter(|(_, counts)| *counts).count());
    let mut session = store.session(&tenant).await.unwrap();
    let holders = session.email_holders(EMAIL).await.unwrap();
    assert_eq!((verified(&holders), holders.len()), (verified(&all), of_each + 20));
    let nobody = UserId::parse("nobody").unwrap();
    let sharing = session.users_sharing_emails(Some(&nobody), &[EMAIL]).await.unwrap();
    assert_eq!(ids(&sharing), verified(&all));
}
