package identitylink

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "example.com/identity-link/clients/go/identitylinkv1"
)

// nowhere is an address at which nothing listens.
const nowhere = "127.0.0.1:1"

func TestWhatCanMakeNoCallIsRefusedAtOnce(t *testing.T) {
	token := StaticToken("token")
	for name, make := range map[string]func() (*Client, error){
		"no source":  func() (*Client, error) { return New(nowhere, nil) },
		"a URL":      func() (*Client, error) { return New("http://"+nowhere, token) },
		"another":    func() (*Client, error) { return New("https://identity.example.com", token) },
		"no time":    func() (*Client, error) { return New(nowhere, token, WithTimeout(0)) },
		"below zero": func() (*Client, error) { return New(nowhere, token, WithTimeout(-time.Second)) },
	} {
		if client, err := make(); client != nil || err == nil {
			t.Errorf("%s: %v, %v", name, client, err)
		}
	}
}

func TestANilRequestIsAnEmptyOne(t *testing.T) {
	client, err := New(nowhere, StaticToken("token"), WithPlaintext(), WithMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var failed *Error
	if _, err := client.CreateUser(ctx, nil); !errors.As(err, &failed) || failed.RequestID == "" {
		t.Error("a write:", err)
	}
	if _, err := client.GetUser(ctx, nil); !errors.As(err, &failed) || failed.Code != codes.Unavailable {
		t.Error("a read:", err)
	}
	var none *pb.WatchEventsRequest
	for _, err := range client.Watch(ctx, none) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error("a watch:", err)
		}
	}
}
