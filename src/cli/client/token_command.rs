//! The tokens that another program gets. Neither the arguments of a process nor a log line has one.

use std::{
    io::{self, Read as _},
    process::{Command, Stdio},
};

use identity_link_client::{TokenError, TokenSource};

/// The longest output of the program, in bytes: the server takes no longer token.
const MAX_OUTPUT: u64 = 64 * 1024;

/// The tokens that this line of a shell prints.
pub(super) fn token_command(line: String) -> TokenSource {
    TokenSource::function(move || {
        let line = line.clone();
        // A thread of its own: the program may ask a person something.
        let run = tokio::task::spawn_blocking(move || printed(&line));
        async move {
            let printed: Result<String, TokenError> =
                run.await?.map_err(|error| format!("--token-command: {error}").into());
            printed
        }
    })
}

/// What the program prints to stdout. Its stderr is that of this process.
fn printed(line: &str) -> io::Result<String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).stdout(Stdio::piped());
    let mut child = shell.spawn()?;
    let mut output = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT).read_to_string(&mut output)?;
    }
    let ended = child.wait()?;
    match ended.success() {
        true => Ok(output.trim().to_owned()),
        false => Err(io::Error::other(format!("the command failed: {ended}"))),
    }
}
