//! Messages as protobuf's JSON.

use std::sync::LazyLock;

use identity_link_client::{DESCRIPTOR_SET, v1};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use super::{super::Failure, shown::plain_json};

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).ok());

/// A message, and its name in the contract.
pub(super) trait Named: Message {
    const NAME: &'static str;
}

macro_rules! named {
    ($($message:ident),+ $(,)?) => {
        $(impl Named for v1::$message {
            const NAME: &'static str = concat!("identitylink.v1.", stringify!($message));
        })+
    };
}

named!(Event, LinkRecord, LinkResponse, ResolvedUser, UndoLinkResponse, UnlinkResponse, User);

/// A message in JSON, on one line.
pub(super) fn json<M: Named>(message: &M) -> Result<String, Failure> {
    Ok(plain_json(&value(message)?.to_string()))
}

/// A message in JSON.
pub(super) fn value<M: Named>(message: &M) -> Result<Value, Failure> {
    let found = POOL.as_ref().and_then(|pool| pool.get_message_by_name(M::NAME));
    let descriptor = found.ok_or("the contract of this program does not have the message")?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    Ok(serde_json::to_value(&message)?)
}
