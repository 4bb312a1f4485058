//! `completions` and `man`: what shells and people need beside the binary, made from its arguments.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Arguments, Failure, help, say};

#[derive(Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Args)]
pub(super) struct ManArguments {
    /// The folder for the pages, a file for each command; it is made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the completion script of a shell.
pub(super) fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    // Written at once: the generator would panic on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    let mut script = String::from_utf8(script)?;
    if arguments.shell == Shell::Bash {
        // The generator spells the name of a program with a hyphen in two ways, so that nothing is
        // completed after a command (clap-rs/clap#6421).
        script = script.replace("identity__subcmd__link", "identity__link");
    }
    Ok(io::stdout().write_all(script.as_bytes())?)
}

/// Writes the man pages.
pub(super) fn man(ManArguments { folder }: &ManArguments) -> Result<(), Failure> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    write_pages(&program, folder)
        .map_err(|error| Failure::from(format!("{}: {error}", folder.display())))?;
    say(&format!(
        "wrote the man pages: read them by `man -l {}`",
        folder.join("identity-link.1").display()
    ))
}

/// Writes the pages of this command and of those below it.
fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let page = Man::new(command.clone());
    fs::write(folder.join(page.get_filename()), rendered(&page, command)?)?;
    let mut below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.try_for_each(|below| write_pages(below, folder))
}

/// A page. The text after the options becomes the sections that man pages have for it.
fn rendered(page: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(after) = command.get_after_help().map(ToString::to_string) {
        writeln!(text, ".SH EXAMPLES\n.nf")?;
        for example in help::examples(&after) {
            writeln!(text, "{}", escaped(example))?;
        }
        writeln!(text, ".fi\n.SH \"EXIT STATUS\"")?;
        for (code, meaning) in help::exits(&after) {
            writeln!(text, ".TP\n.B {code}\n{}", escaped(meaning))?;
        }
    }
    Ok(text)
}

/// A line of plain text, none of which roff takes for a request.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}
