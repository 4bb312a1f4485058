package identitylink

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrorInfo.domain of each refusal of the server. A reason of another domain, such as of a proxy, is
// none of these.
const domain = "identity-link"

// A Reason is why the server refused a call. It is stable and meant for programs:
//
//	errors.Is(err, identitylink.ReasonIdentityTaken)
type Reason string

// Error returns the reason as the server names it.
func (r Reason) Error() string { return string(r) }

// A FieldViolation is a field of the request that is wrong in any state of the data.
type FieldViolation struct {
	// Field is such as "user_metadata/a/0"; empty if there are more violations than were sent.
	Field string
	// Description is a sentence for people.
	Description string
}

// A PreconditionViolation keeps the server from carrying out the request now.
type PreconditionViolation struct {
	// Type is the kind of precondition.
	Type string
	// Subject is what it concerns, such as the path of a conflict; empty if there are more than were sent.
	Subject string
	// Description is a sentence for people.
	Description string
}

// An Error is a call that has failed. Decide by [errors.Is] with a [Reason]. The text is for people and
// may change.
type Error struct {
	// Code is the status code.
	Code codes.Code
	// Message is the server's sentence, which says what to do.
	Message string
	// Reason is empty if the server sent none, such as when there is no connection. A call that has reached
	// its deadline has [ReasonDeadline], also if the client saw it first.
	Reason Reason
	// Metadata has values that belong to the reason, such as the "limit" of RATE_LIMITED.
	Metadata map[string]string
	// Violations are the wrong fields of REQUEST_INVALID.
	Violations []FieldViolation
	// Preconditions are what METADATA_CONFLICT and PROVIDER_SCOPES_MISSING list.
	Preconditions []PreconditionViolation
	// RetryDelay is after which delay the same call may succeed; nil if the server did not say.
	RetryDelay *time.Duration
	// RequestID is the `request_id` of the write that failed, also if the client made it. Set it in the
	// same request to repeat the call: if the write was made, the first response comes again. Empty for
	// a call that changes nothing, and for a stream of requests.
	RequestID string

	status *status.Status
	// Whether the server sent the reason.
	isRefusal bool
}

// Error returns the reason, or else the code, and the sentence.
func (e *Error) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("%s: %s", e.Reason, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Is reports whether the target is this error's reason, or the error of a context for its code.
func (e *Error) Is(target error) bool {
	if reason, ok := target.(Reason); ok {
		return e.Reason != "" && e.Reason == reason
	}
	return target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded ||
		target == context.Canceled && e.Code == codes.Canceled
}

// GRPCStatus returns the status, for [status.FromError].
func (e *Error) GRPCStatus() *status.Status { return e.status }

// A TokenError is the failure of a token source: there was no token to call with.
type TokenError struct {
	// RequestID is that of the write that was to be made, as in [Error]. An earlier attempt of the call may
	// have reached the server.
	RequestID string

	cause error
}

// Error returns the error of the source.
func (e *TokenError) Error() string { return "identitylink: there is no token: " + e.cause.Error() }

// Unwrap returns the error of the source.
func (e *TokenError) Unwrap() error { return e.cause }

// parsed returns the error of a status. Details that do not decode are left out.
func parsed(err error) *Error {
	found, ok := status.FromError(err)
	if !ok {
		found = status.FromContextError(err)
	}
	parsed := &Error{Code: found.Code(), Message: found.Message(), status: found}
	var delay *time.Duration
	for _, detail := range found.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == domain {
				parsed.Reason, parsed.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, each := range detail.GetFieldViolations() {
				parsed.Violations = append(parsed.Violations, FieldViolation{each.GetField(), each.GetDescription()})
			}
		case *errdetails.PreconditionFailure:
			for _, each := range detail.GetViolations() {
				parsed.Preconditions = append(parsed.Preconditions,
					PreconditionViolation{each.GetType(), each.GetSubject(), each.GetDescription()})
			}
		case *errdetails.RetryInfo:
			found := max(detail.GetRetryDelay().AsDuration(), 0)
			delay = &found
		}
	}
	parsed.isRefusal = parsed.Reason != ""
	// Only the server itself says when it can be asked again.
	if parsed.isRefusal {
		parsed.RetryDelay = delay
	}
	// The client and the server see the same deadline pass: which one is first is chance.
	if !parsed.isRefusal && parsed.Code == codes.DeadlineExceeded {
		parsed.Reason = ReasonDeadline
	}
	return parsed
}
