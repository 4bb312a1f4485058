//! `link`: makes two users one.

use clap::{Args, ValueEnum};
use identity_link_client::{Client, v1};
use uuid::Uuid;

use super::{
    super::{Failure, say},
    confirm::{Confirmation, Plan},
    connection::{Connected, Connection, OutputForm, misused},
    json::json,
    refusal::refused,
    shown::plain,
    table::width,
    user::get,
    views,
};

#[derive(Args)]
pub(in crate::cli) struct LinkArguments {
    #[command(flatten)]
    connection: Connection,
    /// The id of the user that stays
    #[arg(value_name = "USER")]
    primary: String,
    /// The id of the user that it absorbs; or PROVIDER|SUBJECT, with --account
    #[arg(value_name = "OTHER")]
    secondary: String,
    /// OTHER is an account: the user that holds it is absorbed
    #[arg(long)]
    account: bool,
    /// Merge this metadata of the other user, `user` or `app`; without it, it stays behind. Both are
    /// possible
    #[arg(long, value_name = "KIND", value_delimiter = ',', hide_possible_values = true)]
    merge: Vec<Namespace>,
    /// What a merge does where both have different values: `primary` or `secondary` wins, or it fails
    /// (`fail`)
    #[arg(long, value_name = "RULE", default_value = "primary", hide_possible_values = true)]
    conflict: Conflict,
    /// What a merge makes of two arrays: `concatenate`, `union` or `replace`
    #[arg(long, value_name = "RULE", default_value = "concatenate", hide_possible_values = true)]
    arrays: Arrays,
    /// Refuse the link unless both users have an email that is verified on both sides
    #[arg(long)]
    require_shared_email: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Namespace {
    User,
    App,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Conflict {
    Primary,
    Secondary,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Arrays {
    Concatenate,
    Union,
    Replace,
}

pub(in crate::cli) fn link(arguments: &LinkArguments) -> Result<(), Failure> {
    let request = arguments.request()?;
    let output = arguments.connection.output();
    arguments.connection.run_because(arguments.confirmation.reason(), async |connected| {
        let Connected { client, is_operator, .. } = &connected;
        let mut request = request;
        if *is_operator {
            // A plan of one link, which `links --plan` and `undo --plan` find: an operator links by
            // plans.
            request.plan_id = Uuid::now_v7().to_string();
        }
        let plan = arguments.confirmation.plan();
        if plan != Plan::Change {
            // The change is made to what the preview showed, or refused.
            request.expected_version = Some(get(client, &request.user_id).await?.version);
            let other = secondary(client, &request).await?;
            request.expected_secondary_version = Some(other.version);
            let preview = v1::LinkRequest { validate_only: true, ..request.clone() };
            let preview = client.link(preview).await.map_err(refused)?;
            let is_linked = preview.outcome() == v1::link_response::Outcome::AlreadyLinked;
            // A link that is there already changes nothing: no question is needed.
            if !is_linked || plan == Plan::Preview {
                let [user, other] = [&request.user_id, &other.id].map(|id| plain(id));
                let question = format!("Link {other} into {user}?");
                if !plan.confirmed(output, |form| shown(&preview, form, true), &question)? {
                    return Ok(());
                }
            }
        }
        let linked = client.link(request).await.map_err(refused)?;
        say(&shown(&linked, output, false)?)
    })
}

/// The secondary user.
async fn secondary(client: &Client, request: &v1::LinkRequest) -> Result<v1::User, Failure> {
    use v1::link_request::Secondary;
    match &request.secondary {
        Some(Secondary::Identity(identity)) => {
            let request = v1::FindByIdentityRequest { identity: Some(identity.clone()) };
            let found = client.find_by_identity(request).await.map_err(refused)?;
            Ok(found.user.unwrap_or_default())
        }
        Some(Secondary::SecondaryUserId(id)) => get(client, id).await,
        _ => Ok(v1::User::default()),
    }
}

impl LinkArguments {
    fn request(&self) -> Result<v1::LinkRequest, Failure> {
        use v1::link_request::Secondary;
        let secondary = if self.account {
            Secondary::Identity(parsed_account(&self.secondary)?)
        } else {
            Secondary::SecondaryUserId(self.secondary.clone())
        };
        Ok(v1::LinkRequest {
            user_id: self.primary.clone(),
            secondary: Some(secondary),
            user_metadata: self.merged(Namespace::User),
            app_metadata: self.merged(Namespace::App),
            require_shared_verified_email: self.require_shared_email,
            ..v1::LinkRequest::default()
        })
    }

    fn merged(&self, namespace: Namespace) -> Option<v1::MetadataMerge> {
        use v1::metadata_merge::{Arrays as PbArrays, Conflict as PbConflict, Strategy};
        self.merge.contains(&namespace).then(|| {
            let mut merge = v1::MetadataMerge::default();
            merge.set_strategy(Strategy::Merge);
            merge.set_conflict(match self.conflict {
                Conflict::Primary => PbConflict::PrimaryWins,
                Conflict::Secondary => PbConflict::SecondaryWins,
                Conflict::Fail => PbConflict::Fail,
            });
            merge.set_arrays(match self.arrays {
                Arrays::Concatenate => PbArrays::Concatenate,
                Arrays::Union => PbArrays::Union,
                Arrays::Replace => PbArrays::Replace,
            });
            merge
        })
    }
}

/// An account in the form `PROVIDER|SUBJECT`.
pub(super) fn parsed_account(text: &str) -> Result<v1::IdentityRef, Failure> {
    let (provider, subject) = text.split_once('|').ok_or_else(|| {
        misused("an account must be PROVIDER|SUBJECT, in quotes: a shell reads | otherwise")
    })?;
    Ok(v1::IdentityRef { provider: provider.to_owned(), subject: subject.to_owned() })
}

/// The response of a link, or of its preview.
fn shown(
    response: &v1::LinkResponse,
    output: OutputForm,
    is_preview: bool,
) -> Result<String, Failure> {
    use v1::link_response::Outcome;
    if output == OutputForm::Json {
        return json(response);
    }
    let link = response.link.clone().unwrap_or_default();
    let other = plain(&link.secondary_user_id);
    let done = match (response.outcome(), is_preview) {
        (Outcome::AlreadyLinked, _) => "the two are linked already: nothing changes".to_owned(),
        (Outcome::Absorbed, true) => format!("would absorb {other}; afterwards:"),
        (Outcome::Absorbed, false) => format!("absorbed {other}, by link {}", link.id),
        (Outcome::Attached | Outcome::Unspecified, true) => "would link; afterwards:".to_owned(),
        (Outcome::Attached | Outcome::Unspecified, false) => format!("linked, by link {}", link.id),
    };
    let user = views::user(&response.user.clone().unwrap_or_default(), width())?;
    let changes = views::changes(&response.metadata_changes, width());
    Ok(Vec::from_iter([done, user].into_iter().chain(changes)).join("\n\n"))
}
