// The driver of the conformance scenarios: see clients/conformance/README.md.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"reflect"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	identitylink "example.com/identity-link/clients/go"
	pb "example.com/identity-link/clients/go/identitylinkv1"
)

type order struct {
	Open *struct {
		Target      string    `json:"target"`
		Tokens      []*string `json:"tokens"`
		TokenFile   string    `json:"token_file"`
		MaxAttempts *int      `json:"max_attempts"`
		Timeout     *int      `json:"timeout"`
		TLS         bool      `json:"tls"`
	} `json:"open"`
	Call     string            `json:"call"`
	All      string            `json:"all"`
	Request  json.RawMessage   `json:"request"`
	Stream   string            `json:"stream"`
	Requests []json.RawMessage `json:"requests"`
	Timeout  *float64          `json:"timeout"`
	Metadata map[string]string `json:"metadata"`
	Resolve  []string          `json:"resolve"`
	Watch    json.RawMessage   `json:"watch"`
	Take     int               `json:"take"`
}

type result map[string]any

// source returns a function that returns these tokens in turn, and the last one again.
func source(tokens []*string) func(context.Context) (identitylink.Token, error) {
	return func(context.Context) (identitylink.Token, error) {
		token := tokens[0]
		if len(tokens) > 1 {
			tokens = tokens[1:]
		}
		if token == nil {
			return identitylink.Token{}, errors.New("the source of the tokens fails")
		}
		return identitylink.Token{Value: *token}, nil
	}
}

func asJSON(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	if err != nil {
		panic(err)
	}
	return text
}

// The names of the codes as the protocol writes them.
func codeName(code codes.Code) string {
	var name strings.Builder
	for at, c := range code.String() {
		if at > 0 && c >= 'A' && c <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(c)
	}
	return strings.ToUpper(name.String())
}

// kind returns the name of the reason in the form IdentityTaken; empty if the client does not know it.
func kind(err *identitylink.Error) string {
	for _, reason := range identitylink.Reasons {
		if errors.Is(err, reason) {
			var name strings.Builder
			for _, part := range strings.Split(string(reason), "_") {
				name.WriteString(part[:1] + strings.ToLower(part[1:]))
			}
			return name.String()
		}
	}
	return ""
}

func failed(err error) result {
	var tokenless *identitylink.TokenError
	if errors.As(err, &tokenless) {
		return result{"error": result{
			"type": "token", "text": err.Error(), "request_id": orNull(tokenless.RequestID),
			"has_cause": errors.Unwrap(tokenless) != nil,
		}}
	}
	var failure *identitylink.Error
	if !errors.As(err, &failure) {
		return result{"error": result{"type": "other", "code": "", "reason": "", "text": err.Error()}}
	}
	violations, preconditions := []result{}, []result{}
	for _, each := range failure.Violations {
		violations = append(violations, result{"field": each.Field, "description": each.Description})
	}
	for _, each := range failure.Preconditions {
		preconditions = append(preconditions,
			result{"type": each.Type, "subject": each.Subject, "description": each.Description})
	}
	var delay *int64
	if failure.RetryDelay != nil {
		millis := failure.RetryDelay.Milliseconds()
		delay = &millis
	}
	return result{"error": result{
		"type": kind(failure), "code": codeName(failure.Code), "reason": failure.Reason,
		"metadata": failure.Metadata, "violations": violations, "preconditions": preconditions,
		"retry_delay_ms": delay, "request_id": orNull(failure.RequestID), "text": failure.Message,
	}}
}

// orNull returns the text, or nil for none.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func say(what result) {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// method returns a method of the client, and a request for it in protobuf's JSON.
func method(client *identitylink.Client, name string, request json.RawMessage) (reflect.Value, proto.Message, error) {
	method := reflect.ValueOf(client).MethodByName(name)
	message := reflect.New(method.Type().In(1).Elem()).Interface().(proto.Message)
	return method, message, protojson.Unmarshal(request, message)
}

func call(ctx context.Context, client *identitylink.Client, order order) result {
	method, request, err := method(client, order.Call, order.Request)
	if err != nil {
		return failed(err)
	}
	if order.Timeout != nil {
		limited, cancel := context.WithTimeout(ctx, time.Duration(*order.Timeout*float64(time.Second)))
		defer cancel()
		ctx = limited
	}
	for key, value := range order.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	got := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
	if err, _ := got[1].Interface().(error); err != nil {
		return failed(err)
	}
	response := got[0].Interface().(proto.Message)
	bytes, err := proto.Marshal(response)
	if err != nil {
		return failed(err)
	}
	return result{"response": asJSON(response), "message": base64.StdEncoding.EncodeToString(bytes)}
}

