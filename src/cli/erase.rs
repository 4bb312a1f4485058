//! `erase`: deletes the users of a list, for requests of people and of authorities.

use std::{fs::File, path::PathBuf};

use clap::Args;

use super::{
    ConfigFile, EX_INTERRUPTED, EX_PARTLY, Failure, output_file::output, progress::Progress,
    runtime, say, serve::on_signal, tenant::TenantArgument,
};
use crate::{
    store::Store,
    telemetry::metrics::Metrics,
    transfer::{
        erase::{Erase, EraseError, Erased},
        id_list::{IdList, IdListError},
    },
};

#[derive(Args)]
pub(super) struct EraseArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
    /// The users: a file with one id in each line. A user is deleted with all users that it has
    /// absorbed
    #[arg(long, value_name = "FILE")]
    ids: PathBuf,
    /// Change nothing, and say what would happen
    #[arg(long)]
    dry_run: bool,
    /// A file for what became of each id, which must not exist
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(super) fn run(arguments: &EraseArguments) -> Result<(), Failure> {
    let config = arguments.config.load_for_command()?;
    let tenant = arguments.tenant.find(&config.tenants)?;
    let name = arguments.ids.display();
    let list = File::open(&arguments.ids).map_err(IdListError::Io);
    let ids = list.and_then(IdList::read).map_err(|error| match error {
        IdListError::Problems(problems) => Failure::usage(format!("{name}: {problems}")),
        error @ (IdListError::Io(_) | IdListError::Keys(_)) => {
            Failure::from(format!("{name}: {error}"))
        }
    })?;
    let erased = runtime()?.block_on(async {
        let stop = on_signal()?;
        // The second connection is for what a deletion leaves.
        let store =
            Store::open(&config.database.address, 2, config.policies(), &Metrics::default())
                .await?;
        let report = arguments.report.as_deref().map(|path| output(path, false)).transpose()?;
        let word = if arguments.dry_run { "checking" } else { "erasing" };
        let progress = Progress::new(word, "ids", Some(ids.count()));
        let erase = Erase { store: &store, tenant: &tenant, ids: &ids, dry_run: arguments.dry_run };
        let erased = erase.run(report, &stop, &|done| progress.set(done)).await;
        progress.end();
        erased.map_err(|error| match error {
            EraseError::Stopped => Failure { text: error.to_string(), code: EX_INTERRUPTED },
            _ => Failure::from(error),
        })
    })?;
    let Erased { deleted, absorbed, with_holder, already, refused } = erased;
    let verb = if arguments.dry_run { "would be deleted" } else { "deleted" };
    say(&format!(
        "{tenant}: {verb}: {deleted} users, and {absorbed} users that they had absorbed, of which {with_holder} are in \
         the list; deleted before: {already}; refused: {refused}"
    ))?;
    match refused {
        0 => Ok(()),
        refused => Err(Failure {
            text: format!(
                "{refused} ids were refused: they have no user, or another user holds theirs, whose id must be in the list. --report names them"
            ),
            code: EX_PARTLY,
        }),
    }
}
