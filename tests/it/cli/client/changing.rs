//! What the commands change, and what a preview leaves alone.

use identity_link::grpc::proto::{self as pb, actor::Kind, link_proof::Proof};
use serde_json::Value;

use super::{Desk, WAYS, Way, settled};
use crate::support::links_of;

/// The links of the user `github|ann`, the newest first.
async fn links(desk: &Desk) -> Vec<pb::LinkRecord> {
    desk.server.service().list_links(links_of("github|ann")).await.unwrap().links
}

/// A change that is not confirmed changes nothing, and says so. Everything in the database stays.
#[track_caller]
fn shows_alone(desk: &Desk, way: Way, arguments: &[&str]) -> String {
    let ran = desk.run(way, arguments);
    assert_eq!(ran.code, Some(4), "{way:?} {arguments:?} {}", ran.stderr);
    assert_eq!(
        ran.stderr,
        "identity-link: nothing was changed: there is no terminal on which to ask. --yes makes the change, and --dry-run shows it alone"
    );
    let dry = desk.says(way, &[arguments, &["--dry-run"]].concat());
    assert_eq!(settled(&dry), settled(&ran.stdout));
    ran.stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_an_unlink_and_an_undo_are_shown_and_made() {
    for way in WAYS {
        let desk = Desk::start(&format!("change_{way:?}")).await;
        desk.two().await;
        let merge = ["link", "github|ann", "sms|+15550100", "--merge", "user"];
        let before = desk.server.database.db_everything().await;

        let preview = shows_alone(&desk, way, &merge);
        let json = [&merge[..], &["--output", "json"]].concat();
        let in_json: Value = serde_json::from_str(&shows_alone(&desk, way, &json)).unwrap();

        assert_eq!(before, desk.server.database.db_everything().await);
        assert_eq!(in_json["outcome"], "OUTCOME_ABSORBED");
        assert_eq!(in_json["user"]["userMetadata"]["color"], "red");
        let made = desk
            .says(way, &[&merge[..], &["--yes", "--reason", "Ticket 42 – two accounts"]].concat());
        let link = links(&desk).await.remove(0);
        assert!(made.contains(&link.id), "{made}");
        let (kind, proof) = match way {
            Way::Server => (Kind::Service, "service"),
            Way::Database => (Kind::Operator, "plan"),
        };
        assert_eq!(link.actor.as_ref().unwrap().kind(), kind);
        assert_eq!(link.actor.as_ref().unwrap().reason, "Ticket 42 – two accounts");
        let is_proof = match link.proof.as_ref().unwrap().proof.as_ref().unwrap() {
            Proof::Service(_) => proof == "service",
            // A plan of its own, by which it can be found.
            Proof::Plan(_) => proof == "plan" && !link.plan_id.is_empty(),
            _ => false,
        };
        assert!(is_proof, "{link:?}");
        let again = desk.says(way, &merge);
        assert!(again.starts_with("the two are linked already: nothing changes"), "{again}");

        let undo = ["undo", &link.id];
        let undoing = shows_alone(&desk, way, &undo);
        assert!(links(&desk).await[0].undo_time.is_none());
        let undone = desk.says(way, &[&undo[..], &["--yes"]].concat());
        assert!(links(&desk).await[0].undo_time.is_some());
        assert_eq!(desk.says(way, &undo), "the link is undone already: nothing changes");

        desk.says(way, &["link", "github|ann", "sms|+15550100", "--account", "--yes"]);
        let unlink = ["unlink", "github|ann", "sms|+15550100"];
        let unlinking = shows_alone(&desk, way, &unlink);
        let release = shows_alone(&desk, way, &[&unlink[..], &["--release"]].concat());
        let unlinked = desk.says(way, &[&unlink[..], &["--yes", "--discard-metadata"]].concat());
        let back = desk.server.service().user("sms|+15550100").await;
        assert_eq!(back.user_metadata.unwrap_or_default().fields.len(), 0);
        desk.server.database.db_assert_invariants().await;

        if way == Way::Server {
            let all = [preview, made, undoing, undone, unlinking, release, unlinked];
            insta::assert_snapshot!(settled(&all.join("\n--\n")), @r#"
                would absorb sms|+15550100; afterwards:

                user       github|ann
                version    2
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no
                metadata   {"color":"red"}

                ACCOUNT        EMAIL                       SINCE                 FROM USER
                github|ann     ann@example.com (verified)  2026-12-01T00:00:00Z
                sms|+15550100                              2026-12-01T00:00:00Z  sms|+15550100

                METADATA       PATH    WHAT HAPPENS
                user_metadata  /color  added
                --
                absorbed sms|+15550100, by link 00000000-0000-0000-0000-000000000000

                user       github|ann
                version    2
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no
                metadata   {"color":"red"}

                ACCOUNT        EMAIL                       SINCE                 FROM USER
                github|ann     ann@example.com (verified)  2026-12-01T00:00:00Z
                sms|+15550100                              2026-12-01T00:00:00Z  sms|+15550100

                METADATA       PATH    WHAT HAPPENS
                user_metadata  /color  added
                --
                would be undone: the user sms|+15550100 comes back

                user       sms|+15550100
                version    4
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no
                metadata   {"color":"red"}

                ACCOUNT        SINCE
                sms|+15550100  2026-12-01T00:00:00Z

                github|ann afterwards:

                user       github|ann
                version    3
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT     EMAIL                       SINCE
                github|ann  ann@example.com (verified)  2026-12-01T00:00:00Z

                METADATA       PATH    WHAT HAPPENS
                user_metadata  /color  reversed
                --
                undone: the user sms|+15550100 comes back

                user       sms|+15550100
                version    4
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no
                metadata   {"color":"red"}

                ACCOUNT        SINCE
                sms|+15550100  2026-12-01T00:00:00Z

                github|ann afterwards:

                user       github|ann
                version    3
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT     EMAIL                       SINCE
                github|ann  ann@example.com (verified)  2026-12-01T00:00:00Z

                METADATA       PATH    WHAT HAPPENS
                user_metadata  /color  reversed
                --
                would be unlinked: the user sms|+15550100 comes back

                user       sms|+15550100
                version    6
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no
                metadata   {"color":"red"}

                ACCOUNT        SINCE
                sms|+15550100  2026-12-01T00:00:00Z

                github|ann afterwards:

                user       github|ann
                version    5
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT     EMAIL                       SINCE
                github|ann  ann@example.com (verified)  2026-12-01T00:00:00Z
                --
                would be released: the account belongs to no user then

                github|ann afterwards:

                user       github|ann
                version    5
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT     EMAIL                       SINCE
                github|ann  ann@example.com (verified)  2026-12-01T00:00:00Z
                --
                unlinked: the user sms|+15550100 comes back

                user       sms|+15550100
                version    6
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT        SINCE
                sms|+15550100  2026-12-01T00:00:00Z

                github|ann afterwards:

                user       github|ann
                version    5
                created    2026-12-01T00:00:00Z
                changed    2026-12-01T00:00:00Z
                blocked    no

                ACCOUNT     EMAIL                       SINCE
                github|ann  ann@example.com (verified)  2026-12-01T00:00:00Z

                METADATA       PATH   WHAT HAPPENS
                user_metadata  (all)  withheld: it stays with the link
            "#);
        }
    }
}

/// The links of many are undone as before, and by the plan of a single link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_undoes_a_link_by_its_plan() {
    let desk = Desk::start("undo_plan").await;
    desk.two().await;
    desk.says(Way::Database, &["link", "github|ann", "sms|+15550100", "--yes"]);
    let plan = links(&desk).await.remove(0).plan_id;
    let said = desk.says(Way::Database, &["undo", "--plan", &plan]);
    assert!(said.contains("undone: 1, already: 0, skipped: 0"), "{said}");
}

/// A refusal of the rules is that of the service, on both ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_has_its_reason_and_says_what_to_do() {
    let desk = Desk::start("refusals").await;
    desk.two().await;
    let mut said = Vec::new();
    for arguments in [
        &["user", "absent"][..],
        &["unlink", "github|ann", "github|ann", "--yes"],
        &["link", "github|ann", "github|ann", "--yes"],
        &["link", "github|ann", "sms|absent", "--account", "--yes"],
        &["link", "github|ann", "Sms|1", "--account", "--yes"],
        &["link", "github|ann", "sms|+15550100", "--require-shared-email", "--yes"],
        &["undo", "00000000-0000-4000-8000-000000000000", "--yes"],
        &["watch", "--from", "invented"],
    ] {
        let [by_server, by_database] = WAYS.map(|way| desk.run(way, arguments));
        assert_eq!(by_server, by_database, "{arguments:?}");
        assert_eq!((by_server.code, by_server.stdout.as_str()), (Some(1), ""));
        said.push(by_server.stderr);
    }
    insta::assert_snapshot!(said.join("\n"), @"
        identity-link: USER_NOT_FOUND: there is no such user in this tenant: check the id; a user token's own user begins with CreateUser
        identity-link: LAST_IDENTITY: this is the last identity with which the user can sign in: link another first
        identity-link: SAME_USER: both sides name the same identity or user: name two different ones
        identity-link: IDENTITY_NOT_FOUND: there is no such identity here: check provider and subject
        identity-link: REQUEST_INVALID: identity.provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
        identity-link: EMAIL_NOT_SHARED: the two users share no email that is verified on both sides: verify one, or link with a token of each
        identity-link: LINK_NOT_FOUND: there is no such link in this tenant: check the id
        identity-link: POSITION_INVALID: the position is not one of this feed: list the users again, and continue from the position in that response
        begin again without --from, or with --from-oldest
    ");
}
