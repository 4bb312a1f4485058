//! What a plan cannot link: what changed since, users of other tenants, and lines that are broken.

use std::fs;

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::{Desk, figures};
use crate::support::{
    child::{Ran, binary, run_command},
    link_user, object, verified,
};

/// A58: a plan that is old links nothing that a person or a service has changed since.
#[tokio::test]
async fn what_has_changed_since_the_plan_is_skipped() {
    let desk = Desk::start("changed").await;
    desk.pairs(&["primary", "secondary", "gone", "taken", "same"]).await;
    desk.service.create_with("apple", "other", verified("other@example.com")).await;
    let plan = desk.plan("plan.ndjson", &[]);
    for id in ["google-oauth2|primary", "github|secondary"] {
        let update =
            pb::UserUpdate { user_metadata: object(json!({"a": 1})), ..Default::default() };
        let request = pb::UpdateUserRequest {
            user_id: id.to_owned(),
            update: Some(update),
            update_mask: Some(prost_types::FieldMask { paths: vec!["user_metadata".to_owned()] }),
            ..Default::default()
        };
        desk.service.update_user(request).await.unwrap();
    }
    desk.service.delete("github|gone").await;
    desk.service.link(link_user("apple|other", "github|taken")).await.unwrap();

    for (options, same) in
        [(&["--dry-run"][..], "github|same would_link"), (&[], "github|same linked")]
    {
        let report = format!("report{}.ndjson", options.len());
        let path = desk.path(&report);
        let ran = desk.run("apply", &[options, &["--report", &path, &plan]].concat());
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let mut verdicts = desk.verdicts(&report);
        verdicts.sort();
        assert_eq!(
            verdicts,
            [
                "github|gone USER_NOT_FOUND",
                "github|primary VERSION_MISMATCH",
                same,
                "github|secondary VERSION_MISMATCH",
                "github|taken USER_ABSORBED",
            ]
        );
    }
    assert_eq!(desk.db_links_of_plans().await, ["google-oauth2|same github|same"]);
    desk.server.database.db_assert_invariants().await;
}

/// A58: the evidence counts by the configuration of now.
#[tokio::test]
async fn emails_that_no_longer_count_link_nothing() {
    let desk = Desk::start("trust").await;
    desk.service.create_with("okta", "a", verified("a@example.com")).await;
    desk.service.create_with("github", "a", verified("a@example.com")).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let trusted = "\nokta = { email_trust = \"when_verified\" }";
    let toml = fs::read_to_string(&desk.config).unwrap();
    assert!(toml.contains(trusted));
    fs::write(&desk.config, toml.replace(trusted, "\nokta = {}")).unwrap();

    let ran = desk.run("apply", &[&plan]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(figures(&ran), "linked: 0, already: 0, skipped: 1\n  EMAIL_NOT_SHARED: 1");
}

/// A57: a plan links users of its own tenant only, whatever its lines say.
#[tokio::test]
async fn a_plan_links_no_user_of_another_tenant() {
    let desk = Desk::start("tenant").await;
    desk.pairs(&["ann"]).await;
    let other = desk.server.service_of("other");
    let stranger = other.create_with("github", "ann", verified("ann@example.com")).await.id;
    let plan = desk.plan("plan.ndjson", &[]);
    let before = desk.server.database.db_everything().await;

    let config = desk.config.to_str().unwrap();
    let ran = run_command(binary(&["apply", "--config", config, "--tenant", "other", &plan]));
    let stderr = "identity-link: --tenant: the plan is of the tenant joined: leave the option out, or name another plan";
    assert_eq!(ran, Ran { code: Some(64), stdout: String::new(), stderr: stderr.to_owned() });
    let mut lines = desk.lines("plan.ndjson");
    lines[0]["tenant"] = json!("elsewhere");
    let ran =
        run_command(binary(&["apply", "--config", config, &desk.write("far.ndjson", &lines)]));
    let stderr = "identity-link: the plan is of the tenant elsewhere, which the configuration does not have: name another plan, or the configuration of its servers";
    assert_eq!(ran, Ran { code: Some(64), stdout: String::new(), stderr: stderr.to_owned() });

    let mut lines = desk.lines("plan.ndjson");
    lines[1]["secondaries"][0]["id"] = json!(stranger);
    let ran = desk.run("apply", &[&desk.write("edited.ndjson", &lines)]);
    assert_eq!(figures(&ran), "linked: 0, already: 0, skipped: 1\n  USER_NOT_FOUND: 1");
    assert_eq!(before, desk.server.database.db_everything().await);
}

#[tokio::test]
async fn a_plan_that_is_broken_anywhere_links_nothing() {
    let desk = Desk::start("broken").await;
    desk.pairs(&["ann", "bob"]).await;
    desk.plan("plan.ndjson", &[]);
    let good = desk.lines("plan.ndjson");
    let with = |line: usize, change: &dyn Fn(&mut Value)| {
        let mut lines = good.clone();
        change(&mut lines[line]);
        lines.iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    let cut = with(0, &|_| {}).trim_end().to_owned();
    let no_header = cut.split_once('\n').unwrap().1.to_owned() + "\n";
    let before = desk.server.database.db_everything().await;

    for (text, problem) in [
        (String::new(), "line 1 is not the header of a plan of `identity-link duplicates`"),
        (no_header, "line 1 is not the header of a plan of `identity-link duplicates`"),
        (
            with(0, &|header| header["tenant"] = json!("a b")),
            "line 1 is not the header of a plan of `identity-link duplicates`",
        ),
        (
            with(0, &|header| header["form"] = json!(2)),
            "the plan has the form 2, and this release reads 1: write it anew",
        ),
        (cut, "line 3 is not a cluster: it has no end"),
        (
            with(2, &|line| line["evidence"] = json!(null)),
            "line 3 is not a cluster: it is not of the plan's form",
        ),
        (
            with(2, &|line| line["primary"]["id"] = json!("a b")),
            "line 3 is not a cluster: an id is not well-formed",
        ),
        (
            with(2, &|line| line["primary"]["version"] = json!(0)),
            "line 3 is not a cluster: a version is not positive",
        ),
        (
            with(2, &|line| line["secondaries"] = json!([])),
            "line 3 is not a cluster: it must have 1 to 99 secondary users",
        ),
        (
            with(2, &|line| line["secondaries"][0]["id"] = line["primary"]["id"].clone()),
            "line 3 is not a cluster: it names a user twice",
        ),
    ] {
        let path = desk.path("broken.ndjson");
        fs::write(&path, text).unwrap();

        let ran = desk.run("apply", &[&path]);

        let stderr = format!("identity-link: {path}: {problem}");
        assert_eq!(ran, Ran { code: Some(1), stdout: String::new(), stderr });
    }
    assert_eq!(before, desk.server.database.db_everything().await);
}
