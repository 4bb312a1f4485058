//! What the contract says of an rpc.

use prost::Message;

/// Whether requests of an rpc have a `request_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestId {
    /// They have none.
    Never,
    /// All but previews (`validate_only`) have one: the server refuses a preview with one.
    ExceptPreviews,
    /// All have one.
    Always,
}

/// The request of an rpc.
pub(crate) trait Rpc: Message + Clone + Default + 'static {
    /// The response; for a stream, each of its messages.
    type Response: Message + Default + 'static;

    /// The path, such as `/identitylink.v1.IdentityService/Link`.
    const PATH: &'static str;
    /// Whether the rpc changes nothing, so that it can be repeated after any failure.
    const ONLY_READS: bool;
    /// Whether requests have a `request_id`.
    const REQUEST_ID: RequestId;

    /// The field `request_id`, if the message has one.
    fn request_id(&mut self) -> Option<&mut String> {
        None
    }

    /// Whether the request is a preview, which changes nothing.
    fn is_preview(&self) -> bool {
        false
    }
}

/// The request of an rpc whose responses are pages.
pub(crate) trait Paged: Rpc {
    /// An item of a page.
    type Item: Send + 'static;

    /// Asks for the page of this token.
    fn set_page_token(&mut self, token: String);

    /// The items of a page, and the token of the next one: empty on the last page.
    fn page(response: Self::Response) -> (Vec<Self::Item>, String);
}
