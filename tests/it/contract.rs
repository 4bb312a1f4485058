//! The contract: who may call what, and which fields know whether they are there.
