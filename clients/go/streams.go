package identitylink

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "example.com/identity-link/clients/go/identitylinkv1"
)

// ExportUsers yields the users of the tenant as lines: first the position of the feed, last the counts. An
// error is its last item, and an export that ends with one is not complete.
//
// The stream has the deadline of the context, and none of the client. It is begun again as a call is
// repeated, until its first message has come.
func (c *Client) ExportUsers(ctx context.Context, request *pb.ExportUsersRequest) iter.Seq2[*pb.ExportUsersResponse, error] {
	return read[pb.ExportUsersResponse](ctx, c, rpcExportUsers, request)
}

// ReadLines yields the lines of a job. An error is its last item: continue with AfterLine.
//
// The stream has the deadline of the context, and none of the client. It is begun again as a call is
// repeated, until its first message has come.
func (c *Client) ReadLines(ctx context.Context, request *pb.ReadLinesRequest) iter.Seq2[*pb.ReadLinesResponse, error] {
	return read[pb.ReadLinesResponse](ctx, c, rpcReadLines, request)
}

// ImportUsers creates users from rows, and yields what became of each row. An error is its last item.
//
// The requests are the settings, the rows, and RowsEnd; they are read as fast as the server takes them. If
// one comes with an error, nothing is written, and that error is the only item. The stream has the deadline
// of the context, and none of the client.
//
// The call is made once. After an error, send the same rows again: users that are there already are
// OUTCOME_PRESENT, and nothing of them changes.
func (c *Client) ImportUsers(
	ctx context.Context, requests iter.Seq2[*pb.ImportUsersRequest, error],
) iter.Seq2[*pb.ImportUsersResponse, error] {
	return write[pb.ImportUsersResponse](ctx, c, rpcImportUsers, requests)
}

// UploadPlan stores a plan, whose lines the requests have. If one comes with an error, nothing is stored, and
// that error is the result. The stream has the deadline of the context, and none of the client.
//
// The call is made once. After an error, send the same lines again with the same RequestId: the plan is
// stored once.
func (c *Client) UploadPlan(
	ctx context.Context, requests iter.Seq2[*pb.UploadPlanRequest, error],
) (*pb.UploadPlanResponse, error) {
	for response, err := range write[pb.UploadPlanResponse](ctx, c, rpcUploadPlan, requests) {
		return response, err
	}
	return nil, errors.New("identitylink: the stream ended without a response")
}

// read yields the messages of a stream that changes nothing.
func read[Response any, P interface {
	*Response
	proto.Message
}](ctx context.Context, c *Client, rpc rpc, request proto.Message) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		// The time until the stream begins, not of the stream.
		begin, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		attempts := newAttempts(rpc, request, c.maxAttempts)
		token, err := c.token(begin)
		for err == nil {
			hasBegun, isLeft := false, false
			ended := c.exchange(ctx, rpc, token, &grpc.StreamDesc{ServerStreams: true},
				func(stream grpc.ClientStream) error { return stream.SendMsg(request) },
				func() proto.Message { return P(new(Response)) },
				func(response proto.Message) bool {
					hasBegun = true
					isLeft = !yield(response.(P), nil)
					return !isLeft
				})
			if ended == nil || isLeft {
				return
			}
			failed := c.reach.failed(ended)
			if hasBegun {
				err = failed
				break
			}
			token, err = c.begunAgain(begin, attempts, token, failed)
		}
		yield(nil, err)
	}
}

// begunAgain waits until the next attempt, and returns its token.
func (c *Client) begunAgain(ctx context.Context, attempts *attempts, token string, failed *Error) (string, error) {
	if attempts.mayRenew(failed) {
		renewed, err := c.renewed(ctx, token)
		if err != nil || renewed != token {
			return renewed, err
		}
	}
	pause, ok := attempts.pauseAfter(ctx, failed)
	if !ok {
		return "", failed
	}
	return token, sleep(ctx, pause)
}

// write sends a stream of requests, and yields the messages of its response: the server sends none before
// the last request.
func write[Response any, P interface {
	*Response
	proto.Message
}, Request proto.Message](ctx context.Context, c *Client, rpc rpc, requests iter.Seq2[Request, error]) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		token, err := c.token(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		var theirs error
		isLeft := false
		ended := c.exchange(ctx, rpc, token, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
			func(stream grpc.ClientStream) error {
				for request, err := range requests {
					if err != nil {
						theirs = err
						return err
					}
					if err := stream.SendMsg(request); err != nil {
						return err
					}
				}
				return nil
			},
			func() proto.Message { return P(new(Response)) },
			func(response proto.Message) bool {
				isLeft = !yield(response.(P), nil)
				return !isLeft
			})
		if ended == nil || isLeft {
			return
		}
		if theirs != nil {
			yield(nil, theirs)
			return
		}
		failed := c.reach.failed(ended)
		if failed.Reason == ReasonTokenInvalid {
			// A token that was refused is not used again.
			if _, err := c.renewed(ctx, token); err != nil {
				yield(nil, err)
				return
			}
		}
		yield(nil, failed)
	}
}

// exchange makes a call of streams. It returns why the call ended; nil at its regular end, and if the
// consumer has enough. A failure to send that is not the server's cancels the call: the server then has
// no whole request.
func (c *Client) exchange(
	ctx context.Context, rpc rpc, token string, desc *grpc.StreamDesc,
	send func(grpc.ClientStream) error, message func() proto.Message, pass func(proto.Message) bool,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.conn.NewStream(c.authorized(ctx, token), desc, rpc.path)
	if err != nil {
		return err
	}
	// io.EOF: the server has ended the call, and the stream says why.
	if err := send(stream); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		response := message()
		if err := stream.RecvMsg(response); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		c.reach.answered()
		if !pass(response) {
			return nil
		}
	}
}
