//! Where the lanes of a timeline run: a function from the links of a user to rows and columns.

use std::{collections::BTreeSet, ops::Range};

use chrono::{DateTime, Utc};

/// An account that is, or was, one of the user's. Links name it by its number in the list.
#[derive(Debug)]
pub(super) struct Account {
    /// Since when it has existed here; `None` if that is not known.
    pub since: Option<DateTime<Utc>>,
    /// Whether it is the user's now.
    pub is_here: bool,
}

/// A link between two users, or of an account that belonged to none.
#[derive(Debug)]
pub(super) struct Link {
    pub primary: String,
    /// Empty if it attached an account that belonged to no user.
    pub secondary: String,
    /// The accounts that moved to the primary user.
    pub accounts: Vec<usize>,
    pub made: DateTime<Utc>,
    /// `None` while it stands.
    pub undone: Option<DateTime<Utc>>,
}

/// The lanes, in rows that lie in bands: one band per user, the first one that of the user itself.
#[derive(Debug)]
pub(super) struct Layout {
    pub bands: Vec<Band>,
    pub lanes: Vec<Lane>,
    /// In the order of their times. Each has a column of its own.
    pub marks: Vec<Mark>,
}

/// The rows of the accounts of one user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub user: String,
    pub rows: Range<usize>,
    /// The account of each row.
    pub accounts: Vec<usize>,
}

/// The way of one account through the bands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub account: usize,
    pub start: Start,
    /// The row at the start.
    pub row: usize,
    /// At which marks it changes to which rows.
    pub bends: Vec<(usize, usize)>,
    /// Whether it ends after the last mark: the user gave the account up.
    pub ends: bool,
}

/// Where a lane begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Before the mark of this number, and after the one before.
    Before(usize),
    /// At the mark: the link attached the account.
    At(usize),
}

/// What happens at a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// The link is made.
    Made,
    /// The link is undone.
    Undone,
}

/// A change of the user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub link: usize,
    pub change: Change,
    pub time: DateTime<Utc>,
    /// The rows in which the lanes join or part; empty if the link moved no account.
    pub rows: Vec<usize>,
}

/// A user's band in which an account is, from a mark on; at first without a mark.
struct Visit<'a> {
    user: &'a str,
    from: Option<usize>,
}

/// The layout for a user and its links, the newest first.
pub(super) fn layout(user: &str, accounts: &[Account], links: &[Link]) -> Layout {
    let marks = marks_in_order(links);
    let mut visits: Vec<Vec<Visit<'_>>> = accounts.iter().map(|_| Vec::new()).collect();
    // By mark: the account and the user in whose band it joins or parts.
    let mut points: Vec<Vec<(usize, &str)>> = Vec::with_capacity(marks.len());
    for (at, (_, change, link)) in marks.iter().enumerate() {
        let (before, after) = match change {
            Change::Made => (&*link.secondary, &*link.primary),
            Change::Undone => (&*link.primary, &*link.secondary),
        };
        let mut of_mark = Vec::new();
        for account in &link.accounts {
            let Some(visits) = visits.get_mut(*account) else { continue };
            if visits.is_empty() && !before.is_empty() {
                visits.push(Visit { user: before, from: None });
            }
            let was = visits.last().map_or(after, |visit| visit.user);
            of_mark.push((*account, if *change == Change::Made { after } else { was }));
            if !after.is_empty() && visits.last().is_none_or(|visit| visit.user != after) {
                visits.push(Visit { user: after, from: Some(at) });
            }
        }
        points.push(of_mark);
    }
    for visits in visits.iter_mut().filter(|visits| visits.is_empty()) {
        visits.push(Visit { user, from: None });
    }
    let bands = bands(user, &visits);
    let row = |account: usize, of: &str| {
        let band = bands.iter().find(|band| band.user == of)?;
        let at = band.accounts.iter().position(|known| *known == account)?;
        Some(band.rows.start + at)
    };
    let marked = marks.iter().zip(&points).map(|(&(link, change, of), points)| {
        let time = time_of(of, change);
        let rows = points.iter().filter_map(|(account, of)| row(*account, of)).collect();
        Mark { link, change, time, rows }
    });
    let lanes = accounts.iter().zip(&visits).enumerate().filter_map(|(at, (account, visits))| {
        let (first, later) = visits.split_first()?;
        let next = later.first().and_then(|visit| visit.from).unwrap_or(marks.len());
        let before = |since: DateTime<Utc>| {
            marks.iter().take_while(|(_, change, link)| time_of(link, *change) <= since).count()
        };
        let start = match first.from {
            Some(mark) => Start::At(mark),
            None => Start::Before(account.since.map_or(next, before).min(next)),
        };
        let bends = later.iter().filter_map(|visit| Some((visit.from?, row(at, visit.user)?)));
        let is_last_here = visits.last().is_some_and(|visit| visit.user == user);
        Some(Lane {
            account: at,
            start,
            row: row(at, first.user)?,
            bends: bends.collect(),
            ends: is_last_here && !account.is_here,
        })
    });
    Layout { lanes: lanes.collect(), marks: marked.collect(), bands }
}

/// When a link changed so.
fn time_of(link: &Link, change: Change) -> DateTime<Utc> {
    match change {
        Change::Made => link.made,
        Change::Undone => link.undone.unwrap_or(link.made),
    }
}

/// What happened, the oldest first. Of two changes at one time, that of the older link comes first.
fn marks_in_order(links: &[Link]) -> Vec<(usize, Change, &Link)> {
    let oldest_first = links.iter().enumerate().rev();
    let mut marks: Vec<(usize, Change, &Link)> = oldest_first
        .flat_map(|(at, link)| {
            let undone = link.undone.map(|_| (at, Change::Undone, link));
            std::iter::once((at, Change::Made, link)).chain(undone)
        })
        .collect();
    // Stable. A link is undone after it was made, whatever the clocks said.
    marks.sort_by_key(|(_, change, link)| time_of(link, *change).max(link.made));
    marks
}

/// The bands of all users that are visited, that of the user itself first.
fn bands(user: &str, visits: &[Vec<Visit<'_>>]) -> Vec<Band> {
    let mut users = vec![user];
    let mut by_time: Vec<&Visit<'_>> = visits.iter().flatten().collect();
    by_time.sort_by_key(|visit| visit.from);
    for visit in by_time {
        if !users.contains(&visit.user) {
            users.push(visit.user);
        }
    }
    let mut next = 0;
    let band = |user: &str| {
        let inside = visits
            .iter()
            .enumerate()
            .filter(|(_, visits)| visits.iter().any(|visit| visit.user == user));
        let accounts: BTreeSet<usize> = inside.map(|(account, _)| account).collect();
        let rows = next..next + accounts.len();
        next = rows.end;
        Band { user: user.to_owned(), rows, accounts: accounts.into_iter().collect() }
    };
    users.into_iter().map(band).collect()
}

#[cfg(test)]
mod tests;
