import identitylink.Client;
import identitylink.Tokens;
import identitylink.v1.GetUserRequest;
import identitylink.v1.GetUserResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Calls GetUser by the client and by the bare stub: see ../measure.py. */
public final class Caller {
    private static final int CALLERS = 8;

    // As protoc-gen-grpc-java has it.
    private static final MethodDescriptor<GetUserRequest, GetUserResponse> GET_USER =
            MethodDescriptor.<GetUserRequest, GetUserResponse>newBuilder()
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("identitylink.v1.IdentityService/GetUser")
                    .setSampledToLocalTracing(true)
                    .setRequestMarshaller(ProtoUtils.marshaller(GetUserRequest.getDefaultInstance()))
                    .setResponseMarshaller(ProtoUtils.marshaller(GetUserResponse.getDefaultInstance()))
                    .build();

    public static void main(String[] arguments) throws Exception {
        String address = arguments[0];
        Path tokenFile = Paths.get(arguments[1]);
        String userId = arguments[2];
        Client client = Client.builder(address, Tokens.file(tokenFile)).plaintext().build();

        ManagedChannel channel = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
        Metadata headers = new Metadata();
        String token = new String(Files.readAllBytes(tokenFile), "UTF-8").trim();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
        Channel stub = ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));

        Supplier<GetUserResponse> byClient =
                () -> client.getUser(GetUserRequest.newBuilder().setUserId(userId).build());
        Supplier<GetUserResponse> byStub = () -> {
            CallOptions bounded = CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS);
            return ClientCalls.blockingUnaryCall(
                    stub, GET_USER, bounded, GetUserRequest.newBuilder().setUserId(userId).build());
        };

        ExecutorService threads = Executors.newFixedThreadPool(CALLERS);
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            String[] order = line.split(" ");
            Supplier<GetUserResponse> arm = order[0].equals("client") ? byClient : byStub;
            int calls = Integer.parseInt(order[1]) / CALLERS;
            List<Future<?>> all = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                all.add(threads.submit(() -> {
                    for (int call = 0; call < calls; call++) {
                        if (!arm.get().getUser().getId().equals(userId)) {
                            throw new IllegalStateException("the response has another user");
                        }
                    }
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
            System.out.println("done");
        }
        System.exit(0);
    }
}
