//! The question before a change, on a terminal.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Desk, WAYS, Way, settled};
use crate::support::links_of;

/// A command whose stdin and stderr are a terminal.
struct Asked {
    child: std::process::Child,
    terminal: File,
    shown: Vec<u8>,
}

impl Asked {
    fn start(mut command: Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let end = OpenOptions::new().read(true).write(true).open(name).unwrap();
        command.env("TERM", "xterm").stdin(end.try_clone().unwrap());
        command.stdout(Stdio::piped()).stderr(end);
        let child = command.spawn().unwrap();
        // The child now has the only handles of its end of the terminal.
        drop(command);
        Self { child, terminal: File::from(terminal), shown: Vec::new() }
    }

    /// Reads what the terminal shows, until it ends with the question.
    fn until_question(&mut self) -> String {
        let mut byte = [0];
        while !self.shown.ends_with(b"[y/N] ") {
            self.terminal.read_exact(&mut byte).unwrap();
            self.shown.extend(byte);
        }
        String::from_utf8_lossy(&self.shown).replace("\r\n", "\n")
    }

    /// Types, and returns the exit code, what the terminal showed afterwards, and stdout.
    fn answer(mut self, typed: &str) -> (Option<i32>, String, String) {
        self.terminal.write_all(typed.as_bytes()).unwrap();
        let mut rest = Vec::new();
        // This ends with an error after the other end is closed.
        let _ = self.terminal.read_to_end(&mut rest);
        let ran = self.child.wait_with_output().unwrap();
        let rest = String::from_utf8_lossy(&rest).replace("\r\n", "\n");
        (ran.status.code(), rest, String::from_utf8(ran.stdout).unwrap())
    }
}

const LINK: [&str; 3] = ["link", "github|ann", "sms|+15550100"];

async fn count_links(desk: &Desk) -> usize {
    desk.server.service().list_links(links_of("github|ann")).await.unwrap().links.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_yes_makes_the_change() {
    for way in WAYS {
        let desk = Desk::start(&format!("asked_{way:?}")).await;
        desk.two().await;
        for no in ["n\n", "\n", "yeah\n", "\u{4}"] {
            let mut asked = Asked::start(desk.command(way, &LINK));
            asked.until_question();
            let (code, rest, stdout) = asked.answer(no);
            assert_eq!((code, stdout.as_str()), (Some(4), ""), "{rest}");
            assert!(rest.ends_with("identity-link: nothing was changed\n"), "{rest}");
            assert_eq!(count_links(&desk).await, 0);
        }
        let mut asked =
            Asked::start(desk.command(way, &[&LINK[..], &["--output", "json"]].concat()));
        let question = asked.until_question();
        let (code, _, stdout) = asked.answer("Yes\n");
        assert_eq!(code, Some(0));
        // stdout has the result alone.
        let made: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(made["outcome"], "OUTCOME_ABSORBED");
        assert_eq!(count_links(&desk).await, 1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(settled(&question), @"
                would absorb sms|+15550100; afterwards:

                user       github|ann
                version    2
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT        EMAIL                       SINCE                 FROM USER
                github|ann     ann@example.com (verified)  2026-12-01T00:00:00Z
                sms|+15550100                              2026-12-01T00:00:00Z  sms|+15550100

                Link sms|+15550100 into github|ann? [y/N]
            ");
        }
    }
}

/// S21: what a person says yes to is what the preview showed, or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_changed_since_the_preview_is_left_alone() {
    let desk = Desk::start("asked_changed").await;
    desk.two().await;
    for other in ["github|ann", "sms|+15550100"] {
        let mut asked = Asked::start(desk.command(Way::Server, &LINK));
        asked.until_question();
        desk.create("okta", other, "", false).await;
        let absorbed = format!("okta|{other}");
        let link = crate::support::link_user(other, &absorbed);
        desk.server.service().link(link).await.unwrap();
        let before = desk.server.database.db_everything().await;

        let (code, rest, stdout) = asked.answer("y\n");

        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(rest.contains("identity-link: VERSION_MISMATCH: "), "{rest}");
        assert!(rest.contains("run the command again, and look at the new one"), "{rest}");
        assert_eq!(before, desk.server.database.db_everything().await);
    }
}
