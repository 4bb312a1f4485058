//! The code generated from `proto/identity/v1`, and its descriptors.

#![expect(clippy::allow_attributes, unused_qualifications, reason = "generated code")]

tonic::include_proto!("identity.v1");

/// The compiled protos, with their options and comments.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
