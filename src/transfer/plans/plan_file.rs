//! Reads a plan: a header, then a line for each cluster, as `duplicates` writes them.
//!
//! A first pass checks all lines before anything is linked: a file that is broken anywhere links
//! nothing. The second pass reads the same open file, a line at a time.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    domain::{
        TenantId, UserId, UserRef,
        duplicates::{Mark, Rule},
        linking::MAX_IDENTITIES,
    },
    store::NewLine,
    transfer::duplicates::FORM,
};

/// The longest line, in bytes. A cluster of a hundred users has some hundred KiB.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Why a plan cannot be read. The text has the number of the line, and no value of a person.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("the plan cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The first line is no header.
    #[error("line 1 is not the header of a plan of `identity-link duplicates`")]
    Header,
    /// The plan has another form.
    #[error("the plan has the form {0}, and this release reads {FORM}: write it anew")]
    Form(u32),
    /// A line is no cluster.
    #[error("line {line} is not a cluster: {what}")]
    Line {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
}

#[derive(Deserialize)]
struct FormLine {
    form: u32,
}

#[derive(Deserialize)]
struct HeaderLine {
    plan: Uuid,
    tenant: String,
}

#[derive(Deserialize, Serialize)]
struct ClusterLine {
    primary: UserLine,
    secondaries: Vec<UserLine>,
    evidence: Vec<EvidenceLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    against: Vec<AgainstLine>,
}

#[derive(Deserialize, Serialize)]
struct UserLine {
    id: String,
    version: i64,
}

#[derive(Deserialize, Serialize)]
struct EvidenceLine {
    rule: String,
    holders: Vec<HolderLine>,
}

#[derive(Deserialize, Serialize)]
struct HolderLine {
    user: String,
}

#[derive(Deserialize, Serialize)]
struct AgainstLine {
    mark: String,
}

/// Which plan it is, from its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanId {
    /// Its id.
    pub id: Uuid,
    /// The tenant of its users.
    pub tenant: TenantId,
}

impl PlanId {
    /// Reads the header of a plan.
    ///
    /// # Errors
    /// [`PlanError::Header`] and [`PlanError::Form`].
    pub fn parse(header: &[u8]) -> Result<Self, PlanError> {
        let FormLine { form } = parse(header).ok_or(PlanError::Header)?;
        if form != FORM {
            return Err(PlanError::Form(form));
        }
        let HeaderLine { plan, tenant } = parse(header).ok_or(PlanError::Header)?;
        let tenant = TenantId::parse(&tenant).ok_or(PlanError::Header)?;
        if plan.is_nil() {
            return Err(PlanError::Header);
        }
        Ok(Self { id: plan, tenant })
    }
}

/// A plan whose lines were all checked.
#[derive(Debug)]
pub struct PlanFile {
    /// Which plan it is.
    pub plan: PlanId,
    /// How many secondary users it has.
    pub secondaries: u64,
    file: File,
}

/// A user, with the version for which the plan holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedUser {
    /// Its id.
    pub id: UserId,
    /// The version.
    pub version: i64,
}

/// A user that the primary one is to absorb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSecondary {
    /// The user.
    pub user: PlannedUser,
    /// Whether it shares a value with the primary user itself, and not only with another secondary
    /// one.
    pub shares_with_primary: bool,
}

/// Users who are to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCluster {
    /// The number of its line, from 1.
    pub line: u64,
    /// The user that is to absorb the others.
    pub primary: PlannedUser,
    /// In an order in which each one shares a value with the primary user, or with one before it.
    pub secondaries: Vec<PlannedSecondary>,
    /// Whether emails that are verified on both sides are its only evidence.
    pub is_by_verified_emails: bool,
    /// What stands against the links.
    pub marks: Vec<String>,
}

