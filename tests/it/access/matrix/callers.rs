//! The callers of the matrix, and the users of their calls.

use data_encoding::BASE64URL_NOPAD;
use identity_link::{auth::AccessRule, clock, grpc::proto as pb};
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::support::{
    tokens::{SELF_SCOPES, SERVICE_SCOPES, Token, iss, jwk},
    *,
};

/// The users of one cell. All their identities have the same subject.
pub(crate) struct Cast {
    /// The subject.
    pub subject: String,
    /// A user with an identity of `acme`, and that of the absorbed user.
    pub own: String,
    /// The absorbed user, with an identity of `sms`.
    pub absorbed: String,
    /// Another user, with an identity of `github`.
    pub other: String,
    /// The link by which the user holds the absorbed user.
    pub link: String,
}

/// One call.
pub(crate) struct Call {
    /// The `authorization` metadata.
    pub authorization: Option<String>,
    /// The id of the user that it names; empty for the caller's own.
    pub user_id: String,
    /// The tenant of the token.
    pub tenant: &'static str,
}

impl Cast {
    pub(crate) async fn create(server: &TestServer, subject: String) -> Self {
        let service = server.service();
        let email = format!("{subject}@example.com");
        let own = service.create_with("acme", &subject, verified(&email)).await.id;
        let absorbed = service.create("sms", &subject).await.id;
        let other = service.create("github", &subject).await.id;
        let link = service.link(link_user(&own, &absorbed)).await.unwrap().link.unwrap().id;
        Self { subject, own, absorbed, other, link }
    }
}

/// All of these scopes except one.
fn without(scopes: &str, scope: Option<&str>) -> String {
    scopes.split(' ').filter(|other| Some(*other) != scope).collect::<Vec<_>>().join(" ")
}

/// The second in which a link was made.
fn linked_at(linked: &pb::LinkResponse) -> i64 {
    linked.link.as_ref().unwrap().link_time.as_ref().unwrap().seconds
}

/// Links this account to the user by a proof; returns the second of that link.
async fn prove(server: &TestServer, cast: &Cast, provider: &'static str) -> i64 {
    let own = server.caller(&Token::of("stranger", &cast.subject).with("kind", "user"));
    linked_at(&own.link(link_with(&server.proof(provider, &cast.subject))).await.unwrap())
}

