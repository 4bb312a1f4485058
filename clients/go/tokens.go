package identitylink

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A token is renewed this long before its end, or after 80 % of its life if that is later.
const (
	early       = 30 * time.Second
	latestShare = 5
)

// How long a token that is still good is used after its renewal has failed, before the next attempt.
const afterFailure = 5 * time.Second

// What a bearer token may consist of (RFC 6750, section 2.1, b64token).
var bearer = regexp.MustCompile(`^[A-Za-z0-9\-._~+/]+=*$`)

var errNoBearer = errors.New(
	"the token is no bearer token: it is empty, or has characters beside those of RFC 6750")

// A TokenSource returns the bearer token of each call. It is used by many goroutines at once. The result of a
// call for which it fails is a [TokenError].
type TokenSource interface {
	// Token returns the token for the next call.
	Token(ctx context.Context) (string, error)
	// Renew returns another token in place of one that the server has refused. If it is the same, the
	// call fails with the server's refusal.
	Renew(ctx context.Context, rejected string) (string, error)
}

// A Token is a bearer token, and when it ends.
type Token struct {
	Value string
	// ExpiresAt is when the token ends. Zero means: the `exp` of a JWT, and for another token that it
	// is good until the server refuses it.
	ExpiresAt time.Time
}

// String hides the value.
func (t Token) String() string { return "Token(hidden)" }

// GoString hides the value.
func (t Token) GoString() string { return t.String() }

type staticToken struct{ value string }

// StaticToken returns a source of one token, which is never renewed: for scripts and tests.
func StaticToken(value string) TokenSource { return staticToken{value} }

func (s staticToken) Token(context.Context) (string, error) { return checked(s.value) }

func (s staticToken) Renew(ctx context.Context, _ string) (string, error) { return s.Token(ctx) }

func (s staticToken) String() string   { return "StaticToken(hidden)" }
func (s staticToken) GoString() string { return s.String() }

type fileToken struct {
	path string

	mutex sync.Mutex
	read  os.FileInfo
	value string
}

// FileToken returns a source of the token in a file that another process renews, such as a projected
// token of Kubernetes. The file is read again when it has changed, and when the server has refused its
// token. White space around the token is left out.
func FileToken(path string) TokenSource { return &fileToken{path: path} }

func (s *fileToken) Token(context.Context) (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found, err := os.Stat(s.path)
	if err != nil {
		return "", err
	}
	if s.read != nil && os.SameFile(s.read, found) && s.read.ModTime().Equal(found.ModTime()) &&
		s.read.Size() == found.Size() {
		return s.value, nil
	}
	// If the file is replaced after the look at it, the next call sees another one.
	text, err := os.ReadFile(s.path)
	if err != nil {
		return "", err
	}
	value, err := checked(strings.TrimSpace(string(text)))
	if err != nil {
		return "", err
	}
	s.read, s.value = found, value
	return value, nil
}

func (s *fileToken) Renew(ctx context.Context, _ string) (string, error) {
	s.mutex.Lock()
	s.read = nil
	s.mutex.Unlock()
	return s.Token(ctx)
}

// String hides the value.
func (s *fileToken) String() string { return "FileToken(" + s.path + ")" }

// GoString hides the value.
func (s *fileToken) GoString() string { return s.String() }

type functionToken struct {
	function func(context.Context) (Token, error)
	now      func() time.Time

	// One renewal at a time: a full channel is a lock that a call can give up with its context.
	renewal chan struct{}
	mutex   sync.Mutex
	value   string
	// Zero if the token has no known end.
	expiresAt, renewAt time.Time
}

// FunctionToken returns a source of the tokens that a function gets, such as by the client credentials
// of OAuth 2.0. The function is called before the token ends, and after the server has refused it;
// never twice at once. If it fails while the token is still good, that one is used. Otherwise the result of
// the call is a [TokenError] of its error.
func FunctionToken(function func(context.Context) (Token, error)) TokenSource {
	return &functionToken{function: function, now: time.Now, renewal: make(chan struct{}, 1)}
}

