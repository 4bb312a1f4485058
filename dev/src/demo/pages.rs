//! The pages of the demo. Their templates are in `templates/`; askama checks them when it compiles,
//! and escapes each value that they show.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use identity_link_proto::v1::{SignInProvider, User};
use tonic::Status;

use super::catalog::DemoProvider;

/// A response with the page of a template.
pub(super) struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page of the demo cannot be rendered");
                status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
        }
    }
}

/// The login page.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    /// Whether an account waits to be linked.
    pub has_ticket: bool,
    pub buttons: Vec<ProviderButton>,
}

/// The page after a sign-in.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(super) struct WelcomePage {
    pub outcome: &'static str,
    /// The rule that decided.
    pub rule: &'static str,
}

/// The page that asks the person which user they are.
#[derive(Template)]
#[template(path = "candidates.html")]
pub(super) struct CandidatesPage {
    /// The rule that decided.
    pub rule: &'static str,
    /// The display names of the candidates' providers.
    pub provider_names: Vec<String>,
}

/// The settings page.
#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    pub user: User,
    /// Whether an account waits to be linked.
    pub has_ticket: bool,
    pub buttons: Vec<ProviderButton>,
}

/// The page of a provider on which the person types an account.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub provider: &'static DemoProvider,
    /// The account that the person probably has.
    pub login_hint: String,
}

/// A page with the service's refusal text, which is meant for people.
#[derive(Template)]
#[template(path = "refusal.html")]
pub(super) struct RefusalPage {
    pub refused: Status,
}

/// The response to a call that the service refused.
pub(super) type Refusal = Page<RefusalPage>;

impl From<Status> for Refusal {
    fn from(refused: Status) -> Self {
        Self(RefusalPage { refused })
    }
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

/// The style of all pages.
pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("../../templates/style.css"))
}

/// A response that consists of a status only.
pub(super) fn status(status: StatusCode) -> (StatusCode, String) {
    (status, status.to_string())
}

#[cfg(test)]
mod tests {
    use identity_link_proto::v1::{Identity, IdentityRef};

    use super::*;
    use crate::demo::catalog::PROVIDERS;

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
        let identities = vec![identity.clone(), identity];
        let user = User { id: text.clone(), identities, ..Default::default() };
        let login = LoginPage { has_ticket: true, buttons: vec![button()] };
        let settings = SettingsPage { user, has_ticket: true, buttons: vec![button()] };
        let candidates = CandidatesPage { rule: "", provider_names: vec![text.clone(); 2] };
        let refusal = RefusalPage { refused: Status::not_found(&text) };
        let account = AccountPage { provider: &PROVIDERS[0], login_hint: text };
        [
            login.render().unwrap(),
            settings.render().unwrap(),
            candidates.render().unwrap(),
            refusal.render().unwrap(),
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
