//! The pages of the demo. Their templates are in `templates/`; askama checks them when it compiles,
//! and escapes each value that they show.

use askama::Template;
use axum::{
    extract::rejection::{FormRejection, QueryRejection},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use identity_link_proto::v1::SignInProvider;
use tonic::Status;

use super::{
    accounts::{AccountCard, JoinedCard},
    catalog::DemoProvider,
    sentences::{FAULT, WRONG_FORM, refused},
};

/// A response with the page of a template.
pub(super) struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page of the demo cannot be rendered");
                (StatusCode::INTERNAL_SERVER_ERROR, FAULT).into_response()
            }
        }
    }
}

/// The first page: what this is, and which people to play.
#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage {
    pub is_signed_in: bool,
}

/// The login page.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    /// Whether an account waits to be joined.
    pub has_ticket: bool,
    pub buttons: Vec<ProviderButton>,
}

/// The page after a sign-in.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(super) struct WelcomePage {
    /// What happened, in a sentence.
    pub outcome: &'static str,
    /// Why, in a sentence.
    pub why: &'static str,
}

/// The page that asks the person which user they are. It says nothing else about the candidates than
/// the ways in which they sign in: the person has not proven to be one of them.
#[derive(Template)]
#[template(path = "candidates.html")]
pub(super) struct CandidatesPage {
    /// The account that has just signed in.
    pub account: String,
    /// Why the person is asked, in a sentence.
    pub why: &'static str,
    /// The providers of the candidates.
    pub buttons: Vec<ProviderButton>,
}

/// The settings page.
#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    pub user_id: String,
    /// The name in the profile; empty if there is none.
    pub name: String,
    /// Whether an account waits to be joined.
    pub has_ticket: bool,
    pub accounts: Vec<AccountCard>,
    pub joined: Vec<JoinedCard>,
    pub buttons: Vec<ProviderButton>,
}

/// A page that says what a change does before it happens. Only its forms change something.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage {
    pub title: String,
    pub sentences: Vec<String>,
    pub parts: Vec<Part>,
    pub choices: Vec<Choice>,
}

/// A heading, and the lines of a list.
pub(super) struct Part {
    pub heading: &'static str,
    pub lines: Vec<String>,
}

/// A form that carries out a change.
pub(super) struct Choice {
    /// The id of its button.
    pub id: &'static str,
    /// Where it is sent.
    pub action: &'static str,
    pub heading: &'static str,
    /// When to choose it, in sentences.
    pub about: String,
    pub button: &'static str,
    /// Whether it is not the choice that the page is about.
    pub is_quiet: bool,
    /// Its hidden fields.
    pub fields: Vec<(&'static str, String)>,
}

/// The page of a provider on which the person chooses or types an account.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub provider: &'static DemoProvider,
    /// The account that the person probably has.
    pub login_hint: String,
}

/// A page that says why something did not work, and what to do.
#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    sentence: &'static str,
}

/// The response to a request that was refused.
pub(super) struct Refusal {
    status: StatusCode,
    sentence: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Page(RefusalPage { sentence: self.sentence })).into_response()
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        problem(StatusCode::BAD_REQUEST, refused(&status))
    }
}

impl From<FormRejection> for Refusal {
    fn from(rejection: FormRejection) -> Self {
        problem(rejection.status(), WRONG_FORM)
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        problem(rejection.status(), WRONG_FORM)
    }
}

/// A refusal by the demo itself.
pub(super) fn problem(status: StatusCode, sentence: &'static str) -> Refusal {
    Refusal { status, sentence }
}

/// A button that leads to a provider.
pub(super) struct ProviderButton {
    /// The provider's name.
    pub name: String,
    /// The text on the button.
    pub display_name: String,
    /// What a sign-in there demonstrates, in a sentence; empty for nothing.
    pub about: &'static str,
}

impl ProviderButton {
    /// A button that says nothing about the provider.
    pub(super) fn plain(provider: SignInProvider) -> Self {
        Self { name: provider.provider, display_name: provider.display_name, about: "" }
    }

    /// A button that says what signing in there demonstrates.
    pub(super) fn explained(provider: SignInProvider) -> Self {
        let about = DemoProvider::named(&provider.provider).map_or("", |known| known.about);
        Self { about, ..Self::plain(provider) }
    }
}

/// The look of the console, and what the demo adds to it.
const STYLE: &str = concat!(
    include_str!("../../../templates/console/style.css"),
    include_str!("../../templates/demo.css")
);

/// The style of all pages.
pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], STYLE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use identity_link_proto::v1::{Identity, IdentityRef, LinkRecord, User};

    use super::*;
    use crate::demo::{accounts, catalog::PROVIDERS};

    /// A text that ends an element, a tag or an attribute where it is not escaped.
    const HOSTILE: &str = "</title></code>'\"><script>alert(1)</script>&amp;";

    /// Each page that shows data, with this text as all of its data.
    fn pages(text: &str) -> [String; 5] {
        let text = text.to_owned();
        let button =
            || ProviderButton { name: text.clone(), display_name: text.clone(), about: "" };
        let identity = Identity {
            identity_ref: Some(IdentityRef { provider: text.clone(), subject: text.clone() }),
            email: text.clone(),
            ..Default::default()
        };
        let identities = vec![identity.clone(), identity.clone()];
        let user = User { id: text.clone(), identities, ..Default::default() };
        let link = LinkRecord {
            id: text.clone(),
            secondary_user_id: text.clone(),
            ..LinkRecord::default()
        };
        let settings = SettingsPage {
            user_id: text.clone(),
            name: text.clone(),
            has_ticket: true,
            accounts: accounts::cards(&user, &[], &BTreeSet::new()),
            joined: accounts::joined(&[link]),
            buttons: vec![button()],
        };
        let choice = Choice {
            id: "",
            action: "",
            heading: "",
            about: text.clone(),
            button: "",
            is_quiet: true,
            fields: vec![("version", text.clone())],
        };
        let confirm = ConfirmPage {
            title: text.clone(),
            sentences: vec![text.clone()],
            parts: vec![Part { heading: "", lines: vec![accounts::line(&identity)] }],
            choices: vec![choice],
        };
        let login = LoginPage { has_ticket: true, buttons: vec![button()] };
        let candidates = CandidatesPage { account: text.clone(), why: "", buttons: vec![button()] };
        let account = AccountPage { provider: &PROVIDERS[0], login_hint: text };
        [
            login.render().unwrap(),
            settings.render().unwrap(),
            candidates.render().unwrap(),
            confirm.render().unwrap(),
            account.render().unwrap(),
        ]
    }

    #[test]
    fn no_data_becomes_html() {
        let markup = |page: &str| page.matches(['<', '>', '"', '\'']).count();
        for (hostile, harmless) in pages(HOSTILE).iter().zip(pages("harmless")) {
            assert!(hostile.contains("&#60;script&#62;"), "{hostile}");
            assert!(hostile.contains("&#38;amp;"), "{hostile}");
            assert_eq!(markup(hostile), markup(&harmless), "{hostile}");
        }
    }
}
