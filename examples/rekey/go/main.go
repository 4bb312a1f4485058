// A shop keeps its orders under user ids, while users become one and come apart again. This small service
// follows the feed of identity-link, and keeps each order with the user that it belongs to now.
//
// It may be killed at any moment, and started again, or twice: the position in the feed is written in the
// transaction that changes the orders.
//
//	identity-link token --service shop --scope "read:events read:users" > shop.token
//	go run . --database postgres://shop@localhost/shop --token-file shop.token
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"log"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	identitylink "example.com/identity-link/clients/go"
	pb "example.com/identity-link/clients/go/identitylinkv1"
)

// The pause after an error doubles from the first to the longest one.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
)

// kinds are those of the events that change which user an order belongs to.
var kinds = []pb.EventKind{
	pb.EventKind_EVENT_KIND_USER_LINKED,
	pb.EventKind_EVENT_KIND_USER_UNLINKED,
	pb.EventKind_EVENT_KIND_LINK_UNDONE,
	pb.EventKind_EVENT_KIND_USER_DELETED,
}

//go:embed schema.sql
var schema string

// errOvertaken is of a position from which another process has continued, such as an old one whose last
// transaction was still running.
var errOvertaken = errors.New("another process has continued from this position")

func main() {
	address := flag.String("identity-link", "http://127.0.0.1:50051", "the URL of identity-link's gRPC")
	tokenFile := flag.String("token-file", "", "a file that has a token with the scopes read:events and read:users")
	database := flag.String("database", "", "the URL of the shop's own database")
	flag.Parse()
	server, err := url.Parse(*address)
	if err != nil || *tokenFile == "" || *database == "" {
		log.Fatal("--identity-link is a URL, and --token-file and --database have to be given")
	}
	var options []identitylink.Option
	if server.Scheme == "http" {
		options = append(options, identitylink.WithPlaintext())
	}
	client, err := identitylink.New(server.Host, identitylink.FileToken(*tokenFile), options...)
	if err != nil {
		log.Fatal(err)
	}

	// No reason to stop is final.
	pause, isPositionLost := firstPause, false
	for {
		begun := time.Now()
		err := follow(context.Background(), client, *database, isPositionLost)
		// The feed does not have the position any more: it has expired, or is from another feed.
		isPositionLost = errors.Is(err, identitylink.ReasonPositionExpired) ||
			errors.Is(err, identitylink.ReasonPositionInvalid)
		if time.Since(begun) > longestPause {
			pause = firstPause
		}
		log.Printf("%v; trying again in %v", err, pause)
		time.Sleep(pause)
		pause = min(2*pause, longestPause)
	}
}

// follow follows the feed from the stored position, until a call or a statement fails.
func follow(ctx context.Context, client *identitylink.Client, database string, isPositionLost bool) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, schema); err != nil {
		return err
	}
	var position string
	err = conn.QueryRow(ctx, "SELECT position FROM feed_position").Scan(&position)
	if isPositionLost || errors.Is(err, pgx.ErrNoRows) {
		position, err = bootstrap(ctx, client, conn)
	}
	if err != nil {
		return err
	}
	// The client itself goes on when a stream ends.
	request := &pb.WatchEventsRequest{Start: &pb.WatchEventsRequest_After{After: position}, Kinds: kinds}
	for message, err := range client.Watch(ctx, request) {
		if err != nil {
			return err
		}
		// The position moves without events too, past those of other kinds.
		if message.GetPosition() != position {
			if err := goOn(ctx, conn, position, message); err != nil {
				return err
			}
			position = message.GetPosition()
		}
	}
	return ctx.Err()
}

// bootstrap begins anew: first it reads the position of the feed, and then the holders of all orders.
// Events in between are delivered again, with the same result.
func bootstrap(ctx context.Context, client *identitylink.Client, conn *pgx.Conn) (string, error) {
	first, err := client.ListUsers(ctx, &pb.ListUsersRequest{PageSize: 1})
	if err != nil {
		return "", err
	}
	rows, err := conn.Query(ctx, "SELECT DISTINCT placed_by FROM orders WHERE user_id IS NOT NULL")
	if err != nil {
		return "", err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	holders := holders{}
	for user, err := range client.Resolve(ctx, ids) {
		if err != nil {
			return "", err
		}
		holders.noteResolved(user)
	}
	const begin = `
		INSERT INTO feed_position (position) VALUES ($1)
		ON CONFLICT (is_row) DO UPDATE SET position = excluded.position`
	return first.GetPosition(), pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, begin, first.GetPosition()); err != nil {
			return err
		}
		return rekey(ctx, tx, holders)
	})
}

// goOn moves from one position to that of the message, with its events. If another process was first, it
// changes nothing.
func goOn(ctx context.Context, conn *pgx.Conn, before string, message *pb.WatchEventsResponse) error {
	holders := holders{}
	for _, event := range message.GetEvents() {
		holders.note(event)
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		moved, err := tx.Exec(ctx, "UPDATE feed_position SET position = $2 WHERE position = $1",
			before, message.GetPosition())
		if err != nil {
			return err
		}
		if moved.RowsAffected() == 0 {
			return errOvertaken
		}
		return rekey(ctx, tx, holders)
	})
}

// rekey gives the orders to their holders. An order that belongs to no user stays so.
func rekey(ctx context.Context, tx pgx.Tx, holders holders) error {
	ids, users := make([]string, 0, len(holders)), make([]*string, 0, len(holders))
	for id, user := range holders {
		ids, users = append(ids, id), append(users, user)
	}
	_, err := tx.Exec(ctx, `
		UPDATE orders SET user_id = holders.user_id
		FROM unnest($1::text[], $2::text[]) AS holders (placed_by, user_id)
		WHERE orders.placed_by = holders.placed_by AND orders.user_id IS NOT NULL
		  AND orders.user_id IS DISTINCT FROM holders.user_id`, ids, users)
	return err
}
