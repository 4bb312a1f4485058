//! Plans whose users are changed by calls at the same time.

use std::collections::BTreeMap;

use identity_link::grpc::proto as pb;

use super::{Desk, figures};
use crate::support::{
    Caller,
    child::{Running, run_command},
    link_user,
    standstill::Moment,
    unlink, verified,
};

/// How many pairs there are, each of which has a call of its own.
const PAIRS: usize = 24;

/// A call that changes a pair in one of six ways; it may come before the link or after it.
async fn change(caller: Caller, number: usize) {
    let (google, github) = (format!("google-oauth2|{number}"), format!("github|{number}"));
    let name = number.to_string();
    // Each may be refused: which one does what decides the race.
    match number % 6 {
        0 => drop(caller.link(link_user(&google, &github)).await),
        1 => drop(caller.link(link_user(&github, &google)).await),
        2 => drop(caller.unlink(unlink(&google, "github", &name)).await),
        3 => {
            let user_id = github;
            let request = pb::DeleteUserRequest { user_id, ..Default::default() };
            drop(caller.delete_user(request).await);
        }
        4 => {
            let user_id = google;
            let request =
                pb::DeleteUserRequest { user_id, include_absorbed: true, ..Default::default() };
            drop(caller.delete_user(request).await);
        }
        _ => drop(caller.link(link_user(&format!("apple|{number}"), &github)).await),
    }
}

/// R24, A58: a plan, and `Link`, `Unlink` and `DeleteUser` of its users.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_verdict_says_what_the_race_came_to() {
    let desk = Desk::start("raced").await;
    for number in 0..PAIRS {
        desk.pairs(&[&number.to_string()]).await;
        let email = format!("other{number}@example.com");
        desk.service.create_with("apple", &number.to_string(), verified(&email)).await;
    }
    let plan = desk.plan("plan.ndjson", &[]);
    let report = desk.path("report.ndjson");
    let command = desk.command("apply", &["--rate", "1000", "--report", &report, &plan]);

    let applied = tokio::task::spawn_blocking(move || run_command(command));
    let changes: Vec<_> =
        (0..PAIRS).map(|number| tokio::spawn(change(desk.service.clone(), number))).collect();
    for changed in changes {
        changed.await.unwrap();
    }
    let ran = applied.await.unwrap();

    assert!([Some(0), Some(3)].contains(&ran.code), "{ran:?}");
    desk.server.database.db_assert_invariants().await;
    let made = "SELECT id::text FROM links WHERE plan_id IS NOT NULL";
    let made = desk.server.database.db_texts(made).await;
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    for line in desk.lines("report.ndjson") {
        let verdict = line.get("reason").unwrap_or(&line["verdict"]).as_str().unwrap().to_owned();
        let link = line["link"].as_str().unwrap_or_default().to_owned();
        // A deletion since may have removed the link of both.
        assert!(verdict == "linked" || !made.contains(&link), "{line}");
        *verdicts.entry(verdict).or_default() += 1;
    }
    assert_eq!(verdicts.values().sum::<usize>(), PAIRS, "{verdicts:?}");
    assert!(made.len() <= *verdicts.get("linked").unwrap_or(&0), "{verdicts:?}");
    let known = [
        "linked",
        "already",
        "VERSION_MISMATCH",
        "USER_NOT_FOUND",
        "USER_ABSORBED",
        "CONFLICT_RETRY",
    ];
    assert!(verdicts.keys().all(|verdict| known.contains(&verdict.as_str())), "{verdicts:?}");
}

/// Two runs of one plan: the second one meets the link of the first in the middle of its transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_that_another_run_of_the_plan_makes_meanwhile_is_already_there() {
    let desk = Desk::start("twice").await;
    desk.pairs(&["a", "b"]).await;
    desk.service.create_with("apple", "a", verified("a@example.com")).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let held = desk.server.database.db_hold_events("google-oauth2|a", Moment::BeforeInsert).await;
    let first = Running::start(desk.command("apply", &["--rate", "1000", &plan]));
    desk.server.database.db_until_waiting(1).await;
    let report = desk.path("second.ndjson");
    let second =
        Running::start(desk.command("apply", &["--rate", "1000", "--report", &report, &plan]));
    desk.server.database.db_until_waiting(2).await;

    held.db_release().await;

    let (first, second) = (first.finish(), second.finish());
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    let known = ["linked", "already"];
    let verdicts = desk.verdicts("second.ndjson");
    assert!(
        verdicts.iter().all(|line| known.contains(&line.rsplit(' ').next().unwrap())),
        "{verdicts:?}"
    );
    // Whichever run made a link, each pair has one, and the other run counts it as already there.
    let numbers = |ran| -> Vec<usize> {
        let digits = |part: &str| part.rsplit(' ').next().unwrap().parse().unwrap();
        figures(ran).split(", ").map(digits).collect()
    };
    let (first, second) = (numbers(&first), numbers(&second));
    assert_eq!(first[0] + second[0], 3, "{first:?} {second:?}");
    assert_eq!((first[0] + first[1], second[0] + second[1]), (3, 3));
    assert!(second[1] >= 1, "{second:?}");
    assert_eq!(desk.db_links_of_plans().await.len(), 3);
    desk.server.database.db_assert_invariants().await;
}
