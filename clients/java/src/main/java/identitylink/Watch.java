package identitylink;

import identitylink.v1.WatchEventsRequest;
import identitylink.v1.WatchEventsResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A watch of the feed without an end, without a gap and without an event twice. One thread reads it; any thread closes it.
 *
 * <p>A stream ends after ten minutes at the latest, when its token expires, when the server stops, and when the connection is
 * lost: the watch then goes on from the last position, after a growing pause if need be. It also returns the messages
 * without events: each has a position to store.
 *
 * <p>{@link #hasNext} throws what no new stream mends, such as {@link Reasons.PositionExpired}: then list the users again. It
 * returns false after {@link #close} alone.
 */
public final class Watch implements Iterable<WatchEventsResponse>, Iterator<WatchEventsResponse>, AutoCloseable {
    private final Client client;
    private final long maxSilence;
    private final CountDownLatch closed = new CountDownLatch(1);
    /** The request of the next stream: from the last position on. */
    private WatchEventsRequest request;

    private String token;
    private volatile MessageStream<WatchEventsRequest, WatchEventsResponse> stream;
    private WatchEventsResponse next;
    private int failures;
    private boolean wasRenewed;

    Watch(Client client, WatchEventsRequest request, Duration maxSilence) {
        this.client = client;
        this.request = request;
        this.maxSilence = Attempts.nanos(maxSilence);
    }

    /** Returns this watch, for a loop. */
    @Override
    public Iterator<WatchEventsResponse> iterator() {
        return this;
    }

    /**
     * Waits for the next message.
     *
     * @return whether there is one: false if the watch is closed
     * @throws IdentityLinkException if the watch is over
     */
    @Override
    public boolean hasNext() {
        while (next == null && closed.getCount() > 0) {
            if (token == null) {
                token = client.token(Long.MAX_VALUE);
            }
            if (stream == null) {
                begin();
            }
            try {
                WatchEventsResponse response = stream.next(maxSilence);
                if (response != null) {
                    received(response);
                    return true;
                }
                end();
                pause(pauseAfter(null));
                token = null;
            } catch (IdentityLinkException error) {
                end();
                again(error);
            }
        }
        return next != null && closed.getCount() > 0;
    }

    @Override
    public WatchEventsResponse next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the watch is closed");
        }
        WatchEventsResponse response = next;
        next = null;
        return response;
    }

    /** Ends the watch, also for a thread that waits for it. */
    @Override
    public void close() {
        closed.countDown();
        MessageStream<?, ?> last = stream;
        if (last != null) {
            last.cancel();
        }
    }

    private void begin() {
        stream = new MessageStream<>(client.channel(token), Calls.WATCH_EVENTS.method);
        stream.sendOnly(request);
        if (closed.getCount() == 0) {
            // It was closed meanwhile, by a thread that did not see this stream.
            stream.cancel();
        }
    }

    private void end() {
        stream.cancel();
        stream = null;
    }

    /** Notes a message: the next stream begins behind it. */
    private void received(WatchEventsResponse response) {
        request = request.toBuilder().setAfter(response.getPosition()).build();
        failures = 0;
        wasRenewed = false;
        next = response;
    }

    /** Waits until the next stream, or throws the error if the watch is over. */
    private void again(IdentityLinkException error) {
        if (closed.getCount() == 0) {
            return;
        }
        if (client.isClosed()) {
            throw error;
        }
        if (error.getReason().equals(Reasons.TokenInvalid.REASON) && !wasRenewed) {
            wasRenewed = true;
            String renewed = client.renewed(token, Long.MAX_VALUE);
            if (renewed.equals(token)) {
                throw error;
            }
            token = renewed;
            return;
        }
        pause(pauseAfter(error));
        token = null;
    }

    /** Returns the pause before the next stream, in nanoseconds; null is a stream that just ended. */
    private long pauseAfter(IdentityLinkException error) {
        failures++;
        if (error == null) {
            return Attempts.backoff(failures);
        }
        // The server ends each watch after a time, to judge the caller again. The first call after it waits for nothing,
        // so that events come without a gap in time.
        if (error.getReason().equals(Reasons.WatchExpired.REASON) && failures == 1) {
            return 0;
        }
        long byServer = Attempts.asked(error);
        if (byServer >= 0) {
            return byServer;
        }
        // A connection that is cut makes one of these of a stream, without a reason of the server.
        boolean isCut = error.getCode() == Status.Code.UNAVAILABLE
                || error.getCode() == Status.Code.INTERNAL && error.getReason().isEmpty();
        if (!isCut) {
            throw error;
        }
        return Attempts.backoff(failures);
    }

    private void pause(long nanos) {
        try {
            closed.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw Client.interrupted(e);
        }
    }
}
