//! The texts of changes.

use crate::grpc::proto::{MetadataChange, MetadataNamespace, Reason, metadata_change::Effect};

/// The texts of the page of a change, in one language.
pub(in crate::console) struct ChangeTexts {
    pub link: &'static str,
    pub link_what: &'static str,
    pub link_sessions: &'static str,
    pub link_consumers: &'static str,
    pub link_done: &'static str,
    pub unlink: &'static str,
    pub unlink_what: &'static str,
    pub unlink_sessions: &'static str,
    pub unlink_consumers: &'static str,
    pub release_consumers: &'static str,
    pub unlink_done: &'static str,
    pub undo: &'static str,
    pub undo_what: &'static str,
    pub undo_done: &'static str,
    pub erase: &'static str,
    pub erase_what: &'static str,
    pub erase_sessions: &'static str,
    pub erase_consumers: &'static str,
    pub erase_done: &'static str,
    pub erased: &'static str,
    pub sure: &'static str,
    pub not_sure: &'static str,
    pub heading: &'static str,
    pub link_button: &'static str,
    pub unlink_button: &'static str,
    pub undo_button: &'static str,
    pub erase_button: &'static str,
    pub back: &'static str,
    pub with: &'static str,
    pub choices: &'static str,
    pub take: &'static str,
    pub choose: &'static str,
    pub shared_email: &'static str,
    pub merge_first: &'static str,
    pub merge_second: &'static str,
    pub merge_keep: &'static str,
    pub account: &'static str,
    pub mode: &'static str,
    pub mode_restore: &'static str,
    pub mode_release: &'static str,
    pub returned: &'static str,
    pub metadata_restore: &'static str,
    pub metadata_discard: &'static str,
    pub why: &'static str,
    pub why_hint: &'static str,
    pub preview: &'static str,
    pub would: &'static str,
    pub now: &'static str,
    pub afterwards: &'static str,
    pub new_user: &'static str,
    pub ids: &'static str,
    pub metadata: &'static str,
    pub sessions: &'static str,
    pub consumers: &'static str,
    pub link_confirm: &'static str,
    pub unlink_confirm: &'static str,
    pub undo_confirm: &'static str,
    pub erase_confirm: &'static str,
    pub sign_in_first: &'static str,
    pub sign_in_again: &'static str,
    pub absorbed: &'static str,
    pub same_user: &'static str,
    pub changed: &'static str,
    pub uncertain: &'static str,
    pub gone: &'static str,
    pub account_gone: &'static str,
    pub link_gone: &'static str,
    pub user_blocked: &'static str,
    pub last_account: &'static str,
    pub primary_account: &'static str,
    pub too_many: &'static str,
    pub too_large: &'static str,
    pub not_undoable: &'static str,
    pub effects: [&'static str; 7],
}

impl ChangeTexts {
    /// What a refusal says, and what to do; `None` if it is none that a person can meet here.
    pub(in crate::console) fn refusal(&self, reason: Reason) -> Option<&'static str> {
        Some(match reason {
            Reason::SameUser => self.same_user,
            Reason::UserNotFound => self.gone,
            Reason::IdentityNotFound => self.account_gone,
            Reason::LinkNotFound => self.link_gone,
            Reason::UserAbsorbed => self.absorbed,
            Reason::UserBlocked => self.user_blocked,
            Reason::LastIdentity => self.last_account,
            Reason::PrimaryIdentity => self.primary_account,
            Reason::TooManyIdentities => self.too_many,
            Reason::MetadataTooLarge => self.too_large,
            Reason::VersionMismatch | Reason::ConflictRetry => self.changed,
            Reason::CommitUnknown => self.uncertain,
            Reason::LinkNotUndoable => self.not_undoable,
            _ => return None,
        })
    }

    /// What a change does at a place of the metadata.
    pub(in crate::console) fn effect(&self, change: &MetadataChange) -> String {
        let [added, first, second, combined, withheld, reversed, kept] = self.effects;
        let effect = match change.effect() {
            Effect::Unspecified => "",
            Effect::Added => added,
            Effect::ConflictPrimary => first,
            Effect::ConflictSecondary => second,
            Effect::Combined => combined,
            Effect::Withheld => withheld,
            Effect::Reversed => reversed,
            Effect::Kept => kept,
        };
        let namespace = match change.metadata_namespace() {
            MetadataNamespace::App => "app_metadata",
            MetadataNamespace::User | MetadataNamespace::Unspecified => "user_metadata",
        };
        format!("{namespace}{}: {effect}", change.path)
    }
}
