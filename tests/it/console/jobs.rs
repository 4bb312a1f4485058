//! Duplicates and jobs: a search, a preview of its plan, its approval, and taking all of it back.

use super::{
    feed::{ask, until},
    *,
};
use crate::support::{Caller, browser::attribute, verified};

/// Creates two users for each of these names, with the same verified email. Returns their ids, of each pair
/// the older one first.
async fn pairs(service: &Caller, names: &[&str]) -> Vec<[String; 2]> {
    let mut pairs = Vec::new();
    for name in names {
        let email = format!("{name}@example.com");
        let older = service.create_with("google-oauth2", name, verified(&email)).await.id;
        pairs.push([older, service.create_with("github", name, verified(&email)).await.id]);
    }
    pairs
}

/// The box that is ticked when the page of jobs is opened.
const TICKED: (&str, &str) = ("rule-verified-email", "on");

/// Sends the form of the button with this id, for a reason. Returns the page of the job that it began.
async fn send(browser: &mut Browser, page: &Page, id: &str, fields: &[(&str, &str)]) -> Page {
    let fields: Vec<_> = [("reason", "Ticket 4711")].iter().chain(fields).copied().collect();
    browser.press(page, &format!("id=\"{id}\""), &fields).await.page()
}

/// The page of a job, after its end.
async fn ended(console: &Console, browser: &mut Browser, page: &Page) -> Page {
    assert!(has(page, "job"), "{}", page.html);
    let operation = format!("operations/{}", text(page, "job"));
    console.server.service().done(&operation).await;
    let (_, job) = operation.split_once('/').unwrap();
    console.open(browser, &format!("/jobs/default/{job}")).await
}

/// The value of a figure of the page.
fn figure(page: &Page, label: &str) -> String {
    let (_, rest) = page.html.split_once(&format!("<dt>{label}</dt><dd>")).expect(label);
    rest.split_once('<').unwrap().0.to_owned()
}

/// An operator sees a plan and its preview before anything is done, and takes it back as a whole.
#[tokio::test]
async fn an_operator_links_duplicates_by_a_plan_and_takes_it_back() {
    let console = Console::start().await;
    let service = console.server.service();
    let pairs = pairs(&service, &["a", "b"]).await;
    let [[older, newer], [other, another]] = pairs.as_slice() else { panic!() };
    let (mut browser, page) = console.signed_in(&["admins"]).await;
    let jobs = browser.follow(&page, "Duplicates and jobs").await.page();
    assert!(jobs.html.contains("There is no job."), "{}", jobs.html);

    let search = send(&mut browser, &jobs, "search", &[TICKED]).await;
    let search = ended(&console, &mut browser, &search).await;
    assert_eq!(text(&search, "stated"), "Ticket 4711");
    assert_eq!(figure(&search, "Accounts looked at"), "4");
    assert_eq!(figure(&search, "Groups of users that are likely one person"), "2");
    assert!(search.html.contains(&format!("{older}</a> stays<br>")), "{}", search.html);
    assert!(search.html.contains(&format!("{newer}</a> becomes part of it")), "{}", search.html);
    assert!(search.html.contains("verified on both sides: <b>a…@example.com</b>"));
    assert!(!search.html.contains(">a@example.com"), "{}", search.html);

    // One link first.
    let preview = send(&mut browser, &search, "preview", &[("limit", "1"), ("rate", "7")]).await;
    let preview = ended(&console, &mut browser, &preview).await;
    assert_eq!(figure(&preview, "Would be linked"), "1");
    assert_eq!(figure(&preview, "Links per second at most"), "7");
    assert_eq!(service.user(newer).await.id, *newer);
    let applied = send(&mut browser, &preview, "approve", &[]).await;
    let twice = send(&mut browser, &preview, "approve", &[]).await;
    assert_eq!(text(&twice, "job"), text(&applied, "job"), "a form that is sent twice");
    let applied = ended(&console, &mut browser, &applied).await;
    assert_eq!(figure(&applied, "Linked"), "1");
    assert_eq!(figure(&applied, "Links at most"), "1");
    assert!(applied.html.contains("Another run of the same plan makes the next links."));
    // Then the others.
    let preview = send(&mut browser, &search, "preview", &[]).await;
    let preview = ended(&console, &mut browser, &preview).await;
    assert_eq!(figure(&preview, "Would be linked"), "1");
    assert_eq!(figure(&preview, "As they should be before"), "1");
    let applied = send(&mut browser, &preview, "approve", &[]).await;
    let applied = ended(&console, &mut browser, &applied).await;
    assert_eq!(service.user(newer).await.id, *older);
    assert_eq!(service.user(another).await.id, *other);
    let history = console.open(&mut browser, &path(other)).await;
    assert!(history.html.contains("Ticket 4711") && history.html.contains("carol"));

    let preview = send(&mut browser, &applied, "undo", &[]).await;
    let preview = ended(&console, &mut browser, &preview).await;
    assert_eq!(figure(&preview, "Would be taken back"), "2");
    assert!(preview.html.contains(&format!("{newer}</a> becomes a user again")));
    assert_eq!(service.user(newer).await.id, *older);
    let undone = send(&mut browser, &preview, "approve", &[]).await;
    let undone = ended(&console, &mut browser, &undone).await;
    assert_eq!(figure(&undone, "Taken back"), "2");
    for id in [newer, another] {
        assert_eq!(service.user(id).await.id, *id);
    }
    assert!(!has(&undone, "next"), "{}", undone.html);
    let jobs = browser.follow(&undone, "To all jobs").await.page();
    for kind in ["Search for duplicates", "Links by a plan", "Taking links back"] {
        assert!(jobs.html.contains(&format!(">{kind}</a> <span class=\"tag\">done<")), "{kind}");
    }
}

