package identitylink;

import com.google.protobuf.Message;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;

/**
 * The messages of a stream, which one thread reads once. The stream has no deadline; any thread closes it.
 *
 * <p>{@link #hasNext} throws an {@link IdentityLinkException} if the stream fails. It returns false at the end, and after
 * {@link #close}.
 *
 * @param <R> the messages
 */
public final class Responses<R> implements Iterable<R>, Iterator<R>, AutoCloseable {
    /** What begins the stream, with a token. */
    interface Opening<R> {
        MessageStream<?, R> open(String token);
    }

    private final Client client;
    private final Opening<R> opening;
    /** The attempts to begin; null if the requests can be sent only once. */
    private final Attempts<?> attempts;

    private volatile MessageStream<?, R> stream;
    private volatile boolean isClosed;
    private String token;
    private boolean hasBegun;
    private boolean isOver;
    private R next;

    private Responses(Client client, Opening<R> opening, Attempts<?> attempts) {
        this.client = client;
        this.opening = opening;
        this.attempts = attempts;
    }

    /** The stream of one request, which is begun again as a call is repeated, until its first message has come. */
    static <Q extends Message, R extends Message> Responses<R> reading(
            Client client, Rpc<Q, R> rpc, Q request, Duration timeout, int maxAttempts) {
        Attempts<Q> attempts = new Attempts<>(rpc, request, timeout, maxAttempts);
        Opening<R> opening = token -> {
            MessageStream<Q, R> stream = new MessageStream<>(client.channel(token), rpc.method);
            stream.sendOnly(request);
            return stream;
        };
        return new Responses<>(client, opening, attempts);
    }

    /** The stream of many requests, which are sent once. */
    static <Q extends Message, R extends Message> Responses<R> writing(
            Client client, Rpc<Q, R> rpc, Iterator<? extends Q> requests) {
        Opening<R> opening = token -> {
            MessageStream<Q, R> stream = new MessageStream<>(client.channel(token), rpc.method);
            try {
                stream.sendAll(requests);
            } catch (RuntimeException | Error failure) {
                // The server has no whole request.
                stream.cancel();
                throw failure;
            }
            return stream;
        };
        return new Responses<>(client, opening, null);
    }

    /** Returns these messages, for a loop. */
    @Override
    public Iterator<R> iterator() {
        return this;
    }

    /**
     * Waits for the next message.
     *
     * @return whether there is one: false at the end
     * @throws IdentityLinkException if the stream fails
     */
    @Override
    public boolean hasNext() {
        while (next == null && !isOver && !isClosed) {
            if (token == null) {
                token = client.token(Long.MAX_VALUE);
            }
            try {
                if (stream == null) {
                    begin();
                }
                next = stream.next(Long.MAX_VALUE);
                hasBegun = true;
                isOver = next == null;
            } catch (IdentityLinkException error) {
                if (!isClosed) {
                    again(error);
                }
            }
        }
        return next != null && !isClosed;
    }

    @Override
    public R next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the stream has ended");
        }
        R response = next;
        next = null;
        return response;
    }

    /** Ends the stream, also for a thread that waits for it. */
    @Override
    public void close() {
        isClosed = true;
        MessageStream<?, R> last = stream;
        if (last != null) {
            last.cancel();
        }
    }

    private void begin() {
        stream = opening.open(token);
        if (isClosed) {
            // It was closed meanwhile, by a thread that did not see this stream.
            stream.cancel();
        }
    }

    /** Waits until the next attempt, or throws the error if there is none. */
    private void again(IdentityLinkException error) {
        if (stream != null) {
            stream.cancel();
        }
        if (attempts == null || hasBegun || client.isClosed()) {
            isOver = true;
            if (error.getReason().equals(Reasons.TokenInvalid.REASON) && !client.isClosed()) {
                // A token that was refused is not used again.
                client.renewed(token, Long.MAX_VALUE);
            }
            throw error;
        }
        stream = null;
        if (attempts.mayRenew(error)) {
            String renewed = client.renewed(token, Long.MAX_VALUE);
            if (!renewed.equals(token)) {
                token = renewed;
                return;
            }
        }
        try {
            TimeUnit.NANOSECONDS.sleep(attempts.pauseAfter(error));
        } catch (InterruptedException e) {
            throw Client.interrupted(e);
        } catch (IdentityLinkException last) {
            isOver = true;
            throw last;
        }
    }
}