impl PlanFile {
    /// Opens a plan, and checks all its lines.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn open(path: &Path) -> Result<Self, PlanError> {
        let file = File::open(path)?;
        let mut lines = Lines::of(&file)?;
        let header = lines.next_line()?.ok_or(PlanError::Header)?;
        let PlanId { id, tenant } = PlanId::parse(&header)?;
        let mut secondaries = 0;
        while let Some(cluster) = lines.next_cluster()? {
            secondaries += cluster.secondaries.len() as u64;
        }
        Ok(Self { plan: PlanId { id, tenant }, secondaries, file })
    }

    /// Hands the clusters out, one after the other, until `hand_out` returns false.
    ///
    /// # Errors
    /// [`PlanError`]; the clusters before were handed out.
    pub(super) fn read(
        &self,
        mut hand_out: impl FnMut(PlannedCluster) -> bool,
    ) -> Result<(), PlanError> {
        let mut lines = Lines::of(&self.file)?;
        lines.next_line()?;
        while let Some(cluster) = lines.next_cluster()? {
            if !hand_out(cluster) {
                break;
            }
        }
        Ok(())
    }
}

/// The lines of a file, from its beginning.
struct Lines {
    file: BufReader<File>,
    number: u64,
}

impl Lines {
    fn of(file: &File) -> io::Result<Self> {
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file: BufReader::new(file), number: 0 })
    }

    /// The next line; `None` at the end.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, PlanError> {
        let mut line = Vec::new();
        self.number += 1;
        if self.file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        match line.pop() {
            Some(b'\n') => Ok(Some(line)),
            // The file was cut, or it is none of ours.
            _ => Err(self.wrong("it has no end")),
        }
    }

    fn next_cluster(&mut self) -> Result<Option<PlannedCluster>, PlanError> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        PlannedCluster::parse(self.number, &line).map(Some)
    }

    fn wrong(&self, what: &'static str) -> PlanError {
        PlanError::Line { line: self.number, what }
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(line).ok()
}

impl PlannedCluster {
    /// Reads the line with this number.
    ///
    /// # Errors
    /// [`PlanError::Line`].
    pub fn parse(line: u64, text: &[u8]) -> Result<Self, PlanError> {
        let wrong = |what| PlanError::Line { line, what };
        let found = parse(text).ok_or_else(|| wrong("it is not of the plan's form"))?;
        Self::checked(line, found).map_err(wrong)
    }

    /// Whether both name one of the same users.
    pub(super) fn shares_a_user_with(&self, other: &Self) -> bool {
        self.ids().any(|id| other.ids().any(|of_other| id == of_other))
    }

    fn ids(&self) -> impl Iterator<Item = &UserId> {
        let secondaries = self.secondaries.iter().map(|secondary| &secondary.user.id);
        [&self.primary.id].into_iter().chain(secondaries)
    }

    /// The cluster, if its users can be one.
    fn checked(line: u64, found: ClusterLine) -> Result<Self, &'static str> {
        let ClusterLine { primary, secondaries, evidence, against } = found;
        let primary = PlannedUser::checked(&primary)?;
        let secondaries: Vec<PlannedUser> =
            secondaries.iter().map(PlannedUser::checked).collect::<Result<_, _>>()?;
        if !(1..MAX_IDENTITIES).contains(&secondaries.len()) {
            return Err("it must have 1 to 99 secondary users");
        }
        let mut ids: BTreeSet<&UserId> = secondaries.iter().map(|user| &user.id).collect();
        ids.insert(&primary.id);
        if ids.len() <= secondaries.len() {
            return Err("it names a user twice");
        }
        let is_by_verified_emails = !evidence.is_empty()
            && evidence.iter().all(|value| value.rule == Rule::VerifiedEmail.as_str());
        let secondaries = in_order(&primary, secondaries, &evidence);
        let marks = against.into_iter().map(|against| against.mark).collect();
        Ok(Self { line, primary, secondaries, is_by_verified_emails, marks })
    }
}