/// A105: the users of the lines on a page are recorded, and no other ones.
#[tokio::test]
async fn each_user_of_the_lines_on_a_page_is_recorded() {
    let console = Console::start().await;
    let service = console.server.service();
    let names: Vec<String> = (10..32).map(|number| format!("n{number}")).collect();
    pairs(&service, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    let jobs = console.open(&mut browser, "/jobs").await;
    let search = send(&mut browser, &jobs, "search", &[TICKED]).await;
    let looks = "SELECT count(*)::text FROM console_looks WHERE page = 'job' AND role = 'operator'";

    let first = ended(&console, &mut browser, &search).await;
    assert_eq!(first.html.matches("<li id=\"line-").count(), 20);
    assert_eq!(console.server.database.db_texts(looks).await, ["40"]);
    let more = browser.follow(&first, "Next lines").await.page();
    assert_eq!(more.html.matches("<li id=\"line-").count(), 2);
    assert!(!has(&more, "more"));
    assert_eq!(console.server.database.db_texts(looks).await, ["44"]);
}

/// What stands against a link is said in words, and nothing is linked over it unless a person accepts it.
#[tokio::test]
async fn a_group_with_something_against_it_is_linked_only_if_that_is_accepted() {
    let console = Console::start().await;
    let service = console.server.service();
    for name in ["a", "b"] {
        service.create_with("github", name, verified("same@example.com")).await;
    }
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    let jobs = console.open(&mut browser, "/jobs").await;
    let search = send(&mut browser, &jobs, "search", &[TICKED, ("primary", "most-used")]).await;
    let search = ended(&console, &mut browser, &search).await;
    let mark = "Several of them have accounts of the same provider.";
    assert!(search.html.contains(&format!("Against it: {mark}")), "{}", search.html);

    let preview = send(&mut browser, &search, "preview", &[]).await;
    let preview = ended(&console, &mut browser, &preview).await;
    assert_eq!(figure(&preview, "Something is against it, and was not accepted"), "1");
    assert!(preview.html.contains(mark) && !has(&preview, "approve"), "{}", preview.html);
    assert!(!preview.html.contains("becomes part of it"), "{}", preview.html);

    let accepted = [("mark-same_provider", "on")];
    let preview = send(&mut browser, &search, "preview", &accepted).await;
    let preview = ended(&console, &mut browser, &preview).await;
    assert_eq!(figure(&preview, "Linked all the same"), mark);
    let applied = send(&mut browser, &preview, "approve", &[]).await;
    let applied = ended(&console, &mut browser, &applied).await;
    assert_eq!(figure(&applied, "Linked"), "1");
}

/// A107: jobs are for operators.
#[tokio::test]
async fn another_role_has_no_page_of_jobs() {
    let console = Console::start().await;
    let (mut operator, _) = console.signed_in(&["admins"]).await;
    let jobs = console.open(&mut operator, "/jobs").await;
    let search = send(&mut operator, &jobs, "search", &[TICKED]).await;
    let job = format!("/jobs/default/{}", text(&search, "job"));
    for role in ["helpdesk", "agents"] {
        let (mut browser, first) = console.signed_in(&[role]).await;
        assert!(!first.html.contains("/jobs"), "{}", first.html);
        for path in ["/jobs", &job, &format!("{job}/live")] {
            let refused = console.open(&mut browser, path).await;
            let shown = (refused.status, text(&refused, "problem"));
            assert_eq!(shown, (StatusCode::FORBIDDEN, "Your role does not permit this"), "{path}");
        }
        let token = attribute(&first.html, "name=\"form_token\" value").unwrap_or_default();
        let fields =
            [("form_token", &*token), ("action", "stop"), ("reason", "r"), ("tenant", "default")];
        for path in ["/jobs", &job] {
            let refused = browser.post(&format!("{}{path}", console.url), &fields).await;
            assert!([StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&refused.status));
        }
    }
    let done = console.server.service().done(&format!("operations/{}", text(&search, "job"))).await;
    assert!(done.done);
}

/// A job is stopped, and the stream of its page ends with it.
#[tokio::test]
async fn a_job_that_waits_is_stopped() {
    let console = Console::start_with("[jobs]\nat_once = 0\n").await;
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    let jobs = console.open(&mut browser, "/jobs").await;
    let waiting = send(&mut browser, &jobs, "search", &[TICKED]).await;
    assert_eq!(text(&waiting, "state"), "waits");
    assert!(waiting.html.contains("<script src=\"/job.js\" integrity=\"sha256-"));
    let live = attribute(waiting.html.split("<progress").nth(1).unwrap(), "data-live").unwrap();
    let (mut stream, status) = ask(&console, &browser, &live).await;
    assert_eq!(status, 200);
    until(&mut stream, "\"isOver\":false").await;
    let stopped = send(&mut browser, &waiting, "stop", &[]).await;
    assert_eq!(text(&stopped, "state"), "stopped", "{}", stopped.html);
    until(&mut stream, "\"isOver\":true").await;
    assert!(stream.chunk().await.is_none_or(|last| last.is_empty()));
    assert!(!has(&stopped, "next") && !stopped.html.contains("data-live"), "{}", stopped.html);
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_a_sentence() {
    let console = Console::start().await;
    let service = console.server.service();
    pairs(&service, &["a"]).await;
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    let jobs = console.open(&mut browser, "/jobs").await;
    let refused = send(&mut browser, &jobs, "search", &[]).await;
    assert_eq!(text(&refused, "wrong"), "Choose at least one sign of a duplicate.");
    assert!(refused.html.contains("name=\"reason\" value=\"Ticket 4711\""), "{}", refused.html);
    let refused = send(&mut browser, &jobs, "search", &[TICKED, ("reason", " ")]).await;
    assert!(text(&refused, "wrong").starts_with("Write a reason"), "{}", refused.html);

    let search = send(&mut browser, &jobs, "search", &[TICKED]).await;
    let search = ended(&console, &mut browser, &search).await;
    for fields in [
        [("limit", "many"), ("rate", "50")],
        [("limit", "-1"), ("rate", "50")],
        [("limit", ""), ("rate", "0")],
    ] {
        let refused = send(&mut browser, &search, "preview", &fields).await;
        assert!(text(&refused, "wrong").starts_with("The number of links"), "{}", refused.html);
        assert!(
            refused.html.contains(&format!("name=\"{}\" value=\"{}\"", fields[0].0, fields[0].1))
        );
    }
    let url = format!("{}/jobs/default/{}", console.url, text(&search, "job"));
    let (_, rest) = search.html.split_once("name=\"form_token\" value=\"").unwrap();
    let token = rest.split('"').next().unwrap();
    // What no page has sent: a search is no preview that could be approved, and made no links.
    for action in ["approve", "undo", "delete"] {
        let fields = [("form_token", token), ("action", action), ("reason", "r")];
        let refused = browser.post(&url, &fields).await;
        assert_eq!(text(&refused, "problem"), "Not sent from here", "{action}");
    }
    for path in [
        "/jobs/default/00000000-0000-4000-8000-000000000000",
        "/jobs/default/x",
        "/jobs/default/x/live",
    ] {
        let refused = console.open(&mut browser, path).await;
        assert_eq!(
            (refused.status, text(&refused, "problem")),
            (StatusCode::NOT_FOUND, "No such job"),
            "{path}"
        );
    }
    for path in ["/jobs?tenant=third", "/jobs?page=x", "/jobs/third/x"] {
        let refused = console.open(&mut browser, path).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// A108: a job needs a sign-in of the last ten minutes, and what was typed stays until then.
#[tokio::test]
async fn a_job_needs_a_sign_in_of_the_last_ten_minutes() {
    let console = Console::start().await;
    let mut person = staff(&["admins"]);
    person["auth_time"] = json!(clock::now().timestamp() - 700);
    console.provider.person(person);
    let mut browser = browser();
    console.sign_in(&mut browser, "/").await;
    let jobs = console.open(&mut browser, "/jobs").await;
    let refused = send(&mut browser, &jobs, "search", &[TICKED, ("primary", "most-used")]).await;
    assert!(has(&refused, "sign-in-again"), "{}", refused.html);
    assert!(refused.html.contains("value=\"most-used\" selected"), "{}", refused.html);
    assert!(refused.html.contains("value=\"Ticket 4711\""), "{}", refused.html);
    assert!(console.open(&mut browser, "/jobs").await.html.contains("There is no job."));
}
