package identitylink;

import com.google.protobuf.Message;
import identitylink.v1.ExportUsersRequest;
import identitylink.v1.ExportUsersResponse;
import identitylink.v1.ImportUsersRequest;
import identitylink.v1.ImportUsersResponse;
import identitylink.v1.ReadLinesRequest;
import identitylink.v1.ReadLinesResponse;
import identitylink.v1.ResolveUsersRequest;
import identitylink.v1.ResolvedUser;
import identitylink.v1.UploadPlanRequest;
import identitylink.v1.UploadPlanResponse;
import identitylink.v1.WatchEventsRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Calls identity-link from any number of threads, by one connection, which it makes at its first call.
 *
 * <pre>{@code
 * try (Client client = Client.builder("identity.example.com:443", Tokens.file(path)).build()) {
 *     client.getUser(GetUserRequest.newBuilder().setUserId(id).build());
 * }
 * }</pre>
 */
public final class Client extends Calls implements AutoCloseable {
    /** How many ids one call resolves. */
    private static final int IDS_AT_ONCE = 100;

    /** What metadata of text may be (gRPC over HTTP/2, "Custom-Metadata"). */
    private static final Pattern KEY = Pattern.compile("[a-z0-9_.-]+(?<!-bin)");

    private static final Pattern VALUE = Pattern.compile("[ -~]+");

    private final Connection connection;
    private final Duration timeout;
    private final int maxAttempts;
    /** What each call carries beside its token. */
    private final Metadata metadata;

    Client(Connection connection, Duration timeout, int maxAttempts, Metadata metadata) {
        this.connection = connection;
        this.timeout = timeout;
        this.maxAttempts = maxAttempts;
        this.metadata = metadata;
    }

    /**
     * Returns a builder of clients.
     *
     * @param target the server as gRPC names it, such as {@code identity.example.com:443}
     * @param tokens where the bearer token of each call comes from
     * @return the builder
     * @throws IllegalArgumentException if the target is a URL
     */
    public static ClientBuilder builder(String target, TokenSource tokens) {
        return new ClientBuilder(target, tokens);
    }

    /**
     * Returns this client with another timeout. Both have one connection, which is closed by either.
     *
     * @param timeout how long a call with all its attempts lasts at most
     * @return the client
     * @throws IllegalArgumentException if the timeout is not above zero
     */
    public Client withTimeout(Duration timeout) {
        return new Client(connection, ClientBuilder.checked("timeout", timeout), maxAttempts, metadata);
    }

