//! The code generated from `proto/identity/v1`, and its descriptors.

pub use identity_link_proto::{DESCRIPTOR_SET, v1::*};
