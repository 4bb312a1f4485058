package identitylink

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "example.com/identity-link/clients/go/identitylinkv1"
)

const (
	defaultTimeout     = 10 * time.Second
	defaultMaxAttempts = 5
	// A silent stream counts as dead after some heartbeats of a server with defaults.
	defaultMaxSilence = time.Minute
	// A connection that is silent for so long is probed, also while a watch waits.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	// How many ids one call resolves.
	idsAtOnce = 100
)

// A Client calls identity-link from any number of goroutines, by one connection.
type Client struct {
	conn        *grpc.ClientConn
	tokens      TokenSource
	timeout     time.Duration
	maxAttempts int
	maxSilence  time.Duration
	reach       reach
	// The last value of the header of calls.
	header atomic.Pointer[header]
}

// A header is the value of `authorization` for a token.
type header struct{ token, value string }

type settings struct {
	timeout     time.Duration
	maxAttempts int
	maxSilence  time.Duration
	credentials credentials.TransportCredentials
	dial        []grpc.DialOption
}

// An Option changes how a client calls.
type Option func(*settings)

// WithTimeout sets how long a call with all its attempts lasts at most if its context has no deadline:
// ten seconds unless set.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = timeout } }

// WithMaxAttempts sets how often a call is attempted at most, at least once: five times unless set.
func WithMaxAttempts(count int) Option { return func(s *settings) { s.maxAttempts = max(count, 1) } }

// WithMaxSilence sets after which time without a message a watch begins another stream: a minute unless
// set. The server sends a message each `feed.heartbeat`, 15 seconds by default.
func WithMaxSilence(limit time.Duration) Option { return func(s *settings) { s.maxSilence = limit } }

// WithTLS sets how TLS verifies the server. The roots of the system unless set.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) { s.credentials = credentials.NewTLS(config) }
}

// WithPlaintext leaves out TLS. Who can read the network then reads the tokens.
func WithPlaintext() Option {
	return func(s *settings) { s.credentials = insecure.NewCredentials() }
}

// WithDialOptions adds options of grpc-go, which win over those of this package.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

// New returns a client of the server that gRPC names so, such as "identity.example.com:443". It connects
// at its first call. It refuses a URL, a client without a source of tokens, and a timeout that is not above
// zero.
func New(target string, tokens TokenSource, options ...Option) (*Client, error) {
	s := settings{
		timeout:     defaultTimeout,
		maxAttempts: defaultMaxAttempts,
		maxSilence:  defaultMaxSilence,
		credentials: credentials.NewTLS(nil),
	}
	for _, option := range options {
		option(&s)
	}
	switch {
	case tokens == nil:
		return nil, errors.New("identitylink: a client needs a source of tokens, such as FileToken")
	case strings.HasPrefix(target, "http://"), strings.HasPrefix(target, "https://"):
		// gRPC would look up a host of the name "http".
		return nil, errors.New("identitylink: the target is a host and a port, such as identity.example.com:443, not a URL")
	case s.timeout <= 0:
		return nil, errors.New("identitylink: the timeout must be above zero")
	}
	dial := append([]grpc.DialOption{
		grpc.WithTransportCredentials(s.credentials),
		// Retries are made here alone, not by what a name server says.
		grpc.WithDisableServiceConfig(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	}, s.dial...)
	conn, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, err
	}
	client := &Client{
		conn: conn, tokens: tokens, timeout: s.timeout, maxAttempts: s.maxAttempts, maxSilence: s.maxSilence,
	}
	client.reach.of(target, s.credentials.Info().SecurityProtocol == "insecure")
	return client, nil
}

// Close closes the connection. Calls in progress fail.
func (c *Client) Close() error { return c.conn.Close() }

// call makes a call, with the attempts that are safe.
func call[Response any, P interface {
	*Response
	proto.Message
}](ctx context.Context, c *Client, rpc rpc, request proto.Message) (P, error) {
	attempts := newAttempts(rpc, request, c.maxAttempts)
	response, err := attempt[Response, P](ctx, c, rpc, attempts)
	switch failed := err.(type) {
	case *Error:
		failed.RequestID = attempts.requestID
	case *TokenError:
		failed.RequestID = attempts.requestID
	}
	return response, err
}

func attempt[Response any, P interface {
	*Response
	proto.Message
}](ctx context.Context, c *Client, rpc rpc, attempts *attempts) (P, error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	for {
		response := P(new(Response))
		err := c.conn.Invoke(c.authorized(ctx, token), rpc.path, attempts.request, response, grpc.StaticMethod())
		if err == nil {
			c.reach.answered()
			return response, nil
		}
		failed := c.reach.failed(err)
		if attempts.mayRenew(failed) {
			renewed, err := c.renewed(ctx, token)
			if err != nil {
				return nil, err
			}
			if renewed != token {
				token = renewed
				continue
			}
		}
		pause, ok := attempts.pauseAfter(ctx, failed)
		if !ok {
			return nil, failed
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// pages yields the items of all pages.
func pages[Item, Page any](
	first func() (Page, error), next func(token string) (Page, error), token func(Page) string, items func(Page) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		page, err := first()
		for {
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items(page) {
				if !yield(item, nil) {
					return
				}
			}
			if token(page) == "" {
				return
			}
			page, err = next(token(page))
		}
	}
}

// Resolve resolves any number of user ids, live or absorbed, in their order: 100 with each call. An error
// is its last item.
func (c *Client) Resolve(ctx context.Context, userIDs []string) iter.Seq2[*pb.ResolvedUser, error] {
	return func(yield func(*pb.ResolvedUser, error) bool) {
		for ids := range slices.Chunk(userIDs, idsAtOnce) {
			response, err := c.ResolveUsers(ctx, &pb.ResolveUsersRequest{UserIds: ids})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, user := range response.GetUsers() {
				if !yield(user, nil) {
					return
				}
			}
		}
	}
}

// authorized returns the context of a call with this token. The value of its header is made once for each
// token: that takes as long as all else that a client does beside its library.
func (c *Client) authorized(ctx context.Context, token string) context.Context {
	last := c.header.Load()
	if last == nil || last.token != token {
		last = &header{token, "Bearer " + token}
		c.header.Store(last)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", last.value)
}
