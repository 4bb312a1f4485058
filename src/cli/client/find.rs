//! `find`: users by what a person has at hand.

use clap::Args;
use futures_util::TryStreamExt as _;
use identity_link_client::{Client, Error, Reason, v1};
use uuid::Uuid;

use super::{
    super::{Failure, say},
    connection::{Connection, OutputForm},
    json::json,
    refusal::refused,
    table::width,
    views,
};

/// The provider whose accounts are phone numbers.
const PHONES: &str = "sms";

#[derive(Args)]
pub(in crate::cli) struct FindArguments {
    #[command(flatten)]
    connection: Connection,
    /// An email, a phone number such as +15550100 (an account of the provider `sms`), an account as
    /// PROVIDER|SUBJECT, the id of a user, live or absorbed, or the id of a link
    #[arg(value_name = "WHAT")]
    what: String,
}

/// What was found, and as what.
#[derive(Default)]
struct Found {
    users: Vec<(v1::User, &'static str)>,
    links: Vec<v1::LinkRecord>,
    /// The provider of the account, if the tenant declares none of this name.
    undeclared: Option<String>,
}

pub(in crate::cli) fn find(arguments: &FindArguments) -> Result<(), Failure> {
    let what = arguments.what.trim();
    arguments.connection.run(async |connected| {
        let found = Found::by(&connected.client, what).await?;
        let Found { users, links, undeclared } = &found;
        if users.is_empty() && links.is_empty() {
            let hint = undeclared.as_ref().map(|provider| {
                format!("; this tenant declares no provider {provider}: check its name")
            });
            return Err(Failure::from(format!(
                "nothing was found: no user has this email, account or id, and no link has this id{}",
                hint.unwrap_or_default(),
            )));
        }
        if arguments.connection.output() == OutputForm::Json {
            for (user, _) in users {
                say(&json(user)?)?;
            }
            return links.iter().try_for_each(|link| say(&json(link)?));
        }
        if !users.is_empty() {
            say(&views::found(users.iter().map(|(user, by)| (user, *by)), width()))?;
        }
        if !links.is_empty() {
            say(&views::links(links, width()))?;
        }
        Ok(())
    })
}

impl Found {
    /// Looks for all that the text may mean: an id may look like an account or an email.
    async fn by(client: &Client, what: &str) -> Result<Self, Failure> {
        let mut found = Self::default();
        if what.contains('@') {
            found.by_email(client, what).await?;
        }
        if let Some((provider, subject)) = what.split_once('|') {
            found.by_account(client, provider, subject, "account").await?;
        }
        let digits = what.strip_prefix('+').unwrap_or_default();
        if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            found.by_account(client, PHONES, what, "phone number").await?;
        }
        found.by_user_id(client, what).await?;
        if let Ok(id) = Uuid::try_parse(what) {
            found.links.extend(link_of(client, id).await?);
        }
        Ok(found)
    }

    fn add(&mut self, user: v1::User, by: &'static str) {
        if !self.users.iter().any(|(found, _)| found.id == user.id) {
            self.users.push((user, by));
        }
    }

    async fn by_email(&mut self, client: &Client, email: &str) -> Result<(), Failure> {
        let mut matches = client.find_by_email_all(v1::FindByEmailRequest {
            email: email.to_owned(),
            include_unverified: true,
            ..v1::FindByEmailRequest::default()
        });
        loop {
            match matches.try_next().await {
                Ok(Some(v1::EmailMatch { user: Some(user), verified, .. })) => {
                    self.add(user, if verified { "verified email" } else { "unverified email" });
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if is_other_form(&error) => return Ok(()),
                Err(error) => return Err(refused(error)),
            }
        }
    }

    async fn by_account(
        &mut self,
        client: &Client,
        provider: &str,
        subject: &str,
        by: &'static str,
    ) -> Result<(), Failure> {
        let identity =
            v1::IdentityRef { provider: provider.to_owned(), subject: subject.to_owned() };
        let request = v1::FindByIdentityRequest { identity: Some(identity) };
        match client.find_by_identity(request).await {
            Ok(response) => {
                self.add(response.user.unwrap_or_default(), by);
                Ok(())
            }
            Err(error) if error.reason() == Some(Reason::ProviderUnknown) => {
                self.undeclared = Some(provider.to_owned());
                Ok(())
            }
            Err(error) => nothing(error),
        }
    }

    async fn by_user_id(&mut self, client: &Client, id: &str) -> Result<(), Failure> {
        match client.get_user(v1::GetUserRequest { user_id: id.to_owned() }).await {
            Ok(response) => {
                let user = response.user.unwrap_or_default();
                let by = if user.id == id { "user id" } else { "absorbed user id" };
                self.add(user, by);
                Ok(())
            }
            Err(error) => nothing(error),
        }
    }
}

/// The link of this id.
pub(super) async fn link_of(client: &Client, id: Uuid) -> Result<Option<v1::LinkRecord>, Failure> {
    let filter = v1::LinkFilter { link_id: id.to_string(), ..v1::LinkFilter::default() };
    let request = v1::ListLinksRequest { filter: Some(filter), ..v1::ListLinksRequest::default() };
    match client.list_links(request).await {
        Ok(mut page) => Ok(page.links.pop()),
        Err(error) if is_other_form(&error) => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

/// Nothing for a refusal that says so; a failure for others.
fn nothing(error: Error) -> Result<(), Failure> {
    match error.reason() {
        Some(Reason::UserNotFound | Reason::IdentityNotFound) => Ok(()),
        _ if is_other_form(&error) => Ok(()),
        _ => Err(refused(error)),
    }
}

/// Whether the text cannot be what it was looked up as.
fn is_other_form(error: &Error) -> bool {
    error.reason() == Some(Reason::RequestInvalid)
}