// all reads every page. The iterator has items of a type that follows from the rpc.
func all(ctx context.Context, client *identitylink.Client, order order) result {
	method, request, err := method(client, order.All+"All", order.Request)
	if err != nil {
		return failed(err)
	}
	items := []json.RawMessage{}
	pages := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})[0]
	for item, failure := range pages.Seq2() {
		if err, _ := failure.Interface().(error); err != nil {
			return failed(err)
		}
		items = append(items, asJSON(item.Interface().(proto.Message)))
	}
	return result{"items": items}
}

// stream sends requests by a method whose streams are of types that follow from the rpc.
func stream(ctx context.Context, client *identitylink.Client, order order) result {
	method := reflect.ValueOf(client).MethodByName(order.Stream)
	argument := method.Type().In(1)
	var requests reflect.Value
	if argument.Kind() == reflect.Func {
		requests = reflect.MakeFunc(argument, func(in []reflect.Value) []reflect.Value {
			kind := argument.In(0).In(0)
			for _, request := range order.Requests {
				message := reflect.New(kind.Elem())
				err := protojson.Unmarshal(request, message.Interface().(proto.Message))
				failure := reflect.New(reflect.TypeFor[error]()).Elem()
				if err != nil {
					failure.Set(reflect.ValueOf(err))
				}
				if !in[0].Call([]reflect.Value{message, failure})[0].Bool() {
					break
				}
			}
			return nil
		})
	} else {
		requests = reflect.New(argument.Elem())
		if err := protojson.Unmarshal(order.Requests[0], requests.Interface().(proto.Message)); err != nil {
			return failed(err)
		}
	}
	items := []json.RawMessage{}
	got := method.Call([]reflect.Value{reflect.ValueOf(ctx), requests})
	if len(got) == 2 {
		if err, _ := got[1].Interface().(error); err != nil {
			return failed(err)
		}
		return result{"items": append(items, asJSON(got[0].Interface().(proto.Message)))}
	}
	for item, failure := range got[0].Seq2() {
		if err, _ := failure.Interface().(error); err != nil {
			return failed(err)
		}
		items = append(items, asJSON(item.Interface().(proto.Message)))
	}
	return result{"items": items}
}

func resolve(users iter.Seq2[*pb.ResolvedUser, error]) result {
	items := []json.RawMessage{}
	for user, err := range users {
		if err != nil {
			return failed(err)
		}
		items = append(items, asJSON(user))
	}
	return result{"items": items}
}

func watch(ctx context.Context, client *identitylink.Client, order order) result {
	request := new(pb.WatchEventsRequest)
	if err := protojson.Unmarshal(order.Watch, request); err != nil {
		return failed(err)
	}
	left := order.Take
	for response, err := range client.Watch(ctx, request) {
		if err != nil {
			return failed(err)
		}
		for _, event := range response.GetEvents() {
			say(result{"event": asJSON(event)})
			left--
		}
		if left <= 0 {
			break
		}
	}
	return result{"done": true}
}

func main() {
	ctx := context.Background()
	var client *identitylink.Client
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var order order
		if err := json.Unmarshal(lines.Bytes(), &order); err != nil {
			panic(err)
		}
		switch {
		case order.Open != nil:
			var options []identitylink.Option
			if !order.Open.TLS {
				options = append(options, identitylink.WithPlaintext())
			}
			if count := order.Open.MaxAttempts; count != nil {
				options = append(options, identitylink.WithMaxAttempts(*count))
			}
			if seconds := order.Open.Timeout; seconds != nil {
				options = append(options, identitylink.WithTimeout(time.Duration(*seconds)*time.Second))
			}
			if client != nil {
				_ = client.Close()
			}
			var err error
			tokens := identitylink.FunctionToken(source(order.Open.Tokens))
			if order.Open.TokenFile != "" {
				tokens = identitylink.FileToken(order.Open.TokenFile)
			}
			if client, err = identitylink.New(order.Open.Target, tokens, options...); err != nil {
				panic(err)
			}
			say(result{"opened": true})
		case order.Call != "":
			say(call(ctx, client, order))
		case order.Stream != "":
			say(stream(ctx, client, order))
		case order.All != "":
			say(all(ctx, client, order))
		case order.Resolve != nil:
			say(resolve(client.Resolve(ctx, order.Resolve)))
		default:
			say(watch(ctx, client, order))
		}
	}
}
