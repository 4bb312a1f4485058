//! The access table: which callers may call which rpc, as the protos declare it.

use super::{AuthError, Permit, TokenCaller, VerifiedToken};
use crate::domain::{StaffRole, TenantId};

/// The callers that may call one rpc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRule {
    /// The path of the rpc, such as `/identitylink.v1.IdentityService/Link`.
    pub path: &'static str,
    /// The scope that a user token needs; `None` accepts no user token.
    pub self_scope: Option<&'static str>,
    /// The scope that a service token needs; `None` accepts no service token.
    pub service_scope: Option<&'static str>,
    /// What its calls do, for limits per caller.
    pub class: CallClass,
    /// How many messages its calls have.
    pub shape: CallShape,
}

/// What a call does. The proto declares it: an rpc that only reads has the option
/// `idempotency_level = NO_SIDE_EFFECTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallClass {
    /// It only reads.
    Read,
    /// It changes something.
    Write,
    /// It is a part of a person's sign-in, and changes something.
    SignIn,
}

/// How many messages a call has, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallShape {
    /// One each way.
    Unary,
    /// The client sends one, the server any number.
    ServerStream,
    /// The client sends any number, the server one.
    ClientStream,
    /// Any number each way.
    TwoStreams,
}

impl CallClass {
    /// The name, as operators and clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Write => "writes",
            Self::SignIn => "sign_ins",
        }
    }
}

/// All rpcs of package `identitylink.v1`, and of the standard services that stand in for a part of it.
/// The build script generates the table from the protos.
pub const TABLE: &[AccessRule] = include!(concat!(env!("OUT_DIR"), "/access_table.rs"));

/// The scope with which a service that the operator lists reads tokens of providers with a user, by
/// Auth0's HTTP. It is beside the scope of the call.
pub const IDP_TOKENS: &str = "read:user_idp_tokens";

impl AccessRule {
    /// The rule of the rpc at this path. A path without a rule permits no caller.
    pub fn for_path(path: &str) -> Option<&'static Self> {
        TABLE.iter().find(|rule| rule.path == path)
    }

    /// The name of the rpc, such as `Link`.
    pub fn rpc(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// Judges a verified caller. `tenant` returns the tenant of the call, and runs only if the
    /// caller's scopes suffice.
    ///
    /// # Errors
    /// [`AuthError::ScopeInsufficient`], and those of `tenant`.
    pub fn permit(
        &self,
        token: &VerifiedToken,
        tenant: impl FnOnce() -> Result<TenantId, AuthError>,
    ) -> Result<Permit, AuthError> {
        let needed = match token.caller {
            TokenCaller::User(_) => self.self_scope,
            TokenCaller::Service => self.service_scope,
        };
        match needed {
            None if matches!(token.caller, TokenCaller::User(_)) => {
                Err(AuthError::ScopeInsufficient("this call is for services only".to_owned()))
            }
            None => Err(AuthError::ScopeInsufficient("this call is for users only".to_owned())),
            Some(scope) if !token.scopes.contains(scope) => Err(AuthError::ScopeInsufficient(
                format!("this call needs a token with the scope {scope}"),
            )),
            Some(_) => Ok(Permit::new(tenant()?, token)),
        }
    }

    /// Judges a person that is signed in to the console, in a tenant whose users are in it: the person
    /// may do what a service with the scopes of the role may.
    ///
    /// # Errors
    /// [`AuthError::ScopeInsufficient`].
    pub fn permit_staff(
        &self,
        role: StaffRole,
        tenant: TenantId,
        who: (&str, &str),
    ) -> Result<Permit, AuthError> {
        self.permit_staff_by(role.scopes(), role, tenant, who)
    }

    /// The same for a call that the console only looks at: it sets `validate_only`.
    ///
    /// # Errors
    /// [`AuthError::ScopeInsufficient`].
    pub fn permit_staff_preview(
        &self,
        role: StaffRole,
        tenant: TenantId,
        who: (&str, &str),
    ) -> Result<Permit, AuthError> {
        self.permit_staff_by(role.preview_scopes(), role, tenant, who)
    }

    fn permit_staff_by(
        &self,
        scopes: &[&str],
        role: StaffRole,
        tenant: TenantId,
        (issuer, subject): (&str, &str),
    ) -> Result<Permit, AuthError> {
        match self.service_scope {
            Some(scope) if scopes.contains(&scope) => Ok(Permit::of_staff(tenant, issuer, subject)),
            _ => Err(AuthError::ScopeInsufficient(format!(
                "the role {} does not permit this call",
                role.name()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rpcs that a role permits and no lower one.
    fn permitted(role: StaffRole) -> Vec<&'static str> {
        let tenant = TenantId::parse("default").unwrap();
        let may = |role: StaffRole, rule: &AccessRule| {
            rule.permit_staff(role, tenant.clone(), ("issuer", "carol")).is_ok()
        };
        let lower = StaffRole::ALL.into_iter().filter(|lower| *lower < role);
        let lower: Vec<StaffRole> = lower.collect();
        let more =
            |rule: &&AccessRule| may(role, rule) && !lower.iter().any(|lower| may(*lower, rule));
        TABLE.iter().filter(more).map(AccessRule::rpc).collect()
    }

    /// A107: no role of the console has a call that it should not have.
    #[test]
    fn each_role_of_the_console_permits_its_own_calls() {
        insta::assert_snapshot!(permitted(StaffRole::Viewer).join(" "), @"FindByEmail GetUser FindByIdentity ResolveUsers ListLinks ListUsers ListLinkCandidates ListConnections");
        insta::assert_snapshot!(permitted(StaffRole::Support).join(" "), @"Link Unlink UndoLink MergeMetadata UpdateUser SetPrimaryIdentity");
        insta::assert_snapshot!(permitted(StaffRole::Operator).join(" "), @"ListEvents WatchEvents DeleteUser FindDuplicates ApplyPlan UndoLinks UploadPlan ReadLines ListOperations GetOperation DeleteOperation CancelOperation WaitOperation");
    }

    /// A107: what a role may only look at, without any effect.
    #[test]
    fn a_viewer_of_the_console_previews_nothing() {
        let tenant = TenantId::parse("default").unwrap();
        let permitted = |role: StaffRole| {
            let may = |rule: &&AccessRule| {
                rule.permit_staff_preview(role, tenant.clone(), ("issuer", "carol")).is_ok()
            };
            TABLE.iter().filter(may).map(AccessRule::rpc).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(permitted(StaffRole::Viewer), "");
        insta::assert_snapshot!(permitted(StaffRole::Support), @"ListProviders StartSignIn CompleteSignIn ResolveSignIn");
        assert_eq!(permitted(StaffRole::Operator), permitted(StaffRole::Support));
    }
}
