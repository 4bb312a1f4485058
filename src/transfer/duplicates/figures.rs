//! The figures of a plan.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    domain::{
        UserId,
        duplicates::{Cluster, Mark, Rule},
    },
    store::FoundDuplicates,
};

/// How many of the largest clusters are named.
const LARGEST: usize = 5;

/// How much a plan has.
#[derive(Debug, Default)]
pub struct Figures {
    /// How many identities were read, some of them twice.
    pub read: u64,
    /// How many clusters there are.
    pub clusters: u64,
    /// How many users are in them.
    pub users: u64,
    /// How many clusters have something against them.
    pub marked: u64,
    /// What each rule found.
    pub rules: BTreeMap<Rule, OfRule>,
    /// How many clusters have each mark.
    pub marks: BTreeMap<Mark, u64>,
    /// The largest clusters.
    pub largest: Vec<Large>,
}

/// A large cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Large {
    /// How many users it has.
    pub users: usize,
    /// Its primary user; `None` of a cluster that was found before an interruption.
    pub primary: Option<UserId>,
    /// The number of its line, from 1.
    pub line: u64,
}

/// What a rule found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfRule {
    /// How many pairs of users it connects.
    pub pairs: u64,
    /// In how many clusters.
    pub clusters: u64,
}

impl From<FoundDuplicates> for Figures {
    /// The figures of a search that was interrupted.
    fn from(found: FoundDuplicates) -> Self {
        let FoundDuplicates { read, clusters, users, marked, rules, marks, largest } = found;
        let rules = rules.into_iter().filter_map(|(name, pairs, clusters)| {
            let rule = Rule::ALL.into_iter().find(|rule| rule.as_str() == name)?;
            Some((rule, OfRule { pairs, clusters }))
        });
        let marks = marks.into_iter().filter_map(|(name, of)| Some((Mark::parse(&name)?, of)));
        let largest = largest.into_iter().map(|(line, users)| {
            let users = usize::try_from(users).unwrap_or(usize::MAX);
            Large { users, primary: None, line }
        });
        let (rules, marks, largest) = (rules.collect(), marks.collect(), largest.collect());
        Self { read, clusters, users, marked, rules, marks, largest }
    }
}

impl From<&Figures> for FoundDuplicates {
    fn from(figures: &Figures) -> Self {
        let Figures { read, clusters, users, marked, rules, marks, largest } = figures;
        let rule = |(rule, of): (&Rule, &OfRule)| (rule.as_str().to_owned(), of.pairs, of.clusters);
        let mark = |(mark, count): (&Mark, &u64)| (mark.as_str().to_owned(), *count);
        Self {
            read: *read,
            clusters: *clusters,
            users: *users,
            marked: *marked,
            rules: rules.iter().map(rule).collect(),
            marks: marks.iter().map(mark).collect(),
            largest: largest.iter().map(|large| (large.line, large.users as u64)).collect(),
        }
    }
}

impl Figures {
    /// Counts a cluster.
    pub(super) fn add(&mut self, cluster: &Cluster) {
        let users = cluster.secondaries.len() + 1;
        self.clusters += 1;
        self.users += users as u64;
        let mut pairs: BTreeMap<Rule, BTreeSet<(&UserId, &UserId)>> = BTreeMap::new();
        for shared in &cluster.shared {
            pairs.entry(shared.rule).or_default().extend(shared.pairs());
        }
        for (rule, pairs) in pairs {
            let of_rule = self.rules.entry(rule).or_default();
            of_rule.pairs += pairs.len() as u64;
            of_rule.clusters += 1;
        }
        self.marked += u64::from(!cluster.objections.is_empty());
        for objection in &cluster.objections {
            *self.marks.entry(objection.mark).or_default() += 1;
        }
        let primary = Some(cluster.primary.id.clone());
        // The first line is the header.
        self.largest.push(Large { users, primary, line: self.clusters + 1 });
        self.largest.sort_by_key(|large| (Reverse(large.users), large.primary.clone()));
        self.largest.truncate(LARGEST);
    }
}
