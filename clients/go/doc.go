// Package identitylink is a client of identity-link, the service that owns which identities belong to
// which user.
//
// A [Client] is thin over grpc-go and the generated messages, which are in the package identitylinkv1.
// It adds a token that is renewed, a deadline by default, one request id per write, the retries that
// are safe, a [Reason] for each refusal, all pages as an iterator, and a watch that goes on from its
// last position.
package identitylink
