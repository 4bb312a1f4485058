//! `dev`: its folder works again after any end of its processes.

use std::{os::fd::OwnedFd, path::Path};

use identity_link::grpc::proto::{UpdateUserRequest, UserUpdate};
use identity_link_dev::{Postgres, SearchPath};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{PidfdFlags, Signal, kill_process, pidfd_open, test_kill_process},
};

use crate::support::{
    child::{Dev, GOOGLE_ID, Running, temp_dir},
    cluster::Database,
};

/// Waits for the end of a process, which need not be a child of this one.
async fn end_of(process: OwnedFd) {
    let wait = move || poll(&mut [PollFd::new(&process, PollFlags::IN)], None).unwrap();
    tokio::task::spawn_blocking(wait).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_both_and_the_folder_keeps_the_data() {
    let dir = temp_dir("dev_stop");
    let dev = Dev::start(&dir);
    dev.has_the_sample().await;
    let postgres = dev.db_process().await;
    let blocked = UpdateUserRequest {
        user_id: GOOGLE_ID.to_owned(),
        update: Some(UserUpdate { blocked: true, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["blocked".to_owned()] }),
        ..Default::default()
    };
    dev.service().update_user(blocked).await.unwrap();

    let ran = dev.interrupt();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(test_kill_process(postgres).is_err(), "its database should end before it");

    let again = Dev::start(&dir);
    assert!(
        again.service().user(GOOGLE_ID).await.blocked,
        "the sample should not overwrite existing data"
    );
    assert_eq!(again.interrupt().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_share_a_folder() {
    let dir = temp_dir("dev_twice");
    let first = Dev::start(&dir);

    let second = Running::start(Dev::command(&dir)).finish();

    assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        second.stderr,
        format!(
            "identity-link: another identity-link uses {} (pid {}); stop it, or choose another data folder",
            dir.canonicalize().unwrap().display(),
            first.running.pid().as_raw_nonzero()
        )
    );
    first.has_the_sample().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_dev_takes_its_database_with_it_and_starts_again() {
    let dir = temp_dir("dev_killed");
    let dev = Dev::start(&dir);
    let postgres = pidfd_open(dev.db_process().await, PidfdFlags::empty()).unwrap();

    dev.running.signal(Signal::KILL);

    assert_eq!(dev.running.finish().code, None);
    Dev::start(&dir).has_the_sample().await;
    end_of(postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_ends_when_its_database_was_killed_and_starts_again() {
    let dir = temp_dir("dev_without_database");
    let dev = Dev::start(&dir);

    kill_process(dev.db_process().await, Signal::KILL).unwrap();

    let ran = dev.running.finish();
    assert_eq!(ran.code, Some(1));
    let last = ran.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("identity-link: the database ended (signal: 9 (SIGKILL)): see "),
        "{last}"
    );
    assert!(last.ends_with("/postgres.log, and start again"), "{last}");
    Dev::start(&dir).has_the_sample().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_starts_again_after_both_were_killed_at_once() {
    let dir = temp_dir("dev_both_killed");
    let dev = Dev::start(&dir);
    let postgres = dev.db_process().await;

    dev.running.signal(Signal::STOP);
    kill_process(postgres, Signal::KILL).unwrap();
    dev.running.signal(Signal::KILL);

    assert_eq!(dev.running.finish().code, None);
    Dev::start(&dir).has_the_sample().await;
}

/// The folder stays between test runs, so that only the first one fetches a package.
#[tokio::test]
async fn where_no_postgres_is_installed_one_is_fetched_into_the_folder() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing_installed");

    let postgres =
        Postgres::start_from(&SearchPath::none(), &dir, &[], &mut |text| eprintln!("{text}"))
            .unwrap();

    let database = Database { name: "postgres".to_owned(), url: postgres.url("postgres") };
    let version = database.db_texts("SELECT current_setting('server_version')").await;
    postgres.stop().unwrap();
    assert_eq!(version, ["18.6"]);
}
