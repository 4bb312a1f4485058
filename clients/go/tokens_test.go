package identitylink

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "example.com/identity-link/clients/go/identitylinkv1"
)

var errNoIssuer = errors.New("there is no issuer")

// An issuer issues numbered tokens, each good for a hundred seconds. It can fail, and it sets the clock.
type issuer struct {
	now    time.Time
	issued int
	fails  bool
}

func (i *issuer) issue(context.Context) (Token, error) {
	if i.fails {
		return Token{}, errNoIssuer
	}
	i.issued++
	return Token{fmt.Sprintf("token%d", i.issued), i.now.Add(100 * time.Second)}, nil
}

func (i *issuer) source(function func(context.Context) (Token, error)) *functionToken {
	source := FunctionToken(function).(*functionToken)
	source.now = func() time.Time { return i.now }
	return source
}

func must(t *testing.T) func(string, error) string {
	return func(value string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestATokenIsUsedUntilShortlyBeforeItsEnd(t *testing.T) {
	i := &issuer{now: time.Unix(1_000_000, 0)}
	source := i.source(i.issue)
	first := must(t)(source.Token(t.Context()))
	i.now = i.now.Add(79 * time.Second)
	if again := must(t)(source.Token(t.Context())); again != first {
		t.Error(again)
	}
	i.now = i.now.Add(2 * time.Second)
	if next := must(t)(source.Token(t.Context())); next == first {
		t.Error(next)
	}
}

func TestATokenThatIsGoodIsUsedWhileTheIssuerFails(t *testing.T) {
	i := &issuer{now: time.Unix(1_000_000, 0)}
	source := i.source(i.issue)
	first := must(t)(source.Token(t.Context()))
	i.fails = true
	i.now = i.now.Add(90 * time.Second)
	if again := must(t)(source.Token(t.Context())); again != first {
		t.Error(again)
	}
	i.now = i.now.Add(20 * time.Second)
	if value, err := source.Token(t.Context()); !errors.Is(err, errNoIssuer) || value != "" {
		t.Error(value, err)
	}
}

func TestARefusedTokenIsRenewedOnceForAllCalls(t *testing.T) {
	i := &issuer{now: time.Unix(1_000_000, 0)}
	source := i.source(i.issue)
	first := must(t)(source.Token(t.Context()))
	second := must(t)(source.Renew(t.Context(), first))
	if third := must(t)(source.Renew(t.Context(), first)); second == first || third != second || i.issued != 2 {
		t.Error(first, second, third, i.issued)
	}
}

func TestTheEndOfAJWTIsRead(t *testing.T) {
	i := &issuer{now: time.Unix(1_000_000, 0)}
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"exp": 1000100}`))
	source := i.source(func(context.Context) (Token, error) {
		i.issued++
		return Token{Value: fmt.Sprintf("a.%s.%d", claims, i.issued)}, nil
	})
	first := must(t)(source.Token(t.Context()))
	if again := must(t)(source.Token(t.Context())); again != first {
		t.Error(again)
	}
	i.now = i.now.Add(81 * time.Second)
	if next := must(t)(source.Token(t.Context())); next == first {
		t.Error(next)
	}
}

func TestNoGoroutineWaitsForTheRenewalOfAGoodToken(t *testing.T) {
	i := &issuer{now: time.Unix(1_000_000, 0)}
	begun, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan string)
	isSlow := false
	source := i.source(func(ctx context.Context) (Token, error) {
		if isSlow {
			close(begun)
			<-goOn
		}
		return i.issue(ctx)
	})
	first := must(t)(source.Token(t.Context()))
	i.now, isSlow = i.now.Add(90*time.Second), true
	go func() {
		next, _ := source.Token(context.Background())
		ended <- next
	}()
	<-begun
	if again := must(t)(source.Token(t.Context())); again != first {
		t.Error(again)
	}
	close(goOn)
	if next := <-ended; next == first {
		t.Error(next)
	}
}

func TestAFileIsReadAgainAfterItWasReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "first\n")
	source := FileToken(path)
	if first := must(t)(source.Token(t.Context())); first != "first" {
		t.Error(first)
	}
	write(path+".next", "other\n")
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
	if other := must(t)(source.Token(t.Context())); other != "other" {
		t.Error(other)
	}
}

func TestWhatIsNoBearerTokenIsRefusedAndNotQuoted(t *testing.T) {
	for _, value := range []string{"", "two words", "a\r\nx-admin: 1", "é", "a\n"} {
		_, err := StaticToken(value).Token(t.Context())
		if err == nil || value != "" && strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// A brokenSource returns what no header can have.
type brokenSource struct{}

func (brokenSource) Token(context.Context) (string, error) { return "secret\r\nx-admin: 1", nil }

func (brokenSource) Renew(context.Context, string) (string, error) { return "", errNoIssuer }

func TestTheFailureOfASourceIsAnErrorOfItsOwn(t *testing.T) {
	for cause, source := range map[error]TokenSource{
		os.ErrNotExist: FileToken(filepath.Join(t.TempDir(), "none")),
		errNoBearer:    brokenSource{},
		errNoIssuer:    FunctionToken(func(context.Context) (Token, error) { return Token{}, errNoIssuer }),
	} {
		// Nothing listens there: a call would be another error.
		client, err := New("127.0.0.1:1", source, WithPlaintext())
		if err != nil {
			t.Fatal(err)
		}
		_, byCall := client.GetUser(t.Context(), &pb.GetUserRequest{UserId: "ann"})
		errs := []error{byCall}
		for _, err := range client.Watch(t.Context(), &pb.WatchEventsRequest{}) {
			errs = append(errs, err)
		}
		for _, err := range client.ExportUsers(t.Context(), &pb.ExportUsersRequest{}) {
			errs = append(errs, err)
		}
		_, byUpload := client.UploadPlan(t.Context(), func(func(*pb.UploadPlanRequest, error) bool) {})
		for _, err := range append(errs, byUpload) {
			var tokenless *TokenError
			if !errors.As(err, &tokenless) || !errors.Is(err, cause) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v: %v", cause, err)
			}
		}
		_ = client.Close()
	}
}

func TestACallWhoseTimeEndsBeforeItsTokenIsADeadline(t *testing.T) {
	source := FunctionToken(func(ctx context.Context) (Token, error) {
		<-ctx.Done()
		return Token{}, ctx.Err()
	})
	client, err := New("127.0.0.1:1", source, WithPlaintext(), WithTimeout(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteUser(t.Context(), &pb.DeleteUserRequest{UserId: "ann"})
	var failed *Error
	if !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded) || failed.RequestID == "" {
		t.Error(err)
	}
	_ = client.Close()
}

func TestNoTextShowsAToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := FileToken(path)
	function := FunctionToken(func(context.Context) (Token, error) { return Token{Value: "secret"}, nil })
	for _, source := range []TokenSource{file, function} {
		if value := must(t)(source.Token(t.Context())); value != "secret" {
			t.Fatal(value)
		}
	}
	for _, shown := range []any{Token{Value: "secret"}, StaticToken("secret"), file, function} {
		for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(form, shown); strings.Contains(text, "secret") {
				t.Error(text)
			}
		}
	}
}
