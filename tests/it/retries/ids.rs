//! Which request ids are valid, and when one is used up.

use super::*;

#[tokio::test]
async fn a_request_id_is_a_uuid_and_a_preview_has_none() {
    let server = TestServer::start().await;
    let (people, service) = (people(&server).await, server.service());
    let uuid = "InvalidArgument REQUEST_INVALID\nrequest_id: must be a UUID other than the one with only zeros";
    for rpc in WRITES {
        for wrong in ["1", "5d1a9d0e-7c1b-4f7e-9a51", "00000000-0000-0000-0000-000000000000"] {
            let refused =
                server.db_refused(write(&service, &people, rpc, wrong, Terms::default())).await;
            assert_eq!(refused, uuid, "{rpc} {wrong}");
        }

        let preview = Terms { validate_only: true, ..Terms::default() };
        let refused = server.db_refused(write(&service, &people, rpc, ID, preview)).await;
        let nothing =
            "request_id: must be empty where validate_only is set: there is nothing to repeat";
        assert_eq!(refused, format!("InvalidArgument REQUEST_INVALID\n{nothing}"), "{rpc}");
    }
}

#[tokio::test]
async fn a_refused_call_leaves_its_id_unused() {
    for rpc in WRITES {
        let server = TestServer::start().await;
        let (people, service) = (people(&server).await, server.service());
        let wrong = Terms { expected_version: Some(99), ..Terms::default() };

        let refused = server.db_refused(write(&service, &people, rpc, ID, wrong)).await;

        let reason = match rpc {
            "CreateUser" => "AlreadyExists IDENTITY_TAKEN",
            "ResolveSignIn" => "FailedPrecondition PROVIDER_DISABLED",
            _ => "Aborted VERSION_MISMATCH",
        };
        assert_eq!(refused, reason);
        assert_eq!(db_kept(&server).await, 0);
        write(&service, &people, rpc, ID, Terms::default()).await.unwrap();
        assert_eq!(db_kept(&server).await, 1);
    }
}

#[tokio::test]
async fn without_an_id_nothing_is_kept() {
    for rpc in WRITES {
        let server = TestServer::start().await;
        write(&server.service(), &people(&server).await, rpc, "", Terms::default()).await.unwrap();
        assert_eq!(db_kept(&server).await, 0, "{rpc}");
    }
}
