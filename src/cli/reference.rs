//! The reference page of the command line, made from clap's definitions.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _, Parser as _};
use expect_test::expect_file;

use super::{Arguments, EX_INTERRUPTED, EX_USAGE};

const TITLE: &str = "# Command line

This page is generated from the code; a test keeps it current.

The program is one file, `identity-link`. `--help` prints what it and each command take. An option with a default may
be left out.
";

const ENVIRONMENT: &str = "
## Environment

No option comes from the environment. The keys of the configuration do: see
[Configuration](configuration.md). Each command that takes `--config` reads them, and `dev` too.
";

/// What each exit code means.
fn exit_codes() -> [(i32, &'static str); 5] {
    // clap has the code for itself.
    let usage =
        Arguments::try_parse_from(["identity-link", "--no-such-option"]).err().unwrap().exit_code();
    [
        (0, "The command succeeded."),
        (1, "The command failed. stderr says why."),
        (usage, "The arguments are not valid, or there are none."),
        (
            EX_USAGE.into(),
            "The configuration or an option is not valid. stderr lists all problems.",
        ),
        (
            EX_INTERRUPTED.into(),
            "A second SIGINT or SIGTERM ended the command at once, or `purge` stopped at the first one.",
        ),
    ]
}

/// An option as it is written, such as `--config <FILE>`.
fn spelling(option: &Arg) -> String {
    let values: String = match option.get_action().takes_values() {
        true => option
            .get_value_names()
            .into_iter()
            .flatten()
            .map(|name| format!(" <{name}>"))
            .collect(),
        false => String::new(),
    };
    format!("--{}{values}", option.get_long().unwrap())
}

fn described(option: &Arg) -> String {
    let mut text = format!("- `{}`: {}.", spelling(option), option.get_help().unwrap());
    if option.is_required_set() {
        text.push_str(" Required.");
    }
    if option.get_action().takes_values() {
        for default in option.get_default_values() {
            let _ = write!(text, " Default: `{}`.", default.display());
        }
    }
    text
}

fn section(command: &mut Command) -> String {
    let usage = command.render_usage().to_string().replace("Usage: ", "");
    let mut text = format!(
        "\n## `{}`\n\n{}.\n\n```text\n{usage}\n```\n",
        command.get_name(),
        command.get_about().unwrap()
    );
    let options: Vec<String> =
        command.get_arguments().filter(|option| option.get_id() != "help").map(described).collect();
    if !options.is_empty() {
        let _ = write!(text, "\n{}\n", options.join("\n"));
    }
    text
}

#[test]
fn the_reference_page_is_that_of_the_code() {
    let mut program = Arguments::command();
    program.build();

    let mut page = TITLE.to_owned();
    for command in program.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        page.push_str(&section(command));
    }
    page.push_str("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for (code, meaning) in exit_codes() {
        let _ = writeln!(page, "| {code} | {meaning} |");
    }
    page.push_str(ENVIRONMENT);

    expect_file!["../../docs/reference/command-line.md"].assert_eq(&page);
}
