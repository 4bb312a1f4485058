package identitylink

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/grpc/codes"
)

// A reach is whether a server has answered a client.
type reach struct {
	// What to check while none has.
	hint        string
	hasAnswered atomic.Bool
}

// of sets the server of the client.
func (r *reach) of(target string, isPlaintext bool) {
	other := "use WithPlaintext if the server speaks no TLS"
	if isPlaintext {
		other = "leave WithPlaintext out if the server speaks TLS"
	}
	r.hint = fmt.Sprintf("no server at %s has answered yet: check the address, and %s", target, other)
}

// answered notes that a response has come.
func (r *reach) answered() {
	// A store would take the cache line from the other cores at each call.
	if !r.hasAnswered.Load() {
		r.hasAnswered.Store(true)
	}
}

// failed returns the error of an attempt: with what to check, if it may be that no server can be reached.
func (r *reach) failed(err error) *Error {
	failed := parsed(err)
	switch {
	case failed.isRefusal:
		r.answered()
	case r.hasAnswered.Load():
	case failed.Code == codes.Unavailable, failed.Code == codes.DeadlineExceeded:
		failed.Message += "; " + r.hint
	}
	return failed
}
