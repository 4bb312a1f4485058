//! The login page, and the return from a provider.

use http::StatusCode;
use identity_link_proto::v1::{
    SignInDecision, SignInProvider, complete_sign_in_response::Result as Completed,
    sign_in_decision::Outcome, sign_in_provider::Mode,
};
use tonic::Status;

use super::{
    ATTEMPT, Demo, TICKET,
    provider::PROVIDERS,
    web::{DemoRequest, Escaped, Reply, page, redirect, status, with_cookie},
};

impl Demo {
    /// The page with the sign-in buttons.
    pub(super) async fn login_page(&self, incoming: &DemoRequest) -> Reply {
        match self.backend.providers().await {
            Ok(providers) => {
                let waiting = match incoming.cookies.get(TICKET) {
                    "" => "",
                    _ => "<p>Sign in as before, to link the account that you just came with.</p>\n",
                };
                let offered = providers.iter().filter(|provider| provider.mode() == Mode::SignIn);
                page(
                    "Sign in",
                    &format!("{waiting}{}", buttons("/sign-in", "Sign in with", offered)),
                )
            }
            Err(refused) => refusal(&refused),
        }
    }

    /// Redirects to a provider, for a sign-in, or for a link if a user is signed in.
    pub(super) async fn go_to_provider(&self, incoming: &DemoRequest, user: Option<&str>) -> Reply {
        match self.backend.start(incoming.form.get("provider"), user).await {
            Ok(started) => {
                with_cookie(redirect(&started.authorization_url), ATTEMPT, &started.attempt_secret)
            }
            Err(refused) => refusal(&refused),
        }
    }

    /// Handles the return from a provider.
    pub(super) async fn return_from_provider(
        &self,
        incoming: &DemoRequest,
        user: Option<&str>,
    ) -> Reply {
        let completed = self.backend.complete(incoming, incoming.cookies.get(ATTEMPT), user).await;
        let reply = match completed.map(|completed| completed.result) {
            Ok(Some(Completed::Decision(decision))) => self.decided(&decision),
            Ok(Some(Completed::Link(_))) => redirect("/"),
            Ok(None) => status(StatusCode::BAD_GATEWAY),
            Err(refused) => refusal(&refused),
        };
        with_cookie(reply, ATTEMPT, "")
    }

    /// Handles the choice to be a new user instead of a candidate.
    pub(super) async fn create_own_user(&self, incoming: &DemoRequest) -> Reply {
        let reply = match self.backend.own_user(incoming.cookies.get(TICKET)).await {
            Ok(decision) => self.decided(&decision),
            Err(refused) => refusal(&refused),
        };
        with_cookie(reply, TICKET, "")
    }

    fn decided(&self, decision: &SignInDecision) -> Reply {
        let rule = decision.rule().as_str_name().trim_start_matches("SIGN_IN_RULE_");
        match (decision.outcome(), &decision.user) {
            (Outcome::SignedIn | Outcome::Created | Outcome::Linked, Some(user)) => {
                let outcome = decision.outcome().as_str_name().trim_start_matches("OUTCOME_");
                let text = format!(
                    "<p>You are signed in: <b id=\"outcome\">{outcome}</b>, because of <code>{rule}</code>.</p>\n\
                     <p><a href=\"/\">To your settings</a></p>"
                );
                self.signed_in(page("Welcome", &text), &user.id)
            }
            (Outcome::Candidates, _) => {
                with_cookie(candidates_page(decision, rule), TICKET, &decision.ticket)
            }
            // Only `registration = "ask"` needs a registration, and the demo's tenant does not set
            // it.
            (
                Outcome::Unspecified
                | Outcome::SignedIn
                | Outcome::Created
                | Outcome::Linked
                | Outcome::RegistrationNeeded,
                _,
            ) => status(StatusCode::BAD_GATEWAY),
        }
    }
}

/// Asks the person which user they are. The page shows the providers of the candidates, not the
/// users.
fn candidates_page(decision: &SignInDecision, rule: &str) -> Reply {
    let mut provider_names: Vec<&str> = decision
        .candidates
        .iter()
        .flat_map(|candidate| &candidate.providers)
        .map(String::as_str)
        .collect();
    provider_names.sort_unstable();
    provider_names.dedup();
    let provider_names: Vec<&str> = provider_names.into_iter().map(display_name).collect();
    page(
        "Is it you?",
        &format!(
            "<p>A user with your email exists already: <b id=\"outcome\">CANDIDATES</b>, because of \
             <code>{rule}</code>.</p>\n\
             <p><a id=\"as-before\" href=\"/\">Sign in as before</a> with {provider_names}, to link the accounts.</p>\n\
             <form method=\"post\" action=\"/own-user\"><button id=\"own-user\">I am new here</button></form>",
            provider_names = Escaped(&provider_names.join(" or ")),
        ),
    )
}

/// The display name of a provider of the demo; for another provider, its name.
fn display_name(name: &str) -> &str {
    PROVIDERS
        .iter()
        .find(|provider| provider.name == name)
        .map_or(name, |provider| provider.display_name)
}

/// One button per provider.
pub(super) fn buttons<'a>(
    action: &str,
    words: &str,
    providers: impl Iterator<Item = &'a SignInProvider>,
) -> String {
    let button = |provider: &SignInProvider| {
        let about = PROVIDERS
            .iter()
            .find(|known| known.name == provider.provider)
            .map_or("", |known| known.about);
        format!(
            "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"provider\" value=\"{name}\">\
             <button id=\"{name}\">{words} {display_name}</button> {about}</form>\n",
            name = Escaped(&provider.provider),
            display_name = Escaped(&provider.display_name),
            about = Escaped(about),
        )
    };
    providers.map(button).collect()
}

/// A page with the service's refusal text, which is meant for people.
pub(super) fn refusal(refused: &Status) -> Reply {
    let (code, text) = (refused.code(), Escaped(refused.message()));
    page(
        "That did not work",
        &format!("<p id=\"refusal\">{code:?}: {text}</p>\n<p><a href=\"/\">Back</a></p>"),
    )
}
