//! Calls `GetUser` by the client and by the bare stub: see `measure.py`.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead as _},
    time::Duration,
};

use identity_link_client::{
    Client, TokenSource,
    tonic::{
        Request, Status,
        metadata::{Ascii, MetadataValue},
        transport::{Channel, Endpoint},
    },
    v1::{GetUserRequest, GetUserResponse, identity_service_client::IdentityServiceClient},
};
use tokio::task::JoinSet;

const CALLERS: usize = 8;
/// That of each call, by the stub too.
const DEADLINE: Duration = Duration::from_secs(10);

/// What makes the calls.
#[derive(Clone)]
enum Arm {
    Client(Client),
    Stub(IdentityServiceClient<Channel>, MetadataValue<Ascii>),
}

impl Arm {
    async fn get_user(
        &mut self,
        user_id: String,
    ) -> Result<GetUserResponse, Box<dyn Error + Send + Sync>> {
        let message = GetUserRequest { user_id };
        match self {
            Self::Client(client) => Ok(client.get_user(message).await?),
            Self::Stub(stub, authorization) => {
                let mut request = Request::new(message);
                request.set_timeout(DEADLINE);
                request.metadata_mut().insert("authorization", authorization.clone());
                let response: Result<_, Status> = stub.get_user(request).await;
                Ok(response?.into_inner())
            }
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, token_file, user_id] = &arguments[..] else {
        return Err("name the address, the file of the token, and the id of a user".into());
    };
    let address = format!("http://{address}");
    let client = Client::builder(&address, TokenSource::file(token_file)).build()?;
    let channel = Endpoint::from_shared(address)?.connect_lazy();
    let token = fs::read_to_string(token_file)?;
    let authorization = format!("Bearer {}", token.trim()).parse()?;
    let stub = Arm::Stub(IdentityServiceClient::new(channel), authorization);
    let client = Arm::Client(client);
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (arm, calls) = line.split_once(' ').ok_or("an order is an arm and a number")?;
        let calls: usize = calls.parse()?;
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let mut arm = if arm == "client" { client.clone() } else { stub.clone() };
            let user_id = user_id.clone();
            callers.spawn(async move {
                for _ in 0..calls / CALLERS {
                    let response = arm.get_user(user_id.clone()).await?;
                    if response.user.is_none_or(|user| user.id != user_id) {
                        return Err("the response has another user".into());
                    }
                }
                Ok::<_, Box<dyn Error + Send + Sync>>(())
            });
        }
        while let Some(ended) = callers.join_next().await {
            ended??;
        }
        println!("done");
    }
    Ok(())
}
