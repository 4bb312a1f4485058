package identitylink;

import com.google.protobuf.Message;
import io.grpc.Status;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** The attempts of one call: one deadline and one {@code request_id} for all of them. */
final class Attempts<Q extends Message> {
    /** The server has changed nothing when it refuses for one of these: any call can be repeated. */
    private static final Set<String> NOTHING_CHANGED = new HashSet<>(Arrays.asList(
            Reasons.ConflictRetry.REASON,
            Reasons.KeysUnavailable.REASON,
            Reasons.Overloaded.REASON,
            Reasons.RateLimited.REASON,
            Reasons.StoreUnavailable.REASON));

    /** The pause after a failure for which the server gives no delay: it doubles up to the last. */
    private static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long LAST_PAUSE = TimeUnit.SECONDS.toNanos(5);

    /** The request of each attempt. */
    final Q request;
    /** Empty if the request has none. */
    final String requestId;

    private final long endsAt;
    private final boolean isSafe;
    private int left;
    private int failures;
    private boolean wasRenewed;

    Attempts(Rpc<Q, ?> rpc, Q request, Duration timeout, int maxAttempts) {
        endsAt = System.nanoTime() + nanos(timeout);
        left = maxAttempts;
        boolean isPreview = rpc.previewField != null && (Boolean) request.getField(rpc.previewField);
        boolean takesId = rpc.requestId == Rpc.RequestId.ALWAYS
                || rpc.requestId == Rpc.RequestId.EXCEPT_PREVIEWS && !isPreview;
        this.request = takesId ? withId(rpc, request) : request;
        requestId = rpc.idField == null ? "" : (String) this.request.getField(rpc.idField);
        // A write under its request id changes nothing twice, and a preview nothing at all.
        isSafe = rpc.onlyReads || isPreview || !requestId.isEmpty();
    }

    private static <Q extends Message> Q withId(Rpc<Q, ?> rpc, Q request) {
        if (!request.getField(rpc.idField).equals("")) {
            return request;
        }
        Message.Builder builder = request.toBuilder();
        builder.setField(rpc.idField, UUID.randomUUID().toString());
        @SuppressWarnings("unchecked") // A builder builds its own kind of message.
        Q copy = (Q) builder.build();
        return copy;
    }

    /** Returns the exception of this call, with its request id. */
    <E extends Throwable> E ended(E error) {
        if (error instanceof IdentityLinkException) {
            ((IdentityLinkException) error).setRequestId(requestId);
        } else if (error instanceof TokenSourceException) {
            ((TokenSourceException) error).setRequestId(requestId);
        }
        return error;
    }

    /** Returns the nanoseconds that are left for all further attempts; 0 if none are. */
    long remaining() {
        return Math.max(endsAt - System.nanoTime(), 0);
    }

    /** Returns whether the server refused the token, for the first time in this call. */
    boolean mayRenew(IdentityLinkException error) {
        boolean isRefused = error.getReason().equals(Reasons.TokenInvalid.REASON)
                && error.getCode() == Status.Code.UNAUTHENTICATED;
        boolean may = isRefused && !wasRenewed;
        wasRenewed |= may;
        return may;
    }

    /**
     * Returns the pause before the next attempt, in nanoseconds.
     *
     * @throws IdentityLinkException the error, if there is no other attempt: the failure is final, or the pause would
     *     outlast the deadline
     */
    long pauseAfter(IdentityLinkException error) {
        left--;
        failures++;
        long pause = pause(error);
        if (pause < 0 || left < 1 || pause >= remaining()) {
            throw error;
        }
        return pause;
    }

    /** Returns the pause; -1 if the failure is final. */
    private long pause(IdentityLinkException error) {
        long byServer = asked(error);
        if (byServer >= 0) {
            return isSafe || NOTHING_CHANGED.contains(error.getReason()) ? byServer : -1;
        }
        // The connection was lost, or the outcome of the commit is unknown.
        return error.getCode() == Status.Code.UNAVAILABLE && isSafe ? backoff(failures) : -1;
    }

    /**
     * Returns the pause that the server asks for, in nanoseconds, if it says that a repetition may succeed; -1 if it does
     * not. A little is added, so that clients that were refused together do not come back together.
     */
    static long asked(IdentityLinkException error) {
        switch (error.getCode()) {
            case UNAVAILABLE:
            case RESOURCE_EXHAUSTED:
            case ABORTED:
                return error.getRetryDelay().map(Attempts::nanos).map(Attempts::spread).orElse(-1L);
            default:
                return -1;
        }
    }

    private static long spread(long nanos) {
        return (long) (nanos * ThreadLocalRandom.current().nextDouble(1.0, 1.2));
    }

    /** Returns the pause after so many failures in a row, in nanoseconds, of which half is random. */
    static long backoff(int failures) {
        long longest = Math.min(FIRST_PAUSE << Math.min(failures - 1, 16), LAST_PAUSE);
        return longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2 + 1);
    }

    /** Returns the duration; at most a hundred years, so that sums with the clock have no overflow. */
    static long nanos(Duration duration) {
        return Math.min(duration.getSeconds(), TimeUnit.DAYS.toSeconds(36_500)) * 1_000_000_000L + duration.getNano();
    }
}
