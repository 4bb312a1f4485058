//! The README's story, through grpcurl.
