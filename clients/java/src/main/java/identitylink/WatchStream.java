package identitylink;

import identitylink.v1.WatchEventsRequest;
import identitylink.v1.WatchEventsResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One stream of a watch. It asks for a message when its reader waits for one. */
final class WatchStream {
    private final ClientCall<WatchEventsRequest, WatchEventsResponse> call;
    /** At most one message, and the end. */
    private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();

    /** A message, or the end. */
    private static final class Item {
        final WatchEventsResponse message;
        final Status status;
        final Metadata trailers;

        Item(WatchEventsResponse message, Status status, Metadata trailers) {
            this.message = message;
            this.status = status;
            this.trailers = trailers;
        }
    }

    WatchStream(Channel channel, WatchEventsRequest request) {
        call = channel.newCall(Calls.WATCH_EVENTS.method, CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<WatchEventsResponse>() {
                    @Override
                    public void onMessage(WatchEventsResponse message) {
                        items.add(new Item(message, null, null));
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        items.add(new Item(null, status, trailers));
                    }
                },
                new Metadata());
        call.sendMessage(request);
        call.halfClose();
    }

    /**
     * Waits for the next message.
     *
     * @param maxSilence nanoseconds after which the stream counts as dead
     * @return the message; null at the end, and after a silence that is too long
     */
    WatchEventsResponse next(long maxSilence) {
        call.request(1);
        Item item;
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
        call.cancel("the reader of the watch has left", null);
    }
}
