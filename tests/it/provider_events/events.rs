//! Security event tokens: what happened to an account, and what the operator lets it do.

use super::*;

fn disabled() -> String {
    format!("{RISC}/account-disabled")
}

/// A user with accounts at the provider and elsewhere.
async fn user_of_two_accounts(server: &TestServer) -> String {
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let alice = service.create("fake", "alice").await.id;
    service.link(link_user(&ann, &alice)).await.unwrap();
    ann
}

/// J52: only a provider that the operator trusts with it withdraws tokens of a whole user.
#[tokio::test]
async fn an_account_event_is_only_reported_by_default() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let ann = user_of_two_accounts(&server).await;
    let bearer = bearer(&fake, "alice", 0);

    report(&server, &event_token(&fake, "alice", &[&disabled()]).sign()).await.unwrap();

    assert_eq!(reads(&server, &bearer).await, ann);
    assert_eq!(db_reported(&server).await, ["account_event_reported disabled false fake"]);
}

#[tokio::test]
async fn an_account_event_withdraws_all_older_tokens_of_the_user_if_the_operator_says_so() {
    let (fake, server) =
        fake_and_server("events = \"rpc\"\naccount_events = \"withdraw_tokens\"").await;
    let ann = user_of_two_accounts(&server).await;
    let tokens =
        [bearer(&fake, "alice", 0), Token::of("google-oauth2", "ann"), Token::of("users", &ann)];
    let enabled = format!("{RISC}/account-enabled");
    report(&server, &event_token(&fake, "alice", &[&enabled]).sign()).await.unwrap();
    for token in &tokens {
        assert_eq!(reads(&server, token).await, ann);
    }

    report(&server, &event_token(&fake, "alice", &[&disabled(), &enabled]).sign()).await.unwrap();

    for token in &tokens {
        assert_eq!(reads(&server, token).await, WITHDRAWN);
    }
    for token in [bearer(&fake, "alice", 20), Token::of("google-oauth2", "ann").issued_ago(-20)] {
        assert_eq!(reads(&server, &token).await, ann);
    }
    let user = server.service().user(&ann).await;
    assert!(!user.blocked && user.identities.len() == 2, "no event blocks or deletes");
    let listed = crate::support::events::events(&server.service(), 6).await.split_off(3);
    let reported: Vec<_> = listed
        .iter()
        .map(|event| match event.detail.as_ref().unwrap() {
            pb::event::Detail::AccountEventReported(of) => {
                (of.account_event().as_str_name(), of.tokens_withdrawn, of.user_id == ann)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let enabled = ("EVENT_ENABLED", false, true);
    assert_eq!(reported, [enabled, ("EVENT_DISABLED", true, true), enabled]);
}

/// A person who got another name or group at the provider stays signed in.
#[tokio::test]
async fn changed_claims_withdraw_no_tokens() {
    let (fake, server) =
        fake_and_server("events = \"rpc\"\naccount_events = \"withdraw_tokens\"").await;
    let ann = user_of_two_accounts(&server).await;
    let changed = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
    report(&server, &event_token(&fake, "alice", &[changed]).sign()).await.unwrap();
    assert_eq!(reads(&server, &bearer(&fake, "alice", 0)).await, ann);
    assert_eq!(
        db_reported(&server).await,
        ["account_event_reported token_claims_change false fake"]
    );
}

/// The spared token of an unlink is withdrawn too.
#[tokio::test]
async fn an_account_event_spares_no_token() {
    let (fake, server) =
        fake_and_server("events = \"rpc\"\naccount_events = \"withdraw_tokens\"").await;
    let ann = user_of_two_accounts(&server).await;
    server.service().create("okta", "ann").await;
    let spared = Token::of("google-oauth2", "ann");
    let caller = server.caller(&spared);
    caller.link(link_with(&server.proof("okta", "ann"))).await.unwrap();
    caller.unlink(unlink("", "okta", "ann")).await.unwrap();
    assert_eq!(reads(&server, &spared).await, ann);

    report(&server, &event_token(&fake, "alice", &[&disabled()]).sign()).await.unwrap();
    assert_eq!(reads(&server, &spared).await, WITHDRAWN);
}

/// J52: a provider speaks for its own accounts, which it names by issuer and subject.
#[tokio::test]
async fn an_event_is_about_an_account_of_its_provider() {
    let (fake, server) =
        fake_and_server("events = \"rpc\"\naccount_events = \"withdraw_tokens\"").await;
    let ann = user_of_two_accounts(&server).await;
    let token = || event_token(&fake, "alice", &[&disabled()]);
    let google = "https://google-oauth2.example.com";
    let another = "an event is about an account of another issuer: send only events of this provider's accounts";
    let format = "an event names its account in another format than iss_sub: have the provider send iss and sub";
    let own = fake.issuer.as_str();
    let subject = |subject: Value| {
        token()
            .with("sub_id", Value::Null)
            .with("events", value!({disabled(): {"subject": subject}}))
    };
    for (bad, message) in [
        (
            token().with("sub_id", value!({"format": "iss_sub", "iss": google, "sub": "ann"})),
            another,
        ),
        (subject(value!({"subject_type": "iss-sub", "iss": google, "sub": "ann"})), another),
        (subject(value!({"format": "iss_sub", "sub": "alice"})), another),
        (subject(value!({"format": "email", "email": "alice@example.com"})), format),
        (
            subject(
                value!({"format": "complex", "user": {"format": "iss_sub", "iss": own, "sub": "alice"}}),
            ),
            format,
        ),
        (subject(value!({"iss": own, "sub": "alice"})), format),
        (
            subject(
                value!({"format": "iss_sub", "subject_type": "iss-sub", "iss": own, "sub": "alice"}),
            ),
            format,
        ),
        (subject(value!({"format": "iss_sub", "iss": own, "sub": ""})), format),
        (subject(value!("alice")), format),
        (token().with("sub_id", Value::Null), format),
        (
            token().with(
                "events",
                value!({disabled(): {"subject": {"format": "iss_sub", "iss": own, "sub": "bob"}}}),
            ),
            format,
        ),
    ] {
        let status = report(&server, &bad.sign()).await.unwrap_err();
        assert_eq!(status.message(), message, "{:?}", bad.claims);
        assert_eq!(refusal::<()>(Err(status)), REFUSED);
    }
    let old = clock::now().timestamp() - 8 * 24 * 3600;
    for bad in [
        token().with("sub", "alice"),
        token().with("events", value!({})),
        token().with("events", value!({disabled(): 1})),
        token().with("iat", old),
        token().with("exp", clock::now().timestamp() - 60),
        token().with("aud", "another"),
    ] {
        assert_eq!(refusal(report(&server, &bad.sign()).await), REFUSED, "{:?}", bad.claims);
    }
    assert_eq!(reads(&server, &bearer(&fake, "alice", 0)).await, ann);
    assert_eq!(db_reported(&server).await, [""; 0]);

    let risc = subject(value!({"subject_type": "iss-sub", "iss": own, "sub": "alice"}));
    report(&server, &risc.with("iat", old + 2 * 24 * 3600).sign()).await.unwrap();
    assert_eq!(db_reported(&server).await, ["account_event_reported disabled true fake"]);
}

/// Events that are not known are acknowledged: a provider would repeat them for days.
#[tokio::test]
async fn unknown_events_are_acknowledged_and_do_nothing() {
    let (fake, server) =
        fake_and_server("events = \"rpc\"\naccount_events = \"withdraw_tokens\"").await;
    let ann = user_of_two_accounts(&server).await;
    let verification = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    let token = event_token(&fake, "alice", &[verification])
        .with("sub_id", value!({"format": "opaque", "id": "stream-1"}));
    report(&server, &token.sign()).await.unwrap();
    report(&server, &event_token(&fake, "alice", &["https://example.com/x", LOGOUT]).sign())
        .await
        .unwrap();
    assert_eq!(reads(&server, &bearer(&fake, "alice", 0)).await, ann);
    assert_eq!(db_reported(&server).await, [""; 0]);
}

/// J53: a token counts once. A provider that gives two tokens one `jti` would hide the second.
#[tokio::test]
async fn a_jti_counts_for_one_token_on_all_servers() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let toml = client(&fake, "events = \"rpc\"") + &issuer(&fake);
    let replica = TestServer::start_with(server.database.clone(), |own| own + &toml).await;
    user_of_two_accounts(&server).await;
    let token = event_token(&fake, "alice", &[&disabled()]).with("jti", "1");

    let signed = token.sign();
    let (here, there) = tokio::join!(report(&server, &signed), report(&replica, &signed));
    assert!(here.is_ok() && there.is_ok());
    let another = token.with("events", value!({format!("{RISC}/account-purged"): {}})).sign();
    let status = report(&replica, &another).await.unwrap_err();
    assert_eq!(
        status.message(),
        "another token with this jti was accepted before: give each token a jti of its own"
    );
    assert_eq!(db_reported(&server).await, ["account_event_reported disabled false fake"]);
    // A logout token is another kind, with jtis of its own.
    log_out(&server, &logout_token(&fake, "alice").with("jti", "1").sign()).await.unwrap();
}

/// Google's events have an issuer of their own, and other providers an audience.
#[tokio::test]
async fn a_transmitter_may_have_an_issuer_and_an_audience_of_its_own() {
    let (fake, server) = fake_and_server(
        "events = \"rpc\"\nevent_issuer = \"https://events.example.com/\"\nevent_audiences = [\"https://app.example.com/events\"]",
    )
    .await;
    user_of_two_accounts(&server).await;
    let theirs =
        || event_token(&fake, "alice", &[&disabled()]).with("iss", "https://events.example.com/");
    assert_eq!(
        refusal(report(&server, &event_token(&fake, "alice", &[&disabled()]).sign()).await),
        REFUSED
    );
    report(&server, &theirs().sign()).await.unwrap();
    let subject =
        value!({"format": "iss_sub", "iss": "https://events.example.com/", "sub": "alice"});
    let token = theirs().with("sub_id", subject).with("aud", "https://app.example.com/events");
    report(&server, &token.sign()).await.unwrap();
    assert_eq!(db_reported(&server).await.len(), 2);
    // Logout tokens have the provider's issuer.
    let logout = logout_token(&fake, "alice");
    assert_eq!(
        refusal(
            log_out(&server, &logout.clone().with("iss", "https://events.example.com/").sign())
                .await
        ),
        REFUSED
    );
    log_out(&server, &logout.sign()).await.unwrap();
}
