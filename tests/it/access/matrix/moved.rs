//! The outcome of every rpc for tokens of accounts that have moved to another user.

use super::{MOVED, generous, table};

/// A60: what a token may do that is older than the link of its account to its present user, for
/// each type of link.
#[tokio::test]
async fn moved() {
    insta::assert_snapshot!(table(&generous().await, "moved", &MOVED).await, @"
    moved                 | absorbed before | absorbed, that second | proven before | proven, that second | proven after | attached before | attached after | in a chain before | once more before
    ListEvents            | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    WatchEvents           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    Link                  | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    Unlink                | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    UndoLink              | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    FindByEmail           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    MergeMetadata         | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    CreateUser            | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    GetUser               | ok              | ok                    | ok            | ok                  | ok           | ok              | ok             | ok                | invalid
    UpdateUser            | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    DeleteUser            | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    FindByIdentity        | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ResolveUsers          | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    SetPrimaryIdentity    | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | sign in           | invalid
    ListLinks             | ok              | ok                    | ok            | ok                  | ok           | ok              | ok             | ok                | invalid
    ListUsers             | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ListLinkCandidates    | ok              | ok                    | ok            | ok                  | ok           | ok              | ok             | ok                | invalid
    ListConnections       | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    GetProviderToken      | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    FindDuplicates        | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ApplyPlan             | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    UndoLinks             | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    UploadPlan            | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ReadLines             | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ListProviders         | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ReceiveLogoutToken    | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ReceiveSecurityEvents | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    StartSignIn           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    CompleteSignIn        | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ResolveSignIn         | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ImportUsers           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ExportUsers           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ListOperations        | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    GetOperation          | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    DeleteOperation       | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    CancelOperation       | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    WaitOperation         | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
    ");
}
