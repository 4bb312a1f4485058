module example.com/identity-link/benches/client-cost/go

go 1.26.0

require (
	example.com/identity-link/clients/go v0.0.0
	google.golang.org/grpc v1.85.0
)

require (
	cloud.google.com/go/longrunning v1.5.0 // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20261012220534-4341edf3f941 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261110000943-09e21b237f2c // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace example.com/identity-link/clients/go => ../../../clients/go
