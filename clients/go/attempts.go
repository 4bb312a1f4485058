package identitylink

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The pause after a failure for which the server gives no delay: it doubles up to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// requestIDs says whether requests of an rpc have a request_id.
type requestIDs int

const (
	// They have none.
	never requestIDs = iota
	// All but previews (validate_only) have one: the server refuses a preview with one.
	exceptPreviews
	// All have one.
	always
)

// An rpc is what the contract says of an rpc.
type rpc struct {
	path string
	// Whether it changes nothing, so that it can be repeated after any failure.
	onlyReads bool
	requestID requestIDs
}

// The server has changed nothing when it refuses for one of these: any call can be repeated.
var nothingChanged = []Reason{
	ReasonConflictRetry,
	ReasonKeysUnavailable,
	ReasonOverloaded,
	ReasonRateLimited,
	ReasonStoreUnavailable,
}

// attempts are those of one call: one deadline, which the context has, and one request id for all.
type attempts struct {
	request proto.Message
	// Empty if the request has none.
	requestID string
	isSafe    bool
	left      int
	failures  int
	renewed   bool
}

func newAttempts(rpc rpc, request proto.Message, maxAttempts int) *attempts {
	request = present(request)
	if rpc.onlyReads && rpc.requestID == never {
		return &attempts{request: request, isSafe: true, left: maxAttempts}
	}
	fields := request.ProtoReflect().Descriptor().Fields()
	previews := fields.ByName("validate_only")
	isPreview := previews != nil && request.ProtoReflect().Get(previews).Bool()
	ids := fields.ByName("request_id")
	if rpc.requestID == always || rpc.requestID == exceptPreviews && !isPreview {
		request = withRequestID(request, ids)
	}
	requestID := ""
	if ids != nil {
		requestID = request.ProtoReflect().Get(ids).String()
	}
	// A write under its request id changes nothing twice, and a preview nothing at all.
	isSafe := rpc.onlyReads || isPreview || requestID != ""
	return &attempts{request: request, requestID: requestID, isSafe: isSafe, left: maxAttempts}
}

// present returns the request; an empty one for a nil pointer, which gRPC sends as that too.
func present[M proto.Message](request M) M {
	if request.ProtoReflect().IsValid() {
		return request
	}
	return request.ProtoReflect().New().Interface().(M)
}

// withRequestID returns the request with an id. The caller's message stays as it is.
func withRequestID(request proto.Message, ids protoreflect.FieldDescriptor) proto.Message {
	if request.ProtoReflect().Get(ids).String() != "" {
		return request
	}
	request = proto.Clone(request)
	request.ProtoReflect().Set(ids, protoreflect.ValueOfString(newUUID()))
	return request
}

// newUUID returns a random UUID (RFC 9562, section 5.4).
func newUUID() string {
	var id [16]byte
	// It never fails.
	_, _ = rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// mayRenew reports whether the server refused the token, for the first time in this call.
func (a *attempts) mayRenew(err *Error) bool {
	may := err.Reason == ReasonTokenInvalid && err.Code == codes.Unauthenticated && !a.renewed
	a.renewed = a.renewed || may
	return may
}

// pauseAfter returns the pause before the next attempt, and whether there is one: it is none if the
// failure is final, or if the pause would outlast the deadline.
func (a *attempts) pauseAfter(ctx context.Context, err *Error) (time.Duration, bool) {
	a.left--
	a.failures++
	pause, ok := a.pause(err)
	if !ok || a.left < 1 {
		return 0, false
	}
	if deadline, has := ctx.Deadline(); has && pause >= time.Until(deadline) {
		return 0, false
	}
	return pause, true
}

func (a *attempts) pause(err *Error) (time.Duration, bool) {
	if pause, ok := asked(err); ok {
		for _, reason := range nothingChanged {
			if errors.Is(err, reason) {
				return pause, true
			}
		}
		return pause, a.isSafe
	}
	// The connection was lost, or the outcome of the commit is unknown.
	return backoff(a.failures), err.Code == codes.Unavailable && a.isSafe
}

// asked returns the pause that the server asks for, if it says that a repetition may succeed. A little
// is added, so that clients that were refused together do not come back together.
func asked(err *Error) (time.Duration, bool) {
	if err.RetryDelay == nil {
		return 0, false
	}
	switch err.Code {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted:
		return time.Duration(float64(*err.RetryDelay) * (1 + 0.2*mathrand.Float64())), true
	default:
		return 0, false
	}
}

// backoff returns the pause after so many failures in a row, of which half is random.
func backoff(failures int) time.Duration {
	longest := min(firstPause<<min(failures-1, 16), lastPause)
	return longest/2 + mathrand.N(longest/2+1)
}

// sleep waits, unless the context ends before.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return parsed(ctx.Err())
	}
}
