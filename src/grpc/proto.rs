//! The code generated from `proto/`, and its descriptors.

pub use identity_link_proto::{DESCRIPTOR_SET, google, v1::*};
