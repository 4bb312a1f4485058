//! The lines of a job, some at a time: the groups of a plan, or what became of each link.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::from_str;
use tonic::Code;

use super::shown::path_of_job;
use crate::{
    console::{
        calls::JobCalls,
        pages::{Problem, user::path_of},
        texts::Texts,
    },
    domain::{
        UserId,
        duplicates::{Mark, Rule},
    },
    grpc::proto::{
        self as pb, JobMetadata, ReadLinesRequest, job_metadata::Kind, read_lines_response,
    },
};

/// How many lines a page shows.
const LINES: usize = 20;
/// How many users of a line it names.
const USERS: usize = 10;

/// The lines on a page.
pub(super) struct Lines {
    pub lines: Vec<Line>,
    /// Where the next ones are; empty after the last.
    pub next: String,
    /// The users on the page.
    pub users: Vec<UserId>,
}

/// A line, as the page shows it.
#[derive(Default)]
pub(super) struct Line {
    pub number: i64,
    /// What becomes of the primary user and of the others; empty if nothing does.
    pub becomes: [&'static str; 2],
    /// The primary user; `None` where it is not known any more.
    pub primary: Option<User>,
    /// The users that become part of it, or no longer are.
    pub secondaries: Vec<User>,
    /// How many further ones there are.
    pub more: usize,
    /// What connects them, each with the accounts that have it.
    pub evidence: Vec<Evidence>,
    /// What stands against it.
    pub against: Vec<&'static str>,
    /// What became of the link; empty in a plan.
    pub verdict: &'static str,
    /// Why it is as it was; empty otherwise.
    pub why: &'static str,
}

/// A user of a line, with its page.
pub(super) struct User {
    pub id: String,
    pub path: String,
}

/// A value that users share.
pub(super) struct Evidence {
    pub rule: &'static str,
    pub value: String,
    pub accounts: Vec<String>,
}

/// The line of a group of users.
#[derive(Deserialize)]
struct ClusterLine {
    primary: Named,
    secondaries: Vec<Named>,
    #[serde(default)]
    evidence: Vec<EvidenceLine>,
    #[serde(default)]
    against: Vec<AgainstLine>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct EvidenceLine {
    rule: String,
    /// An uploaded plan may leave these out.
    #[serde(default)]
    value: String,
    #[serde(default)]
    holders: Vec<HolderLine>,
}

#[derive(Deserialize)]
struct HolderLine {
    #[serde(default)]
    identities: Vec<IdentityLine>,
}

#[derive(Deserialize)]
struct IdentityLine {
    provider: String,
    subject: String,
}

#[derive(Deserialize)]
struct AgainstLine {
    mark: String,
}

/// The line of a report.
#[derive(Deserialize)]
struct VerdictLine {
    #[serde(default)]
    primary: Option<String>,
    #[serde(default)]
    secondary: Option<String>,
    verdict: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    marks: Vec<String>,
}

/// The first line of a plan.
#[derive(Deserialize)]
struct HeaderLine {
    plan: String,
}

impl Lines {
    /// Reads some lines of a job that has ended, behind the one with the number `after`.
    pub(super) async fn read(
        t: &Texts,
        calls: &mut JobCalls,
        (tenant, id): (&str, &str),
        (of, after): (&JobMetadata, i64),
    ) -> Result<Self, Problem> {
        // The header of a plan is no line for people.
        let is_plan = matches!(of.kind(), Kind::FindDuplicates | Kind::UploadPlan);
        let after = if is_plan { after.max(1) } else { after };
        let found = some_lines(calls, &format!("operations/{id}"), after, LINES + 1).await?;
        let has_more = found.len() > LINES;
        let mut users = BTreeSet::new();
        let shown = found.iter().take(LINES).map(|line| {
            let shown = match is_plan {
                true => cluster(t, tenant, line),
                false => verdict(t, tenant, line),
            };
            shown.ok_or_else(|| Problem::fault("a line of a job has an unknown form"))
        });
        let lines = shown.collect::<Result<Vec<_>, Problem>>()?;
        for line in &lines {
            let named = line.primary.iter().chain(&line.secondaries);
            users.extend(named.filter_map(|user| UserId::parse(&user.id)));
        }
        let last = lines.last().map_or(after, |line| line.number);
        let next = match has_more {
            true => format!("{}?after={last}#lines", path_of_job(tenant, id)),
            false => String::new(),
        };
        Ok(Self { lines, next, users: users.into_iter().collect() })
    }

