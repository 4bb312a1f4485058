//! The pages of the demo. Their templates are in `templates/`; askama checks them when it compiles,
//! and escapes each value that they show.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use identity_link_proto::v1::{SignInProvider, User};
use tonic::Status;

use super::{
    catalog::DemoProvider,
    sentences::{FAULT, refused},
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
    /// Why the person is asked, in a sentence.
    pub why: &'static str,
    /// The providers of the candidates.
    pub buttons: Vec<ProviderButton>,
}

/// The settings page.
#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    pub user: User,
    /// Whether an account waits to be joined.
    pub has_ticket: bool,
    pub buttons: Vec<ProviderButton>,
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
    /// What the provider demonstrates; empty if it is not one of the demo's.
    pub about: &'static str,
}

impl From<SignInProvider> for ProviderButton {
    fn from(provider: SignInProvider) -> Self {
        let about = DemoProvider::named(&provider.provider).map_or("", |known| known.about);
        Self { name: provider.provider, display_name: provider.display_name, about }
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
    use identity_link_proto::v1::{Identity, IdentityRef};

    use super::*;
    use crate::demo::catalog::PROVIDERS;

    /// A text that ends an element, a tag or an attribute where it is not escaped.
    const HOSTILE: &str = "</title></code>'\"><script>alert(1)</script>&amp;";

    /// Each page that shows data, with this text as all of its data.
    fn pages(text: &str) -> [String; 4] {
        let text = text.to_owned();
        let button =
            || ProviderButton { name: text.clone(), display_name: text.clone(), about: "" };
        let identity = Identity {
            identity_ref: Some(IdentityRef { provider: text.clone(), subject: text.clone() }),
            email: text.clone(),
            ..Default::default()
        };
        let identities = vec![identity.clone(), identity];
        let user = User { id: text.clone(), identities, ..Default::default() };
        let login = LoginPage { has_ticket: true, buttons: vec![button()] };
        let settings = SettingsPage { user, has_ticket: true, buttons: vec![button()] };
        let candidates = CandidatesPage { why: "", buttons: vec![button()] };
        let account = AccountPage { provider: &PROVIDERS[0], login_hint: text };
        [
            login.render().unwrap(),
            settings.render().unwrap(),
            candidates.render().unwrap(),
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
