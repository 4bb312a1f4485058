//! The modules of the generated code. The environment says where that is while this is compiled.

#![expect(dead_code, reason = "a program uses a part of the contract")]

mod google {
    pub mod longrunning {
        include!(concat!(env!("GENERATED"), "/google/longrunning/google.longrunning.rs"));
    }
    pub mod rpc {
        include!(concat!(env!("GENERATED"), "/google/rpc/google.rpc.rs"));
    }
}
mod identitylink {
    pub mod v1 {
        include!(concat!(env!("GENERATED"), "/identitylink/v1/identitylink.v1.rs"));
    }
}

use identitylink::v1::{GetUserRequest, User, identity_service_client::IdentityServiceClient};
use tonic::{Status, transport::Channel};

async fn user(
    client: &mut IdentityServiceClient<Channel>,
    id: &str,
) -> Result<Option<User>, Status> {
    let request = GetUserRequest { user_id: id.to_owned(), ..Default::default() };
    Ok(client.get_user(request).await?.into_inner().user)
}

fn main() {}
