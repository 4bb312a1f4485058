//! The reference page of the command line, made from clap's definitions.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _, Parser as _};
use expect_test::expect_file;

use super::{Arguments, help};

const TITLE: &str = "# Command line

This page is generated from the code; a test keeps it current.

The program is one file, `identity-link`. `--help` prints what it and each command take. An option with a default may
be left out.
";

const ENVIRONMENT: &str = "
## Environment

`IDENTITY_LINK_CONFIG` names the configuration file if `--config` does not. No other option comes from the environment.
The keys of the configuration do: see [Configuration](configuration.md). Each command that takes `--config` reads them,
and `dev` too.
";

/// An argument as it is written, such as `--config <FILE>` or `<DIR>`.
fn spelling(option: &Arg) -> String {
    let is_optional = option.get_num_args().is_some_and(|count| count.min_values() == 0);
    let value = |name| if is_optional { format!(" [<{name}>]") } else { format!(" <{name}>") };
    let values: String = match option.get_action().takes_values() {
        true => option.get_value_names().into_iter().flatten().map(value).collect(),
        false => String::new(),
    };
    option
        .get_long()
        .map_or_else(|| values.trim_start().to_owned(), |name| format!("--{name}{values}"))
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

/// The commands that help shows, those below others included, each with its name.
fn commands(program: &Command, above: &str) -> Vec<(String, Command)> {
    let shown = program
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set());
    shown
        .flat_map(|command| {
            let name = format!("{above}{}", command.get_name());
            match command.has_subcommands() {
                true => commands(command, &format!("{name} ")),
                false => vec![(name, command.clone())],
            }
        })
        .collect()
}

fn section(name: &str, command: &mut Command) -> String {
    let usage = command.render_usage().to_string().replace("Usage: ", "");
    let mut text =
        format!("\n## `{name}`\n\n{}.\n\n```text\n{usage}\n```\n", command.get_about().unwrap());
    let options: Vec<String> =
        command.get_arguments().filter(|option| option.get_id() != "help").map(described).collect();
    if !options.is_empty() {
        let _ = write!(text, "\n{}\n", options.join("\n"));
    }
    let _ = write!(text, "\n```text\n{}\n```\n", command.get_after_help().unwrap());
    text
}

#[test]
fn the_reference_page_is_that_of_the_code() {
    let mut program = Arguments::command();
    program.build();

    let mut page = TITLE.to_owned();
    for (name, mut command) in commands(&program, "") {
        page.push_str(&section(&name, &mut command));
    }
    page.push_str(ENVIRONMENT);

    expect_file!["../../docs/reference/command-line.md"].assert_eq(&page);
}

/// The code that clap has for itself.
#[test]
fn wrong_arguments_have_the_exit_code_that_help_names() {
    let error = Arguments::try_parse_from(["identity-link", "--no-such-option"]).err().unwrap();
    assert_eq!(error.exit_code(), i32::from(help::ARGUMENTS));
}

#[test]
fn the_examples_in_help_are_commands() {
    let mut program = Arguments::command();
    program.build();
    for (name, command) in commands(&program, "") {
        let after = command.get_after_help().unwrap().to_string();
        let examples = Vec::from_iter(help::examples(&after));
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            let line = example.split(" > ").next().unwrap();
            let words = line.split(' ').skip_while(|word| word.contains('='));
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{example}: {error}");
            }
        }
    }
}
