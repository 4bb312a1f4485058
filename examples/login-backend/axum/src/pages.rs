//! The page of each response. askama checks its template when it compiles, and escapes each value.

use std::collections::{HashMap, HashSet};

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use identity_link_client::v1::{IdentityRef, SignInProvider, User};
use prost_types::{Timestamp, value};

use crate::sessions::{Kind, Pending};

/// What a page shows.
pub(crate) enum View {
    Login,
    /// The question of a sign-in that is not decided.
    Waiting(Pending),
    Settings {
        user: Box<User>,
        notice: String,
        pending: Option<Pending>,
    },
    Refusal(&'static str),
}

#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct Page {
    pub(crate) view: View,
    /// The providers with a button.
    pub(crate) offered: Vec<SignInProvider>,
    /// What people call the providers.
    pub(crate) names: HashMap<String, String>,
}

impl Page {
    /// A page without buttons of providers.
    pub(crate) fn of(view: View) -> Self {
        Self { view, offered: Vec::new(), names: HashMap::new() }
    }

    fn name<'a>(&'a self, provider: &'a str) -> &'a str {
        self.names.get(provider).map_or(provider, String::as_str)
    }

    fn names_of(&self, providers: &[String]) -> String {
        let names: Vec<&str> = providers.iter().map(|provider| self.name(provider)).collect();
        names.join(", ")
    }

    fn names_of_accounts(&self, accounts: &HashSet<IdentityRef>) -> String {
        let mut names: Vec<&str> =
            accounts.iter().map(|account| self.name(&account.provider)).collect();
        names.sort_unstable();
        names.join(", ")
    }

    fn user_name<'a>(&self, user: &'a User) -> &'a str {
        let name = user.profile.as_ref().and_then(|profile| profile.fields.get("name"));
        match name.and_then(|name| name.kind.as_ref()) {
            Some(value::Kind::StringValue(name)) => name,
            _ => "signed in",
        }
    }

    fn day(&self, time: &Option<Timestamp>) -> String {
        // RFC 3339, in UTC.
        time.map_or_else(String::new, |time| time.to_string().chars().take(10).collect())
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(html) => Html(html).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
