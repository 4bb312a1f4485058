// Calls GetUser by the client and by the bare stub: see ../measure.py.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	identitylink "example.com/identity-link/clients/go"
	pb "example.com/identity-link/clients/go/identitylinkv1"
)

const (
	callers = 8
	// As protoc-gen-go-grpc has it.
	getUserFullMethodName = "/identitylink.v1.IdentityService/GetUser"
)

func main() {
	address, tokenFile, userID := os.Args[1], os.Args[2], os.Args[3]
	client, err := identitylink.New(address, identitylink.FileToken(tokenFile), identitylink.WithPlaintext())
	if err != nil {
		log.Fatal(err)
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		log.Fatal(err)
	}
	authorized := metadata.AppendToOutgoingContext(
		context.Background(), "authorization", "Bearer "+strings.TrimSpace(string(token)))
	arms := map[string]func() (*pb.GetUserResponse, error){
		"client": func() (*pb.GetUserResponse, error) {
			return client.GetUser(context.Background(), &pb.GetUserRequest{UserId: userID})
		},
		// What the generated stub does.
		"stub": func() (*pb.GetUserResponse, error) {
			response := new(pb.GetUserResponse)
			options := []grpc.CallOption{grpc.StaticMethod()}
			bounded, cancel := context.WithTimeout(authorized, 10*time.Second)
			defer cancel()
			err := conn.Invoke(bounded, getUserFullMethodName, &pb.GetUserRequest{UserId: userID}, response, options...)
			return response, err
		},
	}
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var arm string
		var calls int
		if _, err := fmt.Sscan(orders.Text(), &arm, &calls); err != nil {
			log.Fatal(err)
		}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range calls / callers {
					response, err := arms[arm]()
					if err != nil || response.GetUser().GetId() != userID {
						log.Fatal(response, err)
					}
				}
			})
		}
		all.Wait()
		fmt.Println("done")
	}
}
