//! The texts of jobs.

mod english;
mod german;

use crate::{
    domain::duplicates::{Mark, Rule},
    grpc::proto::{Reason, job_metadata::State},
    transfer::plans::SkipReason,
};

/// The texts of the pages of jobs, in one language.
pub(in crate::console) struct JobsTexts {
    pub title: &'static str,
    pub what: &'static str,
    pub none: &'static str,
    pub older: &'static str,
    pub find: &'static str,
    pub find_what: &'static str,
    pub by_rules: &'static str,
    pub primary: &'static str,
    pub oldest: &'static str,
    pub most_used: &'static str,
    pub find_button: &'static str,

    pub search: &'static str,
    pub apply_preview: &'static str,
    pub apply: &'static str,
    pub undo_preview: &'static str,
    pub undo: &'static str,
    pub upload: &'static str,
    pub import: &'static str,
    pub export: &'static str,
    pub other: &'static str,
    pub states: [&'static str; 5],
    pub stopping: &'static str,

    pub back: &'static str,
    pub refresh: &'static str,
    pub progress: &'static str,
    pub of: &'static str,
    pub started: &'static str,
    pub begun: &'static str,
    pub ended: &'static str,
    pub by: &'static str,
    pub plan: &'static str,
    pub limit: &'static str,
    pub no_limit: &'static str,
    pub rate: &'static str,
    pub accepted: &'static str,
    pub of_plan: &'static str,
    pub of_sign_ins: &'static str,
    pub of_service: &'static str,
    pub since: &'static str,
    pub until: &'static str,

    pub figures: &'static str,
    pub read: &'static str,
    pub clusters: &'static str,
    pub users: &'static str,
    pub marked: &'static str,
    pub largest: &'static str,
    pub size: &'static str,
    pub line: &'static str,
    pub linked: &'static str,
    pub would_link: &'static str,
    pub undone: &'static str,
    pub would_undo: &'static str,
    pub created: &'static str,
    pub already: &'static str,
    pub already_there: &'static str,
    pub refused_rows: &'static str,
    pub limited: &'static str,

    pub samples: &'static str,
    pub samples_none: &'static str,
    pub samples_more: &'static str,
    pub stays: &'static str,
    pub joins: &'static str,
    pub parts: &'static str,
    pub and_more: &'static str,
    pub against: &'static str,
    pub erased_user: &'static str,
    pub skipped: &'static str,

    pub next: &'static str,
    pub next_apply: &'static str,
    pub accept: &'static str,
    pub accept_hint: &'static str,
    pub limit_label: &'static str,
    pub limit_hint: &'static str,
    pub rate_label: &'static str,
    pub preview_button: &'static str,
    pub approve_links: &'static str,
    pub approve_undo: &'static str,
    pub approve_links_button: &'static str,
    pub approve_undo_button: &'static str,
    pub undo_all: &'static str,
    pub undo_button: &'static str,
    pub stop: &'static str,
    pub stop_button: &'static str,
    pub why: &'static str,
    pub rules_wrong: &'static str,
    pub numbers_wrong: &'static str,
    pub not_finished: &'static str,
    pub plan_incomplete: &'static str,
    pub too_many: &'static str,
    pub no_job: (&'static str, &'static str),

    /// What each rule of a search finds, in the order of [`Rule::ALL`].
    pub rules: [&'static str; 4],
    /// What each mark says, in the order of [`Mark::ALL`].
    pub marks: [&'static str; 12],
    /// Why a link is as it was, in the order of [`SkipReason::ALL`].
    pub skips: [&'static str; 11],
}

impl JobsTexts {
    /// How far a job is.
    pub(in crate::console) fn state(&self, state: State) -> &'static str {
        let [waiting, running, succeeded, failed, cancelled] = self.states;
        match state {
            State::Unspecified | State::Waiting => waiting,
            State::Running => running,
            State::Succeeded => succeeded,
            State::Failed => failed,
            State::Cancelled => cancelled,
        }
    }

    /// What a rule of a search finds.
    pub(in crate::console) fn rule(&self, rule: Rule) -> &'static str {
        text(&Rule::ALL, self.rules, rule)
    }

    /// What a mark of a plan says against a link.
    pub(in crate::console) fn mark(&self, mark: Mark) -> &'static str {
        text(&Mark::ALL, self.marks, mark)
    }

    /// Why a link is as it was before, or a row of an import was refused.
    pub(in crate::console) fn skip(&self, word: &str) -> &'static str {
        let reason = SkipReason::ALL.into_iter().find(|reason| reason.word() == word);
        reason.map_or(self.refused_rows, |reason| text(&SkipReason::ALL, self.skips, reason))
    }

    /// What a refusal says, and what to do; `None` if it is none that a person can meet here.
    pub(in crate::console) fn refusal(&self, reason: Reason) -> Option<&'static str> {
        Some(match reason {
            Reason::OperationUnfinished => self.not_finished,
            Reason::PlanIncomplete => self.plan_incomplete,
            Reason::TooManyOperations => self.too_many,
            _ => return None,
        })
    }
}

/// The text of one of these, whose texts have the same order.
fn text<T: Copy + PartialEq, const N: usize>(
    all: &[T; N],
    texts: [&'static str; N],
    it: T,
) -> &'static str {
    all.iter().zip(texts).find(|(known, _)| **known == it).map_or("", |(_, text)| text)
}