/// The call of a caller, by its name in the tables. Makes the links, blocks and unlinks that the
/// caller needs.
pub(crate) async fn call(
    server: &TestServer,
    caller: &str,
    rule: &AccessRule,
    cast: &Cast,
) -> Call {
    let Cast { subject, own, absorbed, other, .. } = cast;
    let user = Token::of("stranger", subject).with("kind", "user");
    let service = Token::of("stranger", "backend").with("kind", "service").scope(SERVICE_SCOPES);
    // Every rpc is open to services, and most are open to users.
    let (self_scope, service_scope) = (rule.self_scope, rule.service_scope.unwrap());
    let with = |authorization: Option<String>, user_id: &str, tenant| {
        let user_id = user_id.to_owned();
        Call { authorization, user_id, tenant }
    };
    let bearer = |token: &Token, user_id: &str| {
        with(Some(format!("Bearer {}", token.sign())), user_id, "default")
    };
    match caller {
        "user" => bearer(&user, ""),
        "service" => bearer(&service, own),

        // All of these are services, which may call every rpc.
        "nobody" => with(None, own, "default"),
        "garbage" => with(Some("Bearer garbage".to_owned()), own, "default"),
        "expired" => {
            bearer(&service.issued_ago(600).with("exp", clock::now().timestamp() - 60), own)
        }
        "audience" => bearer(&service.with("aud", "another"), own),
        "issuer" => bearer(&service.with("iss", iss("nobody")), own),
        "type" => {
            let mut id_token = service;
            id_token.header.typ = Some("JWT".to_owned());
            bearer(&id_token, own)
        }
        "algorithm" => {
            let public =
                BASE64URL_NOPAD.decode(jwk("stranger")["x"].as_str().unwrap().as_bytes()).unwrap();
            let mut header = service.header.clone();
            header.alg = Algorithm::HS256;
            let forged =
                jsonwebtoken::encode(&header, &service.claims, &EncodingKey::from_secret(&public))
                    .unwrap();
            with(Some(format!("Bearer {forged}")), own, "default")
        }
        "key" => bearer(&Token { signer: "services", ..service }, own),

        "user, other scopes" => bearer(&user.scope(&without(SELF_SCOPES, self_scope)), ""),
        "user, service scopes" => bearer(&user.scope(SERVICE_SCOPES), ""),
        "service, other scopes" => {
            bearer(&service.scope(&without(SERVICE_SCOPES, Some(service_scope))), own)
        }
        "service, self scopes" => bearer(&service.scope(SELF_SCOPES), own),
        "service, part of it" => {
            bearer(&service.scope(&service_scope[..service_scope.len() - 1]), own)
        }
        "service, more than it" => {
            bearer(&service.scope(&format!("{service_scope}s x{service_scope}")), own)
        }

        "user, another's id" => bearer(&user, other),
        "user, absorbed id" => bearer(&user, absorbed),
        "linked account, its own id" => bearer(&Token::of("sms", subject), absorbed),
        "linked account, its own id, before" => {
            bearer(&Token::of("sms", subject).issued_ago(60), absorbed)
        }
        "user that never was" => bearer(&Token::of("stranger", "never").with("kind", "user"), ""),
        "user elsewhere" => {
            server.service_of("other").create("acme", subject).await;
            Call { tenant: "other", ..bearer(&user.tenant("other"), own) }
        }
        "service, absorbed id" => bearer(&service, absorbed),
        "service elsewhere" => Call { tenant: "other", ..bearer(&service.tenant("other"), own) },

        "absorbed identity" => bearer(&Token::of("sms", subject), ""),
        "absorbed id, before" => bearer(&Token::of("users", absorbed).issued_ago(60), ""),
        "absorbed id, after" => bearer(&Token::of("users", absorbed).issued_ago(-5), ""),
        "blocked user" => {
            server.service().block(own, true).await;
            bearer(&user, "")
        }
        "service, blocked user" => {
            server.service().block(own, true).await;
            bearer(&service, own)
        }
        "withdrawn token" => {
            let left = server.service().create("okta", subject).await.id;
            server.service().link(link_user(own, &left)).await.unwrap();
            server.service().unlink(unlink(own, "okta", subject)).await.unwrap();
            bearer(&user.issued_ago(60), "")
        }
        "absorbed before" => bearer(&Token::of("sms", subject).issued_ago(60), ""),
        "absorbed, that second" => {
            let second = linked_at(&server.service().link(link_user(own, other)).await.unwrap());
            bearer(&Token::of("github", subject).with("iat", second), "")
        }
        "proven before" => {
            prove(server, cast, "github").await;
            bearer(&Token::of("github", subject).issued_ago(60), "")
        }
        "proven, that second" => {
            let second = prove(server, cast, "github").await;
            bearer(&Token::of("github", subject).with("iat", second), "")
        }
        "proven after" => {
            let second = prove(server, cast, "github").await;
            bearer(&Token::of("github", subject).with("iat", second + 1), "")
        }
        "attached before" => {
            prove(server, cast, "okta").await;
            bearer(&Token::of("okta", subject).issued_ago(60), "")
        }
        "attached after" => {
            let second = prove(server, cast, "okta").await;
            bearer(&Token::of("okta", subject).with("iat", second + 1), "")
        }
        "in a chain before" => {
            let holder = server.service().create("google-oauth2", subject).await.id;
            server.service().link(link_user(&holder, own)).await.unwrap();
            bearer(&Token::of("sms", subject).issued_ago(60), "")
        }
        "once more before" => {
            // The undo withdraws older tokens, also after the account is linked again.
            let undo = pb::UndoLinkRequest { link_id: cast.link.clone(), ..Default::default() };
            server.service().undo_link(undo).await.unwrap();
            prove(server, cast, "sms").await;
            bearer(&Token::of("sms", subject).issued_ago(60), "")
        }
        "old sign-in" => bearer(&user.with("auth_time", clock::now().timestamp() - 660), ""),
        _ => panic!("the matrix has no caller {caller}"),
    }
}
