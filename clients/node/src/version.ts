// Written by clients/generate from the protos. Do not edit.

/** The version of this package. */
export const VERSION = "0.1.0";
