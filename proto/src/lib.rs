//! The contract of identity-link, as Rust: the code that is generated from the protos, and their
//! descriptors.

#![forbid(unsafe_code)]

/// Package `identitylink.v1`.
pub mod v1 {
    #![expect(clippy::allow_attributes, unused_qualifications, reason = "generated code")]

    tonic::include_proto!("identitylink.v1");
}

/// The compiled protos, with their options and comments, as an encoded
/// `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
