//! The settings page: it lists the user's accounts, and links and unlinks them.

use identity_link_proto::v1::{Identity, IdentityRef};

use super::{
    Demo, TICKET,
    login::{buttons, refusal},
    web::{DemoRequest, Escaped, Reply, page, redirect, with_cookie},
};

impl Demo {
    /// The settings page of the user.
    pub(super) async fn settings_page(&self, incoming: &DemoRequest, user_id: &str) -> Reply {
        let (user, providers) =
            match tokio::try_join!(self.backend.user(user_id), self.backend.providers()) {
                Ok(both) => both,
                // The user may have been deleted meanwhile: the session ends.
                Err(refused) => return with_cookie(refusal(&refused), super::SESSION, ""),
            };
        let is_last = user.identities.len() == 1;
        let accounts: String =
            user.identities.iter().map(|identity| account(identity, is_last)).collect();
        let waiting = match incoming.cookies.get(TICKET) {
            "" => "",
            _ => {
                "<form method=\"post\" action=\"/link-ticket\"><button id=\"link-ticket\">Link the account that \
                  I came with</button></form>\n"
            }
        };
        page(
            "Your settings",
            &format!(
                "<p>You are <code id=\"user\">{id}</code>.</p>\n{waiting}<ul id=\"accounts\">\n{accounts}</ul>\n\
                 <h2>Link another account</h2>\n{more}\
                 <form method=\"post\" action=\"/sign-out\"><button id=\"sign-out\">Sign out</button></form>",
                id = Escaped(&user.id),
                more = buttons("/link", "Link", providers.iter()),
            ),
        )
    }

    /// Links the account that a ticket proves.
    pub(super) async fn link_ticket(&self, incoming: &DemoRequest, user: &str) -> Reply {
        let reply = match self.backend.link_ticket(user, incoming.cookies.get(TICKET)).await {
            Ok(()) => redirect("/"),
            Err(refused) => refusal(&refused),
        };
        with_cookie(reply, TICKET, "")
    }

    /// Unlinks an account, which is a user of its own afterwards.
    pub(super) async fn unlink(&self, incoming: &DemoRequest, user: &str) -> Reply {
        let field = |name| incoming.form.get(name).to_owned();
        let identity = IdentityRef { provider: field("provider"), subject: field("subject") };
        match self.backend.unlink(user, identity).await {
            Ok(()) => redirect("/"),
            Err(refused) => refusal(&refused),
        }
    }
}

fn account(identity: &Identity, is_last: bool) -> String {
    let Some(IdentityRef { provider, subject }) = &identity.identity_ref else {
        return String::new();
    };
    let (provider, subject) = (Escaped(provider), Escaped(subject));
    let button = match is_last {
        true => String::new(),
        false => format!(
            "<form method=\"post\" action=\"/unlink\"><input type=\"hidden\" name=\"provider\" value=\"{provider}\">\
             <input type=\"hidden\" name=\"subject\" value=\"{subject}\">\
             <button id=\"unlink-{provider}\">Unlink</button></form>"
        ),
    };
    let verified = if identity.email_verified { "verified" } else { "not verified" };
    let email = match identity.email.as_str() {
        "" => "no email".to_owned(),
        email => format!("{}, {verified}", Escaped(email)),
    };
    format!("<li>{provider}: {subject} ({email}) {button}</li>\n")
}
