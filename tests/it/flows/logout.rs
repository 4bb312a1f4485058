//! A logout at a certified provider, which reports it by a request of its own (OpenID Connect Back-Channel
//! Logout 1.0).

use super::{real_providers::id_token, *};
use crate::support::real_providers::{Kind, RealProvider};

/// The redirect URI of the application whose tokens are sent to identity-link.
const APPLICATION: &str = "http://127.0.0.1:9/callback/application";

#[tokio::test]
async fn a_logout_at_oidc_provider_ends_the_tokens_of_its_account() {
    let asked = ("session/end", ("logout", "yes"), "Sign-out Success");
    logout(Kind::OidcProvider, asked).await;
}

/// `just real-providers` runs it.
#[tokio::test]
#[ignore = "downloads 160 MB, and needs Maven and Java"]
async fn a_logout_at_keycloak_ends_the_tokens_of_its_account() {
    let asked = ("protocol/openid-connect/logout", ("confirmLogout", ""), "You are logged out");
    logout(Kind::Keycloak, asked).await;
}

/// Each provider signs, addresses and sends its logout token in its own way. A person who signs out
/// in a browser is signed out of all tokens that name the account, and no other account is. `asked`
/// is the path of the page that asks, the field that agrees, and what the next page says.
async fn logout(kind: Kind, (path, agreed, said): (&str, (&str, &str), &str)) {
    let client = json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [redirect_uri("real"), APPLICATION],
    });
    let accounts =
        json!({"alice": {"email": "alice@example.com"}, "bob": {"email": "bob@example.com"}});
    let provider = RealProvider::start(kind, &client, &accounts);
    let issuer = &provider.issuer;
    let toml = format!(
        "{}\nevents = \"http\"\n\
         [issuers.real]\nissuer = \"{issuer}\"\nkind = \"user\"\nsubject = \"subject\"\nprovider = \"real\"\n\
         tenant = \"default\"\ndiscovery = true\nalgorithms = [\"RS256\"]\naudiences = [\"{CLIENT_ID}\"]\n\
         types = [\"JWT\", \"\"]\nimplied_scopes = [\"read:current_user\"]\n",
        oidc("real", issuer)
    );
    let server = server_with(&toml).await;
    let receiver = format!("http://{}/providers/default/real/backchannel-logout", server.address);
    let switch = provider.switch(&format!("logouts?{}", form::write([("to", receiver.as_str())])));
    let mut browser = Browser::new(CALLBACK);
    browser.open(&switch).await;

    let begun = server.service().start_sign_in(to_sign_in("real")).await.unwrap();
    let back = browser.sign_in(&begun.authorization_url, "alice").await;
    let completed = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    let alice = decision(completed).user.unwrap().id;
    let [hers, his] = [id_token(&provider, "alice").await, id_token(&provider, "bob").await];
    server.service().resolve_sign_in(crate::support::sign_in("real", "bob")).await.unwrap();
    let reads = async |token: &str| {
        let caller = Caller::new(server.channel(), Some(token.to_owned()));
        let read = caller.get_user(pb::GetUserRequest::default()).await;
        read.map(|read| read.user.unwrap().id)
    };
    assert_eq!(reads(&hers).await.unwrap(), alice);
    let bob = reads(&his).await.unwrap();

    let page = browser.open(&format!("{issuer}/{path}")).await.page();
    let ended = browser.submit(&page, &[agreed]).await.page();

    assert!(ended.html.contains(said), "{}", ended.html);
    assert_eq!(refusal(reads(&hers).await), "Unauthenticated TOKEN_INVALID");
    assert_eq!(reads(&his).await.unwrap(), bob);
    let sql = "SELECT concat_ws(' ', detail->>'kind', detail->>'user', actor->>'issuer', actor->>'subject') \
        FROM events WHERE actor->>'kind' = 'provider'";
    let expected = format!("identity_logged_out {alice} {issuer} real");
    assert_eq!(server.database.db_texts(sql).await, [expected]);
}