/// What is stored of the line with this number of a plan that a service sends: what an application
/// reads of it. It names no users but those of the cluster, and no marks but those of this release.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn stored_line(number: u64, text: &[u8]) -> Result<NewLine, &'static str> {
    let form = "is not of the plan's form";
    let mut line: ClusterLine = parse(text).ok_or(form)?;
    let users = [&line.primary].into_iter().chain(&line.secondaries);
    let ids: BTreeSet<String> = users.map(|user| user.id.clone()).collect();
    for evidence in &mut line.evidence {
        if !Rule::ALL.iter().any(|rule| rule.as_str() == evidence.rule) {
            return Err("has evidence of a rule that this release does not know");
        }
        evidence.holders.retain(|holder| ids.contains(&holder.user));
    }
    if line.against.iter().any(|against| Mark::parse(&against.mark).is_none()) {
        return Err("has a mark that this release does not know");
    }
    let stored = serde_json::to_string(&line).map_err(|_| form)?;
    PlannedCluster::checked(number, line)?;
    let concerned = ids.iter().filter_map(|id| UserId::parse(id)).map(UserRef::UserId).collect();
    Ok(NewLine { line: stored, concerned, without_users: None })
}

impl PlannedUser {
    fn checked(line: &UserLine) -> Result<Self, &'static str> {
        let id = UserId::parse(&line.id).ok_or("an id is not well-formed")?;
        match line.version {
            version @ 1.. => Ok(Self { id, version }),
            _ => Err("a version is not positive"),
        }
    }
}

/// The secondary users in the order in which they are connected with the primary one. Without
/// evidence their order stays.
fn in_order(
    primary: &PlannedUser,
    mut left: Vec<PlannedUser>,
    evidence: &[EvidenceLine],
) -> Vec<PlannedSecondary> {
    let shares = |one: &UserId, other: &UserId| {
        evidence.iter().any(|value| {
            let has = |user: &UserId| value.holders.iter().any(|of| of.user == user.as_str());
            has(one) && has(other)
        })
    };
    let mut ordered: Vec<PlannedSecondary> = Vec::new();
    while !left.is_empty() {
        let is_next = |user: &PlannedUser| {
            let before = ordered.iter().map(|other| &other.user.id);
            [&primary.id].into_iter().chain(before).any(|other| shares(&user.id, other))
        };
        let user = left.remove(left.iter().position(is_next).unwrap_or_default());
        let shares_with_primary = shares(&user.id, &primary.id);
        ordered.push(PlannedSecondary { user, shares_with_primary });
    }
    ordered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: usize) -> UserLine {
        UserLine { id: format!("user_{number}"), version: 1 }
    }

    fn pair(one: usize, other: usize) -> EvidenceLine {
        let holders = [one, other].map(|of| HolderLine { user: user(of).id });
        EvidenceLine { rule: "verified-email".to_owned(), holders: holders.into() }
    }

    proptest! {
        /// Whatever tree connects the users, each one follows one that it shares a value with, and
        /// none is lost.
        #[test]
        fn each_user_follows_one_that_it_shares_a_value_with(
            parents in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
            shuffled in any::<u64>(),
        ) {
            let evidence: Vec<EvidenceLine> = (1..).zip(&parents)
                .map(|(child, parent)| pair(child, parent.index(child))).collect();
            let mut secondaries: Vec<UserLine> = (1..=parents.len()).map(user).collect();
            secondaries.sort_by_key(|of| crate::secret::sha256(format!("{shuffled}{}", of.id).as_bytes()));
            let edges: Vec<BTreeSet<String>> = evidence.iter()
                .map(|value| value.holders.iter().map(|of| of.user.clone()).collect()).collect();
            let against = Vec::new();
            let line = ClusterLine { primary: user(0), secondaries, evidence, against };

            let cluster = PlannedCluster::checked(2, line).unwrap();

            let mut before = vec!["user_0".to_owned()];
            for PlannedSecondary { user, shares_with_primary } in &cluster.secondaries {
                let id = user.id.to_string();
                let with = |other: &String| edges.contains(&BTreeSet::from([id.clone(), other.clone()]));
                prop_assert!(before.iter().any(with));
                prop_assert_eq!(*shares_with_primary, with(&before[0]));
                before.push(id);
            }
            prop_assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), parents.len() + 1);
        }
    }
}