    /// The id of the plan that an operation has; `None` if the operation was forgotten.
    pub(super) async fn plan(
        calls: &mut JobCalls,
        operation: &str,
    ) -> Result<Option<String>, Problem> {
        let header = some_lines(calls, operation, 0, 1).await?;
        let header = header.first().and_then(|line| from_str::<HeaderLine>(&line.json).ok());
        Ok(header.map(|header| header.plan))
    }
}

/// Up to so many lines; none of an operation that was forgotten.
async fn some_lines(
    calls: &mut JobCalls,
    operation: &str,
    after_line: i64,
    most: usize,
) -> Result<Vec<read_lines_response::Line>, Problem> {
    let request = ReadLinesRequest { operation: operation.to_owned(), after_line };
    let mut stream = match calls.jobs.read_lines(request).await {
        Ok(stream) => stream.into_inner(),
        Err(status) if status.code() == Code::NotFound => return Ok(Vec::new()),
        Err(status) => return Err(status.into()),
    };
    let mut lines = Vec::new();
    while lines.len() < most {
        let Some(pb::ReadLinesResponse { lines: more }) = stream.message().await? else { break };
        lines.extend(more);
    }
    lines.truncate(most);
    Ok(lines)
}

fn user(tenant: &str, id: String) -> User {
    User { path: path_of(tenant, &id), id }
}

/// A line of a plan; `None` if it has another form.
fn cluster(t: &Texts, tenant: &str, line: &read_lines_response::Line) -> Option<Line> {
    let ClusterLine { primary, secondaries, evidence, against } = from_str(&line.json).ok()?;
    let more = secondaries.len().saturating_sub(USERS);
    let secondaries = secondaries.into_iter().take(USERS).map(|it| user(tenant, it.id));
    let against = against.iter().filter_map(|it| Mark::parse(&it.mark));
    Some(Line {
        number: line.number,
        becomes: [t.jobs.stays, t.jobs.joins],
        primary: Some(user(tenant, primary.id)),
        secondaries: secondaries.collect(),
        more,
        evidence: evidence.into_iter().take(USERS).map(|it| shared(t, it)).collect(),
        against: against.map(|mark| t.jobs.mark(mark)).collect(),
        ..Line::default()
    })
}

fn shared(t: &Texts, EvidenceLine { rule, value, holders }: EvidenceLine) -> Evidence {
    let rule = Rule::ALL.into_iter().find(|known| known.as_str() == rule);
    let accounts = holders.into_iter().flat_map(|holder| holder.identities);
    let accounts = accounts.take(USERS).map(|it| format!("{}: {}", it.provider, it.subject));
    Evidence {
        rule: rule.map_or("", |rule| t.jobs.rule(rule)),
        value,
        accounts: accounts.collect(),
    }
}

/// A line of a report; `None` if it has another form.
fn verdict(t: &Texts, tenant: &str, line: &read_lines_response::Line) -> Option<Line> {
    let VerdictLine { primary, secondary, verdict, reason, marks } = from_str(&line.json).ok()?;
    let texts = &t.jobs;
    let (joined, parted) = ([texts.stays, texts.joins], [texts.stays, texts.parts]);
    let (verdict, becomes, why) = match &*verdict {
        "linked" => (texts.linked, joined, ""),
        "would_link" => (texts.would_link, joined, ""),
        "undone" => (texts.undone, parted, ""),
        "would_undo" => (texts.would_undo, parted, ""),
        "already" => (texts.already, ["", ""], ""),
        "skipped" => (texts.skipped, ["", ""], texts.skip(&reason.unwrap_or_default())),
        _ => return None,
    };
    let marks = marks.iter().filter_map(|mark| Mark::parse(mark));
    Some(Line {
        number: line.number,
        becomes,
        primary: primary.map(|id| user(tenant, id)),
        secondaries: secondary.into_iter().map(|id| user(tenant, id)).collect(),
        against: marks.map(|mark| texts.mark(mark)).collect(),
        verdict,
        why,
        ..Line::default()
    })
}
