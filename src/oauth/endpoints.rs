//! What a provider says of itself, read once, for a check from outside of any flow.

use http::Uri;

use super::{ClientSettings, Misfit, Protocol, fit::misfits, metadata_cache::MetadataCache};
use crate::{auth::discovery::MetadataError, http_client::HttpClient};

/// What was read of a provider.
pub struct Examined {
    /// The URLs to which the server itself sends requests when a person signs in there.
    pub endpoints: Vec<Uri>,
    /// What does not fit between the client's settings and the metadata.
    pub misfits: Vec<Misfit>,
}

/// Reads what a provider says of itself.
///
/// # Errors
/// [`MetadataError`] if the provider's metadata cannot be read, or lacks something.
pub async fn examine(
    http: &HttpClient,
    client: &ClientSettings,
) -> Result<Examined, MetadataError> {
    match &client.protocol {
        Protocol::OAuth(oauth) => Ok(Examined {
            endpoints: vec![oauth.token.clone(), oauth.api.clone()],
            misfits: Vec::new(),
        }),
        Protocol::Oidc(oidc) => {
            let cache = MetadataCache::new(client.issuer(), oidc.metadata.clone());
            let found = cache.fetch(http).await?;
            Ok(Examined {
                endpoints: vec![found.token.clone()],
                misfits: misfits(client, &found.metadata),
            })
        }
    }
}
