//! Clients that send a deadline and leave it to the server: tonic's channel would itself give up at
//! the same moment.

use std::net::SocketAddr;

use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use identity_link::grpc::proto::identity_service_client::IdentityServiceClient;
use tonic::{Request, Status, body::Body, service::interceptor::InterceptedService};

type Timed<F> = IdentityServiceClient<InterceptedService<Client<HttpConnector, Body>, F>>;

/// A client with this token, whose calls contain this `grpc-timeout`.
pub fn timed_client(
    address: SocketAddr,
    token: &str,
    timeout: &'static str,
) -> Timed<impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone + use<>> {
    let bearer = format!("Bearer {token}");
    let told = move |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        Ok(request)
    };
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let origin = format!("http://{address}").parse().unwrap();
    IdentityServiceClient::with_origin(InterceptedService::new(client, told), origin)
}
