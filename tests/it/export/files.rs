//! The files that an export writes.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
};

use rustix::process::Signal;

use super::{export, exported};
use crate::{
    purge::on_a_terminal,
    support::{
        TestServer,
        child::{Ran, Running, run_command, temp_dir},
        cluster::cluster,
        python::python,
    },
};

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn files_are_private_and_never_overwritten() {
    let server = TestServer::start().await;
    server.service_of("other").create("github", "a").await;
    let folder = temp_dir("export_files");
    let (users, position) = (folder.join("users.ndjson"), folder.join("position.txt"));
    let [output, position_file] = [&users, &position].map(|file| file.to_str().unwrap());
    let to_files = ["--tenant", "other", "--output", output, "--position-file", position_file];

    let ran = run_command(export(&server.database, &to_files));

    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    let written = [&users, &position].map(|file| fs::read_to_string(file).unwrap());
    // A second export may have a later position: transactions of other tests end in between.
    let (lines, _) = exported(&server.database, &["--tenant", "other"]);
    let (_, printed) = ran.stderr.split_once("other: wrote 1 users; position: ").unwrap();
    assert_eq!(written, [format!("{}\n", lines[0]), format!("{printed}\n")]);
    assert_eq!([&users, &position].map(|file| mode(file)), [0o600; 2]);

    let again = |arguments: &[&str]| {
        let Ran { code, stdout, stderr } = run_command(export(&server.database, arguments));
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        stderr
    };
    let refused = |file: &str| {
        format!(
            "identity-link: {file} exists, and is not overwritten: name another file, or move it away"
        )
    };
    assert_eq!(again(&to_files), refused(output));
    let position_only = ["--tenant", "other", "--position-file", position_file];
    assert_eq!(again(&position_only), refused(position_file));
    assert_eq!([&users, &position].map(|file| fs::read_to_string(file).unwrap()), written);
}

#[tokio::test]
async fn python_reads_the_compressed_file() {
    let server = TestServer::start().await;
    for name in ["a", "b"] {
        server.service_of("other").create("github", name).await;
    }
    let file = temp_dir("export_gzip").join("users.ndjson.gz");
    let file = file.to_str().unwrap();
    let compressed = ["--tenant", "other", "--gzip", "--output", file];

    assert_eq!(run_command(export(&server.database, &compressed)).code, Some(0));

    let read = python(
        &[],
        &["-c", "import gzip, sys; print(gzip.open(sys.argv[1], 'rt').read(), end='')", file],
    );
    assert_eq!(read, exported(&server.database, &["--tenant", "other"]).0.join("\n"));
}

#[tokio::test]
async fn a_signal_stops_it_and_says_what_is_written() {
    let database = cluster().db_migrated().await;
    let file = temp_dir("export_stopped").join("users.ndjson");
    let held = database.db_hold_table("users").await;
    let output = file.to_str().unwrap();
    let running = Running::start(export(&database, &["--tenant", "other", "--output", output]));
    database.db_until_waiting(1).await;

    running.signal(Signal::INT);

    let stderr =
        format!("identity-link: stopped before the end: {output} has 0 users, and is not complete");
    assert_eq!(running.finish(), Ran { code: Some(130), stdout: String::new(), stderr });
    held.db_release().await;
}

#[tokio::test]
async fn a_failure_says_that_the_file_is_not_complete() {
    let database = cluster().db_migrated().await;
    database.db_populate(20).await;
    // A value that no server writes.
    let broken = "UPDATE identities SET email_verifier = '{}' WHERE subject LIKE '%7'";
    database.db_execute(broken).await;
    let file = temp_dir("export_failed").join("users.ndjson");
    let output = file.to_str().unwrap();

    let ran = run_command(export(&database, &["--tenant", "default", "--output", output]));

    let end = format!(": {output} has 0 users, and is not complete");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.ends_with(&end) && !ran.stderr.contains("position"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_terminal_shows_the_progress() {
    let database = cluster().db_migrated().await;
    database.db_populate(20).await;

    let (lines, shown) = on_a_terminal(export(&database, &["--tenant", "default"]));

    assert_eq!(lines.lines().count(), 18);
    assert!(shown.contains("exporting ") && shown.contains("wrote 18 users"), "{shown:?}");
}

#[tokio::test]
async fn a_full_disk_is_a_failure_without_a_position() {
    let database = cluster().db_migrated().await;
    database.db_populate(20).await;
    let mut command = export(&database, &["--tenant", "default"]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());

    let ran = command.spawn().unwrap().wait_with_output().unwrap();

    let stderr = String::from_utf8(ran.stderr).unwrap();
    let said = "identity-link: the output cannot be written: No space left on device (os error 28): stdout is not complete\n";
    assert_eq!((ran.status.code(), stderr.as_str()), (Some(1), said));
}
