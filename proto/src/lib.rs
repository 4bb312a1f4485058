//! The contract of identity-link, as Rust: the code that is generated from the protos, and their
//! descriptors.

#![forbid(unsafe_code)]

pub use self::identitylink::v1;

// Generated code names the types of other packages by the path of modules that their names give.
mod identitylink {
    /// Package `identitylink.v1`.
    pub mod v1 {
        #![expect(clippy::allow_attributes, unused_qualifications, reason = "generated code")]

        tonic::include_proto!("identitylink.v1");
    }
}

/// The standard protos that the contract uses, from googleapis.
pub mod google {
    /// Package `google.longrunning`: operations that take longer than a call (AIP-151).
    pub mod longrunning {
        #![expect(
            clippy::allow_attributes,
            missing_docs,
            unused_qualifications,
            reason = "generated code"
        )]

        tonic::include_proto!("google.longrunning");
    }

    /// Package `google.rpc`: the error of an operation.
    pub mod rpc {
        #![expect(missing_docs, reason = "generated code")]

        tonic::include_proto!("google.rpc");
    }
}

/// The compiled protos, with their options and comments, as an encoded
/// `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
