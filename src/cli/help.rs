//! What `--help` and the man pages have after the options: examples, and what the exit codes mean.

use std::fmt::Write as _;

use super::{EX_INTERRUPTED, EX_NOT_CONFIRMED, EX_PARTLY, EX_USAGE};

/// The exit code for wrong arguments, which clap has for itself.
pub(super) const ARGUMENTS: u8 = 2;

/// An exit code of a command, and what it means.
pub(super) type Exit = (u8, &'static str);

pub(super) const DONE: Exit = (0, "The command succeeded.");
pub(super) const FAILED: Exit = (1, "The command failed. stderr says why.");
pub(super) const MISUSED: Exit = (ARGUMENTS, "The arguments are not valid, or there are none.");
pub(super) const MISCONFIGURED: Exit =
    (EX_USAGE, "The configuration or an option is not valid. stderr lists all problems.");
pub(super) const HEALTHY: Exit = (0, "No check failed. There may be warnings.");
pub(super) const UNHEALTHY: Exit = (1, "A check failed.");
pub(super) const INTERRUPTED: Exit =
    (EX_INTERRUPTED, "A second SIGINT or SIGTERM ended the command at once.");
pub(super) const PURGE_INTERRUPTED: Exit = (
    EX_INTERRUPTED,
    "A SIGINT or SIGTERM ended the command. What it has removed stays removed: run it again for the rest.",
);
pub(super) const EXPORT_UNKNOWN: Exit =
    (EX_PARTLY, "Some ids of the list have no user. The users of all others are written.");
pub(super) const EXPORT_INTERRUPTED: Exit =
    (EX_INTERRUPTED, "A SIGINT or SIGTERM ended the command. What it has written is not complete.");
pub(super) const IMPORT_REFUSED: Exit =
    (EX_PARTLY, "Some rows were refused. All others are users now, or would be.");
pub(super) const IMPORT_INTERRUPTED: Exit = (
    EX_INTERRUPTED,
    "A SIGINT or SIGTERM ended the command. The same command continues where it ended.",
);
pub(super) const ERASE_REFUSED: Exit =
    (EX_PARTLY, "Some ids were refused. The users of all others are deleted, or would be.");
pub(super) const ERASE_INTERRUPTED: Exit = (
    EX_INTERRUPTED,
    "A SIGINT or SIGTERM ended the command. What was deleted stays deleted: run it again for the rest.",
);
pub(super) const MOVE_REFUSED: Exit = (
    EX_PARTLY,
    "Some rows were refused. stdout says whether the provider has moved without them, or nothing was changed.",
);
pub(super) const MOVE_INTERRUPTED: Exit = (
    EX_INTERRUPTED,
    "A SIGINT or SIGTERM ended the command. If stderr says that accounts are being renamed, the same command must be run until it is done.",
);

pub(super) const LINKS_SKIPPED: Exit =
    (EX_PARTLY, "Some links were skipped. All others are done, or would be.");
pub(super) const LINKS_INTERRUPTED: Exit = (
    EX_INTERRUPTED,
    "A SIGINT or SIGTERM ended the command. What is done stays, and the same command continues.",
);

pub(super) const NOT_CONFIRMED: Exit = (
    EX_NOT_CONFIRMED,
    "Nothing was changed: the question was not answered with yes, or there is no terminal on which to ask it.",
);
pub(super) const WATCH_INTERRUPTED: Exit = (
    EX_INTERRUPTED,
    "A SIGINT or SIGTERM ended the command. stderr has the position from which to continue.",
);

/// The exit codes of a command that reads no configuration.
pub(super) const PLAIN: &[Exit] = &[DONE, FAILED, MISUSED];
/// The exit codes of a command that reads a configuration.
pub(super) const CONFIGURED: &[Exit] = &[DONE, FAILED, MISUSED, MISCONFIGURED];
/// The exit codes of a server.
pub(super) const SERVER: &[Exit] = &[DONE, FAILED, MISUSED, MISCONFIGURED, INTERRUPTED];
/// The exit codes of `doctor`.
pub(super) const DOCTOR: &[Exit] = &[HEALTHY, UNHEALTHY, MISUSED, MISCONFIGURED];
/// The exit codes of `purge`.
pub(super) const PURGE: &[Exit] = &[DONE, FAILED, MISUSED, MISCONFIGURED, PURGE_INTERRUPTED];
/// The exit codes of `export`.
pub(super) const EXPORT: &[Exit] =
    &[DONE, FAILED, MISUSED, EXPORT_UNKNOWN, MISCONFIGURED, EXPORT_INTERRUPTED];
/// The exit codes of `duplicates`.
pub(super) const DUPLICATES: &[Exit] = &[DONE, FAILED, MISUSED, MISCONFIGURED, EXPORT_INTERRUPTED];
/// The exit codes of `looks`.
pub(super) const LOOKS: &[Exit] = &[DONE, FAILED, MISUSED, MISCONFIGURED, EXPORT_INTERRUPTED];
/// The exit codes of `import`.
pub(super) const IMPORT: &[Exit] =
    &[DONE, FAILED, MISUSED, IMPORT_REFUSED, MISCONFIGURED, IMPORT_INTERRUPTED];
/// The exit codes of `apply`.
pub(super) const APPLY: &[Exit] =
    &[DONE, FAILED, MISUSED, LINKS_SKIPPED, MISCONFIGURED, LINKS_INTERRUPTED];
/// The exit codes of `undo`.
pub(super) const UNDO: &[Exit] =
    &[DONE, FAILED, MISUSED, LINKS_SKIPPED, NOT_CONFIRMED, MISCONFIGURED, LINKS_INTERRUPTED];
/// The exit codes of a command that makes calls, and changes nothing.
pub(super) const CALLED: &[Exit] = CONFIGURED;
/// The exit codes of a command that makes a change by calls.
pub(super) const CHANGED: &[Exit] = &[DONE, FAILED, MISUSED, NOT_CONFIRMED, MISCONFIGURED];
/// The exit codes of `watch`, which has no end of its own.
pub(super) const WATCHED: &[Exit] = &[FAILED, MISUSED, MISCONFIGURED, WATCH_INTERRUPTED];
/// The exit codes of `erase`.
pub(super) const ERASE: &[Exit] =
    &[DONE, FAILED, MISUSED, ERASE_REFUSED, MISCONFIGURED, ERASE_INTERRUPTED];
/// The exit codes of `provider move`.
pub(super) const MOVE: &[Exit] =
    &[DONE, FAILED, MISUSED, MOVE_REFUSED, MISCONFIGURED, MOVE_INTERRUPTED];

/// The headings of the two parts.
const HEADINGS: [&str; 2] = ["Examples:", "Exit codes:"];

/// The text after the options.
pub(super) fn after(examples: &[&str], exits: &[Exit]) -> String {
    let [first, second] = HEADINGS;
    let mut text = first.to_owned();
    for example in examples {
        let _ = write!(text, "\n  {example}");
    }
    let _ = write!(text, "\n\n{second}");
    for (code, meaning) in exits {
        let _ = write!(text, "\n  {code:<3}  {meaning}");
    }
    text
}

/// The examples in a text that [`after`] made.
pub(super) fn examples(after: &str) -> impl Iterator<Item = &str> {
    part(after, HEADINGS[0])
}

/// The exit codes in a text that [`after`] made, each with its meaning.
pub(super) fn exits(after: &str) -> impl Iterator<Item = (&str, &str)> {
    let exits = part(after, HEADINGS[1]);
    exits.filter_map(|line| line.split_once(' ')).map(|(code, meaning)| (code, meaning.trim()))
}

/// The lines below a heading.
fn part<'a>(after: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let below = after.lines().skip_while(move |line| *line != heading).skip(1);
    below.take_while(|line| !line.is_empty()).map(str::trim)
}
