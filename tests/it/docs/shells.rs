//! Shells, as a person uses them in a terminal.

use std::{fs, path::Path, process::Command};

use crate::support::child::run_command;

/// A shell as it is in a terminal: zsh has no comments there, and `!` stands for an earlier line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
}

impl Shell {
    /// The shell, to be started by `sh`.
    fn command(self) -> &'static str {
        match self {
            Self::Bash => "bash --norc --noprofile -o history -o histexpand -s",
            Self::Zsh => "zsh -f -i -s +o promptsp +o promptcr",
        }
    }

    pub(super) fn is_installed(self) -> bool {
        let name = self.command().split(' ').next().unwrap();
        let mut sh = Command::new("sh");
        sh.args(["-c", &format!("command -v {name}")]);
        run_command(sh).code == Some(0)
    }

    /// The shell in this folder, without prompts, and with these lines as what a person types. It
    /// also reads and writes files of its own there.
    pub(super) fn fed(self, lines: &str, folder: &Path) -> Command {
        let typed = folder.join("typed");
        fs::write(&typed, lines).unwrap();
        let mut sh = Command::new("sh");
        sh.args(["-c", &format!("exec {} < \"$0\"", self.command())]).arg(typed);
        sh.current_dir(folder)
            .env("PS1", "")
            .env("PS2", "")
            .env("HISTFILE", folder.join("history"));
        sh
    }
}
