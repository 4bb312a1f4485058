//! The providers of the demo: what each demonstrates, and its configuration at the service.

use std::{fmt::Write as _, net::SocketAddr};

use super::Site;

/// The route to which the demo's providers redirect. The path contains the provider's name, so the
/// return names its provider.
pub(super) const CALLBACK_ROUTE: &str = "/callback/{provider}";
/// The service's client id at each provider of the demo, and its secret, which protects nothing.
pub(super) const CLIENT: (&str, &str) = ("demo", "no-secret-at-all");

/// A provider of the demo, which stands in for a real one.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoProvider {
    /// The name in the configuration.
    pub name: &'static str,
    /// The name for people, as on its button.
    pub display_name: &'static str,
    /// Whether it verifies emails.
    pub verifies: bool,
    /// Its other keys in the configuration.
    pub settings: &'static str,
    /// A sentence about what it demonstrates.
    pub about: &'static str,
    /// The accounts that it offers. A visitor can type any other.
    pub accounts: &'static [DemoAccount],
}

/// An account that a provider offers to a visitor.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoAccount {
    /// The person's name.
    pub name: &'static str,
    /// The account's name at the provider.
    pub subject: &'static str,
    /// Empty for none.
    pub email: &'static str,
}

/// An account of the first of the two people.
const fn ann(subject: &'static str) -> DemoAccount {
    DemoAccount { name: "Ann Lee", subject, email: "ann@example.com" }
}

/// An account of the second.
const fn ben(subject: &'static str, email: &'static str) -> DemoAccount {
    DemoAccount { name: "Ben Okoro", subject, email }
}

/// Two that link automatically, one that asks, one whose accounts have no email that counts, and one
/// that is link-only.
pub(super) const PROVIDERS: [DemoProvider; 5] = [
    DemoProvider {
        name: "demo-google",
        display_name: "Google",
        verifies: true,
        settings: "email_trust = \"when_verified\"\nlinking = \"automatic\"",
        about: "Its verified email adds the account to your user if you proved the same email with GitHub.",
        accounts: &[ann("ann.lee"), ben("ben.okoro", "ben@example.com")],
    },
    DemoProvider {
        name: "demo-github",
        display_name: "GitHub",
        verifies: true,
        settings: "email_trust = \"when_verified\"\nlinking = \"automatic\"",
        about: "Its verified email adds the account to your user if you proved the same email with Google.",
        accounts: &[ann("ann-codes")],
    },
    DemoProvider {
        name: "demo-microsoft",
        display_name: "Microsoft",
        verifies: true,
        settings: "email_trust = \"when_verified\"\nlinking = \"suggest\"",
        about: "It verifies emails too, but you are asked before anything is joined.",
        accounts: &[ann("ann.lee.work")],
    },
    DemoProvider {
        name: "demo-phone",
        display_name: "Phone",
        verifies: false,
        settings: "email_trust = \"never\"",
        about: "It verifies no email, so an email from here finds no user.",
        accounts: &[ben("+14255550123", "")],
    },
    DemoProvider {
        name: "demo-wallet",
        display_name: "Wallet",
        verifies: false,
        settings: "mode = \"link_only\"",
        about: "It can be added to a user, but signs no user in.",
        accounts: &[ben("0xbe7", "")],
    },
];

/// Where the staff of the console sign in.
pub(super) const STAFF: DemoProvider = DemoProvider {
    name: "demo-staff",
    display_name: "Demo Staff",
    verifies: true,
    settings: "",
    about: "Support staff sign in to the console here: as any person, with any role.",
    accounts: &[],
};
/// The roles of the staff, from the lowest to the highest.
pub(super) const ROLES: [&str; 3] = ["viewer", "support", "operator"];

/// The name of a provider for people; its name in the configuration if it is not one of the demo's.
pub(super) fn display_name(provider: &str) -> &str {
    DemoProvider::named(provider).map_or(provider, |known| known.display_name)
}

impl DemoProvider {
    /// Whether the staff of the console sign in here.
    pub(super) fn is_of_staff(&self) -> bool {
        self.name == STAFF.name
    }

    /// The provider of this name, if it is one of the demo's.
    pub(super) fn named(name: &str) -> Option<&'static DemoProvider> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// The path of its issuer, below which its endpoints are.
    pub(super) fn issuer_path(&self) -> String {
        format!("/providers/{}", self.name)
    }

    /// Its `iss`, at a demo whose listener has the URL `base`.
    pub(super) fn issuer(&self, base: &str) -> String {
        format!("{base}{}", self.issuer_path())
    }
}

/// The configuration of a console at this address, whose staff sign in at this demo.
pub fn console_toml(console: SocketAddr, site: &Site) -> String {
    let (client_id, client_secret) = CLIENT;
    let issuer = STAFF.issuer(&site.base);
    let [viewer, support, operator] = ROLES;
    format!(
        "\n[console]\nlisten = \"{console}\"\nbase_url = \"http://{console}\"\nissuer = {issuer:?}\n\
         client_id = {client_id:?}\nclient_secret = {client_secret:?}\nalgorithms = [\"EdDSA\"]\n\
         viewers = [{viewer:?}]\nsupport = [{support:?}]\noperators = [{operator:?}]\n"
    )
}

/// The URI to which the provider of the staff redirects, of a console at this address.
pub(super) fn console_redirect_uri(console: SocketAddr) -> String {
    format!("http://{console}/callback")
}

/// The redirect URI of a provider, at a demo that browsers reach at `url`.
pub(super) fn redirect_uri(url: &str, provider: &str) -> String {
    format!("{url}{}", CALLBACK_ROUTE.replace("{provider}", provider))
}

/// The configuration of the providers of a demo.
pub fn config_toml(tenant: &str, site: &Site) -> String {
    let mut toml = String::new();
    let (client_id, client_secret) = CLIENT;
    for provider in PROVIDERS {
        // Writing to a String cannot fail.
        let _ = write!(
            toml,
            "\n[tenants.{tenant}.providers.{name}]\n{settings}\n\
             [tenants.{tenant}.providers.{name}.oauth]\nkind = \"oidc\"\nissuer = {issuer:?}\n\
             client_id = {client_id:?}\nclient_secret = {client_secret:?}\nredirect_uris = [{redirect_uri:?}]\n\
             display_name = {display_name:?}\nalgorithms = [\"EdDSA\"]\n",
            name = provider.name,
            settings = provider.settings,
            issuer = provider.issuer(&site.base),
            redirect_uri = redirect_uri(&site.url, provider.name),
            display_name = provider.display_name,
        );
    }
    toml
}
