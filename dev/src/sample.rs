//! The two sample users: a person who signed in with Google once, and by an SMS code another time.

use std::{path::Path, time::Duration};

use identity_link_proto::v1::{
    CreateUserRequest, IdentityRef, NewIdentity, UserIdForm,
    identity_service_client::IdentityServiceClient,
};
use prost_types::{ListValue, Struct, Value, value::Kind};
use tonic::{Code, Request, metadata::MetadataValue, transport::Endpoint};

use crate::issuers::{self, Bearer, TokenRequest};

/// The Google user's subject.
pub const GOOGLE_SUBJECT: &str = "115015401343387192604";
/// The SMS user's subject.
pub const SMS_SUBJECT: &str = "560ebaeef609ee1adaa7c551";
/// The Google user's email.
pub const EMAIL: &str = "your0@email.com";

/// Creates the sample users by calls to a server that listens at `address`. Users that exist
/// already stay as they are.
///
/// # Errors
/// If a call fails for another reason.
pub async fn load(data_dir: &Path, address: std::net::SocketAddr) -> Result<(), String> {
    let token = TokenRequest {
        bearer: Bearer::Service("sample".to_owned()),
        scope: "create:users".to_owned(),
        tenant: issuers::TENANTS[0].to_owned(),
        ttl: Duration::from_secs(60),
    };
    let token = issuers::sign(data_dir, &token).map_err(|error| error.to_string())?;
    let bearer: MetadataValue<_> =
        format!("Bearer {token}").parse().map_err(|_| "a token is not ASCII".to_owned())?;
    let endpoint =
        Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
    let channel = endpoint.connect().await.map_err(|error| error.to_string())?;
    let mut client = IdentityServiceClient::new(channel);
    for user in [google_user(), sms_user()] {
        let mut request = Request::new(user);
        request.metadata_mut().insert("authorization", bearer.clone());
        match client.create_user(request).await {
            Err(status) if status.code() != Code::AlreadyExists => {
                return Err(status.message().to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

fn google_user() -> CreateUserRequest {
    CreateUserRequest {
        identity: Some(NewIdentity {
            email: EMAIL.to_owned(),
            email_verified: true,
            social: true,
            profile_data: Some(object([
                ("name", text("John Doe")),
                ("given_name", text("John")),
                ("family_name", text("Doe")),
                ("picture", text("https://lh3.googleusercontent..../photo.jpg")),
                ("gender", text("male")),
                ("locale", text("en")),
            ])),
            ..identity("google-oauth2", GOOGLE_SUBJECT)
        }),
        ..user("red", "Admin")
    }
}

fn sms_user() -> CreateUserRequest {
    CreateUserRequest {
        identity: Some(NewIdentity {
            profile_data: Some(object([
                ("phone_number", text("+14258831929")),
                ("phone_verified", Value { kind: Some(Kind::BoolValue(true)) }),
                ("name", text("+14258831929")),
            ])),
            ..identity("sms", SMS_SUBJECT)
        }),
        ..user("blue", "AppAdmin")
    }
}

fn user(color: &str, role: &str) -> CreateUserRequest {
    let roles = ListValue { values: vec![text(role)] };
    CreateUserRequest {
        user_id_form: UserIdForm::ProviderSubject.into(),
        user_metadata: Some(object([("color", text(color))])),
        app_metadata: Some(object([("roles", Value { kind: Some(Kind::ListValue(roles)) })])),
        ..CreateUserRequest::default()
    }
}

fn identity(provider: &str, subject: &str) -> NewIdentity {
    NewIdentity {
        identity_ref: Some(IdentityRef {
            provider: provider.to_owned(),
            subject: subject.to_owned(),
        }),
        ..NewIdentity::default()
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}
