//! Users that an import brings, as the store takes them.

use identity_link::{
    clock,
    domain::{
        EmailVerification, Identity, IdentityEmail, IdentityRef, Metadata, ProviderPolicies,
        TenantId, User, UserId, Verifier, unlinking::new_user,
    },
    store::{Address, ImportRun, ImportedUser, LockKeys, Session, Store, StoreError},
    telemetry::metrics::Metrics,
};
use uuid::Uuid;

use super::{cluster::Database, policies};

/// A user with these accounts, each `provider|subject`, and without anything else.
pub fn imported(id: &str, accounts: &[&str]) -> ImportedUser {
    let id = UserId::parse(id).unwrap();
    let identities: Vec<Identity> = accounts.iter().map(|joined| identity(&id, joined)).collect();
    let user = new_user(id, &identities[0], clock::now());
    ImportedUser { user: User { identities, ..user }, aliases: Vec::new() }
}

fn identity(owner: &UserId, joined: &str) -> Identity {
    let id = IdentityRef::parse_joined(joined).unwrap();
    Identity {
        origin: owner.clone(),
        ordinal: 0,
        connection: id.provider.to_string(),
        social: false,
        email: None,
        profile_data: Metadata::default(),
        attach_time: clock::now(),
        attached_by: None,
        moved: None,
        email_proven_since: None,
        email_proven_among: false,
        email_changed: false,
        tokens_valid_from: None,
        id,
    }
}

/// The same user with these aliases.
pub fn with_aliases(user: ImportedUser, aliases: &[&str]) -> ImportedUser {
    let aliases = aliases.iter().map(|alias| UserId::parse(alias).unwrap()).collect();
    ImportedUser { aliases, ..user }
}

/// The same user; all its accounts have this email, verified by the word of the source.
pub fn with_verified_email(mut user: ImportedUser, email: &str) -> ImportedUser {
    for identity in &mut user.user.identities {
        let verified = EmailVerification { time: clock::now(), by: Verifier::Import };
        identity.email = IdentityEmail::claimed(email, Some(verified));
    }
    user
}

/// The store that an import of the tenant `default` uses.
pub struct ImportStore(Store);

impl ImportStore {
    /// With the policies of the tests' servers.
    pub async fn open(database: &Database) -> Self {
        Self::open_with(database, |_| {}).await
    }

    /// With changed policies.
    pub async fn open_with(
        database: &Database,
        change: impl FnOnce(&mut ProviderPolicies),
    ) -> Self {
        let address = Address::parse(&database.url).unwrap();
        let mut policies = policies();
        change(policies.get_mut(&Self::tenant()).unwrap());
        Self(Store::open(&address, 4, policies, &Metrics::default()).await.unwrap())
    }

    fn tenant() -> TenantId {
        TenantId::parse("default").unwrap()
    }

    /// A session of the tenant.
    pub async fn session(&self) -> Session {
        self.session_of(&Self::tenant()).await
    }

    /// A session of any tenant.
    pub async fn session_of(&self, tenant: &TenantId) -> Session {
        self.0.session(tenant).await.unwrap()
    }

    /// Imports these users as the whole of a run.
    pub async fn import(&self, users: &[ImportedUser]) -> Result<(), StoreError> {
        self.import_as(&self.begun(users.len()), users).await
    }

    /// Imports these users, and saves this progress in the same transaction.
    pub async fn import_as(
        &self,
        run: &ImportRun,
        users: &[ImportedUser],
    ) -> Result<(), StoreError> {
        let mut session = self.session().await;
        let now = session.begin_locked(&LockKeys::default()).await?;
        session.insert_imported(&users.iter().collect::<Vec<_>>(), now)?;
        session.save_import_run(run);
        session.record_import(run.id, u32::try_from(users.len()).unwrap(), now)?;
        session.commit().await
    }

    /// A new run that has created so many users.
    pub fn begun(&self, created: usize) -> ImportRun {
        let (now, created) = (clock::now(), i64::try_from(created).unwrap());
        ImportRun {
            id: Uuid::new_v4(),
            rows: created,
            created,
            present: 0,
            skipped: 0,
            refused: 0,
            report_bytes: 0,
            ids_bytes: 0,
            begin_time: now,
            update_time: now,
            end_time: None,
        }
    }
}

/// `imported`, or the conflict.
pub fn outcome(result: Result<(), StoreError>) -> String {
    match result {
        Ok(()) => "imported".to_owned(),
        Err(StoreError::Conflict(why)) => why,
        Err(error) => panic!("{error}"),
    }
}
