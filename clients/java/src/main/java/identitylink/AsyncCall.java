package identitylink;

import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** A call that no thread waits for, with the attempts that are safe. */
final class AsyncCall<Q extends Message, R extends Message> {
    private final Connection connection;
    /** The channel for calls with a token. */
    private final Function<String, Channel> channels;

    private final Rpc<Q, R> rpc;
    private final Attempts<Q> attempts;
    private final CompletableFuture<R> result = new CompletableFuture<>();
    private volatile ClientCall<Q, R> attempt;

    private AsyncCall(
            Connection connection, Function<String, Channel> channels, Rpc<Q, R> rpc, Attempts<Q> attempts) {
        this.connection = connection;
        this.channels = channels;
        this.rpc = rpc;
        this.attempts = attempts;
    }

    /** Begins the call. A caller that cancels the result cancels the call. */
    static <Q extends Message, R extends Message> CompletableFuture<R> begin(
            Connection connection, Function<String, Channel> channels, Rpc<Q, R> rpc, Attempts<Q> attempts) {
        AsyncCall<Q, R> call = new AsyncCall<>(connection, channels, rpc, attempts);
        call.result.whenComplete((response, error) -> call.cancelIfLeft());
        call.with(connection.token(attempts.remaining()));
        return call.result;
    }

    private void cancelIfLeft() {
        ClientCall<Q, R> last = attempt;
        if (result.isCancelled() && last != null) {
            last.cancel("the caller has cancelled the call", null);
        }
    }

    private void fail(Throwable error) {
        result.completeExceptionally(attempts.ended(error));
    }

    private void with(CompletableFuture<String> token) {
        token.whenComplete((found, error) -> {
            if (error == null) {
                attempt(found);
            } else {
                fail(error);
            }
        });
    }

    private void attempt(String token) {
        if (result.isDone()) {
            return;
        }
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(attempts.remaining(), TimeUnit.NANOSECONDS);
        try {
            attempt = channels.apply(token).newCall(rpc.method, options);
        } catch (IdentityLinkException closed) {
            fail(closed);
            return;
        }
        ClientCalls.asyncUnaryCall(attempt, attempts.request, new StreamObserver<R>() {
            private R response;

            @Override
            public void onNext(R value) {
                response = value;
            }

            @Override
            public void onError(Throwable failure) {
                failed(token, failure);
            }

            @Override
            public void onCompleted() {
                result.complete(response);
            }
        });
        // The caller may have left before it could see this attempt.
        cancelIfLeft();
    }

    private void failed(String token, Throwable failure) {
        IdentityLinkException error = Refusal.of(failure);
        try {
            if (attempts.mayRenew(error)) {
                connection.renewed(token, attempts.remaining()).whenComplete((renewed, none) -> {
                    if (none != null) {
                        fail(none);
                    } else if (renewed.equals(token)) {
                        again(token, error);
                    } else {
                        attempt(renewed);
                    }
                });
            } else {
                again(token, error);
            }
        } catch (RuntimeException e) {
            // The client is closed: nothing renews a token.
            fail(error);
        }
    }

    private void again(String token, IdentityLinkException error) {
        try {
            long pause = attempts.pauseAfter(error);
            connection.later(() -> attempt(token), pause);
        } catch (RuntimeException e) {
            // There is no other attempt, or the client is closed.
            fail(error);
        }
    }
}
