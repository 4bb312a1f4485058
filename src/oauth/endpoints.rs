//! The endpoints of a provider, read once, for a check from outside of any flow.

use http::Uri;

use super::{ClientSettings, Protocol, metadata_cache::MetadataCache};
use crate::{auth::discovery::MetadataError, http_client::HttpClient};

/// The URLs to which the server itself sends requests when a person signs in at this provider.
///
/// # Errors
/// [`MetadataError`] if the provider's metadata cannot be read, or lacks something.
pub async fn endpoints(
    http: &HttpClient,
    client: &ClientSettings,
) -> Result<Vec<Uri>, MetadataError> {
    match &client.protocol {
        Protocol::GitHub(urls) => Ok(vec![urls.token.clone(), urls.api.clone()]),
        Protocol::Oidc { metadata, .. } => {
            let cache = MetadataCache::new(client.issuer(), metadata.clone());
            let endpoints = cache.fetch(http).await?;
            Ok(vec![endpoints.token.clone()])
        }
    }
}
