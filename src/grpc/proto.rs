//! The code generated from `proto/identitylink/v1`, and its descriptors.

pub use identity_link_proto::{DESCRIPTOR_SET, v1::*};