    /**
     * Returns this client, whose calls carry this metadata too. It replaces what the key had before. Both have one
     * connection, which is closed by either.
     *
     * <p>Such as {@code x-reason}, why a change is made, in percent-encoding; {@code x-tenant} if the token serves several
     * tenants; or {@code traceparent}. {@link java.net.URLEncoder} writes a space as {@code +}: replace that by {@code %20}.
     *
     * @param key the key
     * @param value the value
     * @return the client
     * @throws IllegalArgumentException if the key or the value has characters that metadata cannot have
     */
    public Client withMetadata(String key, String value) {
        if (key.equals("authorization")) {
            throw new IllegalArgumentException(
                    "authorization is the token of the client: give it to the token source");
        }
        if (!KEY.matcher(key).matches() || !VALUE.matcher(value).matches()) {
            throw new IllegalArgumentException("a key of metadata has lower-case letters, digits and -_. alone, and does"
                    + " not end in -bin; a value has printable ASCII characters alone: x-reason is percent-encoded");
        }
        Metadata all = new Metadata();
        all.merge(metadata);
        Metadata.Key<String> name = Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER);
        all.discardAll(name);
        all.put(name, value);
        return new Client(connection, timeout, maxAttempts, all);
    }

    @Override
    <Q extends Message, R extends Message> R call(Rpc<Q, R> rpc, Q request) {
        Attempts<Q> attempts = new Attempts<>(rpc, request, timeout, maxAttempts);
        try {
            return attempted(rpc, attempts);
        } catch (IdentityLinkException | TokenSourceException error) {
            throw attempts.ended(error);
        }
    }

    private <Q extends Message, R extends Message> R attempted(Rpc<Q, R> rpc, Attempts<Q> attempts) {
        String token = token(attempts.remaining());
        while (true) {
            IdentityLinkException error;
            try {
                CallOptions options =
                        CallOptions.DEFAULT.withDeadlineAfter(attempts.remaining(), TimeUnit.NANOSECONDS);
                return ClientCalls.blockingUnaryCall(channel(token), rpc.method, options, attempts.request);
            } catch (StatusRuntimeException failure) {
                error = Refusal.of(failure);
            }
            if (connection.isClosed()) {
                throw error;
            }
            if (attempts.mayRenew(error)) {
                String renewed = renewed(token, attempts.remaining());
                if (!renewed.equals(token)) {
                    token = renewed;
                    continue;
                }
            }
            try {
                TimeUnit.NANOSECONDS.sleep(attempts.pauseAfter(error));
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }
    }

    @Override
    <Q extends Message, R extends Message> CompletableFuture<R> callAsync(Rpc<Q, R> rpc, Q request) {
        return AsyncCall.begin(connection, this::channel, rpc, new Attempts<>(rpc, request, timeout, maxAttempts));
    }

    /**
     * Resolves any number of user ids, live or absorbed, in their order: 100 with each call. The calls are made while the
     * result is read.
     *
     * @param userIds the ids
     * @return the users, read again by each iterator
     */
    public Iterable<ResolvedUser> resolve(Iterable<String> userIds) {
        return () -> {
            Iterator<String> ids = userIds.iterator();
            return new Pages<>(() -> {
                List<String> batch = new ArrayList<>();
                while (ids.hasNext() && batch.size() < IDS_AT_ONCE) {
                    batch.add(ids.next());
                }
                if (batch.isEmpty()) {
                    return null;
                }
                ResolveUsersRequest request =
                        ResolveUsersRequest.newBuilder().addAllUserIds(batch).build();
                return resolveUsers(request).getUsersList();
            });
        };
    }

    /**
     * Returns the users of the tenant as lines: first the position of the feed, last the counts.
     *
     * <p>The stream has no deadline. It is begun again as a call is repeated, until its first message has come. An export that
     * ends with an exception is not complete.
     *
     * @param request which users
     * @return the messages, to close
     */
    public Responses<ExportUsersResponse> exportUsers(ExportUsersRequest request) {
        return Responses.reading(this, EXPORT_USERS, request, timeout, maxAttempts);
    }

    /**
     * Returns the lines of a job.
     *
     * <p>The stream has no deadline. It is begun again as a call is repeated, until its first message has come. After an
     * exception, continue with {@code after_line}.
     *
     * @param request which lines
     * @return the messages, to close
     */
    public Responses<ReadLinesResponse> readLines(ReadLinesRequest request) {
        return Responses.reading(this, READ_LINES, request, timeout, maxAttempts);
    }

    /**
     * Creates users from rows, and returns what became of each row.
     *
     * <p>The requests are the settings, the rows, and {@code rows_end}. The thread that reads the first result sends them, as
     * fast as the server takes them. If their iterator throws, nothing is written. The stream has no deadline, and is made
     * once. After an exception, send the same rows again: users that are there already are {@code OUTCOME_PRESENT}, and
     * nothing of them changes.
     *
     * @param requests the requests
     * @return the messages, to close
     */
    public Responses<ImportUsersResponse> importUsers(Iterator<ImportUsersRequest> requests) {
        return Responses.writing(this, IMPORT_USERS, requests);
    }

    /**
     * Stores a plan, whose lines the requests have.
     *
     * <p>If their iterator throws, nothing is stored. The call has no deadline, and is made once. After an exception, send the
     * same lines again with the same {@code request_id}: the plan is stored once.
     *
     * @param requests the requests
     * @return the stored plan
     * @throws IdentityLinkException if the call fails
     */
    public UploadPlanResponse uploadPlan(Iterator<UploadPlanRequest> requests) {
        try (Responses<UploadPlanResponse> responses = Responses.writing(this, UPLOAD_PLAN, requests)) {
            return responses.next();
        }
    }

    /**
     * Watches the feed, and counts a stream as dead after a minute without a message. The server sends one each {@code
     * feed.heartbeat}, 15 seconds by default.
     *
     * @param request where the watch begins
     * @return the watch, to close
     */
    public Watch watch(WatchEventsRequest request) {
        return watch(request, Duration.ofMinutes(1));
    }

    /**
     * Watches the feed.
     *
     * @param request where the watch begins
     * @param maxSilence the time without a message after which a stream counts as dead
     * @return the watch, to close
     * @throws IllegalArgumentException if the time is not above zero
     */
    public Watch watch(WatchEventsRequest request, Duration maxSilence) {
        return new Watch(this, request, ClientBuilder.checked("maxSilence", maxSilence));
    }

    /** Closes the connection. Calls in progress fail. */
    @Override
    public void close() {
        connection.close();
    }

    boolean isClosed() {
        return connection.isClosed();
    }

    Channel channel(String token) {
        Channel channel = connection.channel(token);
        return metadata.keys().isEmpty()
                ? channel
                : ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    String token(long nanos) {
        return await(connection.token(nanos));
    }

    String renewed(String rejected, long nanos) {
        return await(connection.renewed(rejected, nanos));
    }

    private static String await(CompletableFuture<String> token) {
        try {
            return token.get();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (ExecutionException e) {
            throw (RuntimeException) e.getCause();
        }
    }

    /** Returns the error of a thread that was interrupted while it waited. The thread stays interrupted. */
    static IdentityLinkException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return Refusal.of(
                Status.CANCELLED.withDescription("the thread was interrupted").withCause(cause), null);
    }
}
