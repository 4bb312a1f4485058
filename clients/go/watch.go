package identitylink

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "example.com/identity-link/clients/go/identitylinkv1"
)

var errSilent = errors.New("identitylink: the stream was silent for too long")

// Watch watches the feed until its context ends, without a gap and without an event twice.
//
// A stream ends after ten minutes at the latest, when its token expires, when the server stops, and when
// the connection is lost: the watch then goes on from the last position, after a growing pause if need
// be. It also yields the messages without events: each has a position to store.
//
// Its last item is an error that no new stream mends, such as [ReasonPositionExpired]: then list the
// users again. Leave the loop to end the watch.
func (c *Client) Watch(ctx context.Context, request *pb.WatchEventsRequest) iter.Seq2[*pb.WatchEventsResponse, error] {
	return func(yield func(*pb.WatchEventsResponse, error) bool) {
		watch := watch{request: proto.CloneOf(present(request))}
		token, err := c.token(ctx)
		for err == nil {
			ended := c.stream(ctx, watch.request, token, func(response *pb.WatchEventsResponse) bool {
				watch.received(response)
				return yield(response, nil)
			})
			if ended == nil {
				return
			}
			token, err = c.again(ctx, &watch, token, ended)
		}
		yield(nil, err)
	}
}

// again waits until the next stream, and returns its token.
func (c *Client) again(ctx context.Context, watch *watch, token string, ended error) (string, error) {
	var failed *Error
	if !errors.Is(ended, io.EOF) && !errors.Is(ended, errSilent) {
		failed = parsed(ended)
	}
	if err := ctx.Err(); err != nil {
		return "", parsed(err)
	}
	if failed != nil && watch.mayRenew(failed) {
		renewed, err := c.renewed(ctx, token)
		if err == nil && renewed == token {
			err = failed
		}
		return renewed, err
	}
	pause, ok := watch.pauseAfter(failed)
	if !ok {
		return "", failed
	}
	if err := sleep(ctx, pause); err != nil {
		return "", err
	}
	return c.token(ctx)
}

// stream passes the messages of one stream on. It returns why the stream ended; nil if the consumer has
// enough.
func (c *Client) stream(
	ctx context.Context, request *pb.WatchEventsRequest, token string, pass func(*pb.WatchEventsResponse) bool,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := c.conn.NewStream(
		c.authorized(ctx, token), &grpc.StreamDesc{ServerStreams: true}, rpcWatchEvents.path)
	if err != nil {
		return err
	}
	// The stream says itself why it could not be written.
	if stream.SendMsg(request) == nil {
		_ = stream.CloseSend()
	}
	for {
		// The time in which the consumer handles a message does not count.
		silence := time.AfterFunc(c.maxSilence, func() { cancel(errSilent) })
		response := new(pb.WatchEventsResponse)
		err := stream.RecvMsg(response)
		silence.Stop()
		if err != nil {
			if errors.Is(context.Cause(ctx), errSilent) {
				return errSilent
			}
			return err
		}
		c.reach.answered()
		if !pass(response) {
			return nil
		}
	}
}

// A watch is the position that a watch has reached, and when to call again.
type watch struct {
	// The request of the next stream: from the last position on.
	request  *pb.WatchEventsRequest
	failures int
	renewed  bool
}

func (w *watch) received(response *pb.WatchEventsResponse) {
	w.request.Start = &pb.WatchEventsRequest_After{After: response.GetPosition()}
	w.failures, w.renewed = 0, false
}

// mayRenew reports whether the token has ended, and no stream was refused since the last message.
func (w *watch) mayRenew(err *Error) bool {
	may := err.Reason == ReasonTokenInvalid && !w.renewed
	w.renewed = w.renewed || may
	return may
}

// pauseAfter returns the pause before the next stream, and whether there is one. No error is a stream
// that just ended.
func (w *watch) pauseAfter(err *Error) (time.Duration, bool) {
	w.failures++
	if err == nil {
		return backoff(w.failures), true
	}
	// The server ends each watch after a time, to judge the caller again. The first call after it waits
	// for nothing.
	if err.Reason == ReasonWatchExpired && w.failures == 1 {
		return 0, true
	}
	if pause, ok := asked(err); ok {
		return pause, true
	}
	// A connection that is cut makes one of these of a stream, without a reason of the server.
	isCut := err.Code == codes.Unavailable || err.Code == codes.Internal && err.Reason == ""
	return backoff(w.failures), isCut
}
