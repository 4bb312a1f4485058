package identitylink;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Iterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** One call of streams. It asks for a message when its reader waits for one. */
final class MessageStream<Q, R> {
    private final ClientCall<Q, R> call;
    /** At most one message, and the end. */
    private final BlockingQueue<Item<R>> items = new LinkedBlockingQueue<>();

    /** Whether the call may take another request, or has ended: then look again. */
    private final Semaphore ready = new Semaphore(0);

    /** A message, or the end. */
    private static final class Item<R> {
        final R message;
        final Status status;
        final Metadata trailers;

        Item(R message, Status status, Metadata trailers) {
            this.message = message;
            this.status = status;
            this.trailers = trailers;
        }
    }

    MessageStream(Channel channel, MethodDescriptor<Q, R> method) {
        call = channel.newCall(method, CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<R>() {
                    @Override
                    public void onMessage(R message) {
                        items.add(new Item<>(message, null, null));
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        items.add(new Item<>(null, status, trailers));
                        ready.release();
                    }

                    @Override
                    public void onReady() {
                        ready.release();
                    }
                },
                new Metadata());
    }

    /** Sends the only request. */
    void sendOnly(Q request) {
        call.sendMessage(request);
        call.halfClose();
    }

    /** Sends the requests, as fast as the server takes them, unless the call ends before: its end says why. */
    void sendAll(Iterator<? extends Q> requests) {
        while (requests.hasNext()) {
            Q request = requests.next();
            while (!call.isReady()) {
                if (!items.isEmpty()) {
                    return;
                }
                try {
                    ready.acquire();
                } catch (InterruptedException e) {
                    throw Client.interrupted(e);
                }
            }
            call.sendMessage(request);
        }
        call.halfClose();
    }

    /**
     * Waits for the next message.
     *
     * @param maxSilence nanoseconds after which the stream counts as dead
     * @return the message; null at the end, and after a silence that is too long
     */
    R next(long maxSilence) {
        call.request(1);
        Item<R> item;
        try {
            item = items.poll(maxSilence, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw Client.interrupted(e);
        }
        if (item == null || item.message == null && item.status.isOk()) {
            return null;
        }
        if (item.message == null) {
            throw Refusal.of(item.status, item.trailers);
        }
        return item.message;
    }

    void cancel() {
        call.cancel("the reader of the stream has left", null);
    }
}
