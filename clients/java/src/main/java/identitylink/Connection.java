package identitylink;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/** What a client has once, however many timeouts it is used with: the channel, the tokens, the threads for both. */
final class Connection {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private static final ThreadFactory DAEMONS = task -> {
        Thread thread = new Thread(task, "identitylink");
        thread.setDaemon(true);
        return thread;
    };

    private final ManagedChannel channel;
    private final Reach reach;
    private final TokenSource tokens;
    /** That of the last call. */
    private volatile Authorized authorized;
    /** Calls sources of tokens that may take long. It has no thread while there is none. */
    private final ExecutorService executor = Executors.newCachedThreadPool(DAEMONS);

    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, DAEMONS);

    Connection(ManagedChannel channel, Reach reach, TokenSource tokens) {
        this.channel = channel;
        this.reach = reach;
        this.tokens = tokens;
        timer.setRemoveOnCancelPolicy(true);
    }

    /**
     * Returns the channel, for calls with this token.
     *
     * @throws IdentityLinkException if the client is closed: grpc-java never ends a call that begins a second after its
     *     channel has ended, because its threads are gone
     */
    Channel channel(String token) {
        if (isClosed()) {
            throw closed();
        }
        Authorized last = authorized;
        if (last == null || !last.token.equals(token)) {
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + token);
            last = new Authorized(
                    token,
                    ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers), reach));
            authorized = last;
        }
        return last.channel;
    }

    /** The channel for calls with one token, which is made once for each token. */
    private static final class Authorized {
        final String token;
        final Channel channel;

        Authorized(String token, Channel channel) {
            this.token = token;
            this.channel = channel;
        }
    }

    /** Returns the token for the next call; the error of a deadline if there is none after so many nanoseconds. */
    CompletableFuture<String> token(long nanos) {
        if (!tokens.mayBlock()) {
            CompletableFuture<String> found = new CompletableFuture<>();
            complete(found, tokens::token);
            return found;
        }
        return inTime(tokens::token, nanos);
    }

    /** Returns another token in place of one that the server has refused. */
    CompletableFuture<String> renewed(String rejected, long nanos) {
        return inTime(() -> tokens.renewed(rejected), nanos);
    }

    private CompletableFuture<String> inTime(Callable<String> source, long nanos) {
        CompletableFuture<String> found = new CompletableFuture<>();
        try {
            executor.execute(() -> complete(found, source));
            Future<?> late = timer.schedule(
                    () -> found.completeExceptionally(Refusal.of(
                            Status.DEADLINE_EXCEEDED.withDescription("the token came too late for the call"), null)),
                    nanos,
                    TimeUnit.NANOSECONDS);
            found.whenComplete((token, error) -> late.cancel(false));
        } catch (RejectedExecutionException e) {
            found.completeExceptionally(closed());
        }
        return found;
    }

    private static void complete(CompletableFuture<String> found, Callable<String> source) {
        try {
            // A source of the caller's own is checked too: gRPC would quote what a header cannot have.
            found.complete(Tokens.checked(source.call()));
        } catch (Exception e) {
            found.completeExceptionally(new TokenSourceException(e));
        }
    }

    /** Runs the task after so many nanoseconds. */
    void later(Runnable task, long nanos) {
        timer.schedule(task, nanos, TimeUnit.NANOSECONDS);
    }

    /** Returns the error of a call of a client that is closed. */
    static IdentityLinkException closed() {
        return Refusal.of(Status.CANCELLED.withDescription("the client is closed"), null);
    }

    boolean isClosed() {
        return channel.isShutdown();
    }

    void close() {
        channel.shutdownNow();
        executor.shutdownNow();
        // What waits for its next attempt makes it, and fails.
        timer.shutdown();
    }
}
