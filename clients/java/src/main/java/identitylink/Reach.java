package identitylink;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/** Whether a server has answered a client, and what a failure says while none has. */
final class Reach implements ClientInterceptor {
    private final String hint;
    private volatile boolean hasAnswered;

    Reach(String target, boolean isPlaintext) {
        String other = isPlaintext
                ? "leave plaintext() out if the server speaks TLS"
                : "call plaintext() if the server speaks no TLS";
        hint = "no server at " + target + " has answered yet: check the address, and " + other;
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<Q, R>(next.newCall(method, options)) {
            @Override
            public void start(Listener<R> listener, Metadata headers) {
                Listener<R> noting = new SimpleForwardingClientCallListener<R>(listener) {
                    @Override
                    public void onMessage(R message) {
                        answered();
                        super.onMessage(message);
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        super.onClose(explained(status, trailers), trailers);
                    }
                };
                super.start(noting, headers);
            }
        };
    }

    private void answered() {
        // A write would take the cache line from the other cores at each message.
        if (!hasAnswered) {
            hasAnswered = true;
        }
    }

    /** Returns the end of an attempt: with what to check, if it may be that no server can be reached. */
    private Status explained(Status status, Metadata trailers) {
        // A server that speaks TLS leads to INTERNAL or UNKNOWN: its bytes are not HTTP/2.
        boolean isUnreached = status.getCode() == Status.Code.UNAVAILABLE
                || status.getCode() == Status.Code.DEADLINE_EXCEEDED
                || status.getCode() == Status.Code.INTERNAL
                || status.getCode() == Status.Code.UNKNOWN;
        if (status.isOk() || hasAnswered) {
            return status;
        }
        if (Refusal.hasReason(trailers)) {
            answered();
            return status;
        }
        return isUnreached ? status.withDescription(status.getDescription() + "; " + hint) : status;
    }
}