func (s *functionToken) Token(ctx context.Context) (string, error) {
	now := s.now()
	if fresh := s.fresh(now); fresh != "" {
		return fresh, nil
	}
	if good := s.good(now); good != "" {
		// While another goroutine renews a token that is still good, this one need not wait.
		select {
		case s.renewal <- struct{}{}:
		default:
			return good, nil
		}
	} else if err := s.lock(ctx); err != nil {
		return "", err
	}
	defer s.unlock()
	if fresh := s.fresh(s.now()); fresh != "" {
		return fresh, nil
	}
	value, err := s.fetch(ctx)
	if err != nil {
		if good := s.putOff(s.now()); good != "" {
			return good, nil
		}
	}
	return value, err
}

func (s *functionToken) Renew(ctx context.Context, rejected string) (string, error) {
	if err := s.lock(ctx); err != nil {
		return "", err
	}
	defer s.unlock()
	if good := s.good(s.now()); good != "" && good != rejected {
		return good, nil
	}
	return s.fetch(ctx)
}

// String hides the value.
func (s *functionToken) String() string { return "FunctionToken(hidden)" }

// GoString hides the value.
func (s *functionToken) GoString() string { return s.String() }

func (s *functionToken) lock(ctx context.Context) error {
	select {
	case s.renewal <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *functionToken) unlock() { <-s.renewal }

func (s *functionToken) fetch(ctx context.Context) (string, error) {
	token, err := s.function(ctx)
	if err != nil {
		return "", err
	}
	value, err := checked(token.Value)
	if err != nil {
		return "", err
	}
	expiresAt := token.ExpiresAt
	if expiresAt.IsZero() {
		expiresAt = expiry(value)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.value, s.expiresAt, s.renewAt = value, expiresAt, time.Time{}
	if !expiresAt.IsZero() {
		life := max(expiresAt.Sub(s.now()), 0)
		s.renewAt = expiresAt.Add(-min(early, life/latestShare))
	}
	return value, nil
}

// fresh returns the token, unless it is time for another one.
func (s *functionToken) fresh(now time.Time) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.renewAt.IsZero() && !now.Before(s.renewAt) {
		return ""
	}
	return s.value
}

// good returns the token, unless it has ended.
func (s *functionToken) good(now time.Time) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.expiresAt.IsZero() && !now.Before(s.expiresAt) {
		return ""
	}
	return s.value
}

// putOff returns the token after its renewal has failed, unless it has ended.
func (s *functionToken) putOff(now time.Time) string {
	s.mutex.Lock()
	s.renewAt = now.Add(afterFailure)
	s.mutex.Unlock()
	return s.good(now)
}

// token returns the token for the next call, or why there is none.
func (c *Client) token(ctx context.Context) (string, error) {
	token, err := c.tokens.Token(ctx)
	return obtained(ctx, token, err)
}

// renewed returns another token in place of one that the server has refused, or why there is none.
func (c *Client) renewed(ctx context.Context, rejected string) (string, error) {
	token, err := c.tokens.Renew(ctx, rejected)
	return obtained(ctx, token, err)
}

// obtained returns the token of a source. A source of the caller's own is checked too: gRPC would quote what
// a header cannot have.
func obtained(ctx context.Context, token string, err error) (string, error) {
	if err == nil {
		token, err = checked(token)
	}
	if err == nil {
		return token, nil
	}
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return "", parsed(ended)
	}
	return "", &TokenError{cause: err}
}

// checked returns the token if a header can have it. The error is without the value.
func checked(value string) (string, error) {
	if !bearer.MatchString(value) {
		return "", errNoBearer
	}
	return value, nil
}

// expiry returns the `exp` of a JWT, which is not verified: it only decides when to renew.
func expiry(value string) time.Time {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp *float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Exp == nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(*claims.Exp * 1000))
}
