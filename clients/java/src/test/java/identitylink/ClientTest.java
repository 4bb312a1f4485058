package identitylink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import identitylink.v1.DeleteUserRequest;
import identitylink.v1.GetUserRequest;
import identitylink.v1.WatchEventsRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class ClientTest {
    /** Nothing listens there. */
    private static final String NOWHERE = "127.0.0.1:1";

    private static final GetUserRequest REQUEST =
            GetUserRequest.newBuilder().setUserId("ann").build();

    /** A source that has no token until it is let go. */
    private static final class Slow implements TokenSource {
        final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch goOn = new CountDownLatch(1);

        @Override
        public String token() throws InterruptedException {
            begun.countDown();
            goOn.await();
            return "token";
        }

        @Override
        public String renewed(String rejected) throws InterruptedException {
            return token();
        }
    }

    @Test
    void aUrlIsNoTarget() {
        for (String target : Arrays.asList("http://127.0.0.1:1", "https://identity.example.com")) {
            assertThrows(IllegalArgumentException.class, () -> Client.builder(target, new Slow()));
        }
    }

    @Test
    void aTokenThatComesTooLateEndsTheCall() {
        try (Client client = Client.builder(NOWHERE, new Slow()).plaintext().build()) {
            Client hasty = client.withTimeout(Duration.ofMillis(10));
            IdentityLinkException late = assertThrows(Reasons.Deadline.class, () -> hasty.getUser(REQUEST));
            assertEquals(Status.Code.DEADLINE_EXCEEDED, late.getCode());
            ExecutionException later = assertThrows(
                    ExecutionException.class, () -> hasty.getUserAsync(REQUEST).get());
            assertInstanceOf(Reasons.Deadline.class, later.getCause());
        }
    }

    @Test
    void metadataThatCannotBeSentIsRefused() {
        try (Client client = Client.builder(NOWHERE, Tokens.fixed("token")).build()) {
            for (String[] entry : new String[][] {
                {"X-Reason", "a"}, {"x-bin", "a"}, {"x-reason", "\u00e9"}, {"x-reason", ""}, {"authorization", "secret"}
            }) {
                IllegalArgumentException refusal = assertThrows(
                        IllegalArgumentException.class, () -> client.withMetadata(entry[0], entry[1]));
                assertFalse(refusal.getMessage().contains("secret"));
            }
        }
    }

    @Test
    void whatASourceOfTheCallersOwnReturnsIsCheckedToo() {
        TokenSource source = new TokenSource() {
            @Override
            public String token() {
                return "a\r\nx-admin: 1";
            }

            @Override
            public String renewed(String rejected) {
                return rejected;
            }
        };
        try (Client client = Client.builder(NOWHERE, source).plaintext().build()) {
            TokenSourceException refusal =
                    assertThrows(TokenSourceException.class, () -> client.getUser(REQUEST));
            assertInstanceOf(IllegalArgumentException.class, refusal.getCause());
        }
    }

    @Test
    void theFailureOfASourceIsAnExceptionOfItsOwn() {
        DeleteUserRequest write = DeleteUserRequest.newBuilder().setUserId("ann").build();
        TokenSource fails = Tokens.function(() -> {
            throw new IOException("there is no issuer");
        });
        for (TokenSource source : Arrays.asList(Tokens.file(Paths.get("/nowhere/token")), fails)) {
            try (Client client = Client.builder(NOWHERE, source).plaintext().build()) {
                TokenSourceException refusal =
                        assertThrows(TokenSourceException.class, () -> client.deleteUser(write));
                assertInstanceOf(IOException.class, refusal.getCause());
                assertTrue(refusal.getMessage().contains(refusal.getCause().getMessage()));
                assertFalse(refusal.getRequestId().isEmpty());
                ExecutionException later = assertThrows(
                        ExecutionException.class, () -> client.deleteUserAsync(write).get());
                refusal = assertInstanceOf(TokenSourceException.class, later.getCause());
                assertFalse(refusal.getRequestId().isEmpty());
                Watch watch = client.watch(WatchEventsRequest.getDefaultInstance());
                assertThrows(TokenSourceException.class, watch::hasNext);
            }
        }
    }

    @Test
    void aClosedClientCallsNothing() {
        Client client =
                Client.builder(NOWHERE, Tokens.fixed("token")).plaintext().build();
        client.close();
        IdentityLinkException closed = assertThrows(IdentityLinkException.class, () -> client.getUser(REQUEST));
        assertEquals(Status.Code.CANCELLED, closed.getCode());
        ExecutionException later = assertThrows(
                ExecutionException.class, () -> client.getUserAsync(REQUEST).get());
        closed = assertInstanceOf(IdentityLinkException.class, later.getCause());
        assertEquals(Status.Code.CANCELLED, closed.getCode());
        try (Watch watch = client.watch(WatchEventsRequest.getDefaultInstance())) {
            closed = assertThrows(IdentityLinkException.class, watch::hasNext);
            assertEquals(Status.Code.CANCELLED, closed.getCode());
        }
    }

    @Test
    void aWatchThatWaitsIsClosedByAnotherThread() throws Exception {
        try (Client client =
                Client.builder(NOWHERE, Tokens.fixed("token")).plaintext().build()) {
            Watch watch = client.watch(WatchEventsRequest.getDefaultInstance());
            CompletableFuture<Boolean> more = CompletableFuture.supplyAsync(watch::hasNext);
            watch.close();
            assertFalse(more.get());
        }
    }

    @Test
    void aCallThatIsCancelledIsOver() throws Exception {
        Slow source = new Slow();
        try (Client client = Client.builder(NOWHERE, source).plaintext().build()) {
            CompletableFuture<?> call = client.getUserAsync(REQUEST);
            source.begun.await();
            assertTrue(call.cancel(true));
            source.goOn.countDown();
            assertTrue(call.isCancelled());
        }
    }

    @Test
    void theThreadThatWaitsCanBeInterrupted() {
        try (Client client = Client.builder(NOWHERE, new Slow()).plaintext().build()) {
            Thread.currentThread().interrupt();
            IdentityLinkException ended = assertThrows(IdentityLinkException.class, () -> client.getUser(REQUEST));
            assertEquals(Status.Code.CANCELLED, ended.getCode());
            assertTrue(Thread.interrupted());
        }
    }

    /** Frameworks pass exceptions between processes by Java's serialization. */
    @Test
    void anExceptionKeepsItsDetailsWhenItIsSerialized() throws Exception {
        com.google.rpc.Status status = com.google.rpc.Status.newBuilder()
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setDomain("identity-link")
                        .setReason("REQUEST_INVALID")
                        .putMetadata("limit", "3")
                        .build()))
                .addDetails(Any.pack(BadRequest.newBuilder()
                        .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField("email"))
                        .build()))
                .build();
        Metadata trailers = new Metadata();
        Metadata.Key<byte[]> details =
                Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
        trailers.put(details, status.toByteArray());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            IdentityLinkException refusal = Refusal.of(Status.INVALID_ARGUMENT, trailers);
            refusal.setRequestId("5d1a9d0e-7c1b-4f7e-9a51-0d2c8f3b6a10");
            out.writeObject(refusal);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            Reasons.RequestInvalid read = assertInstanceOf(Reasons.RequestInvalid.class, in.readObject());
            assertEquals("3", read.getMetadata().get("limit"));
            assertEquals("email", read.getViolations().get(0).getField());
            assertTrue(read.getPreconditions().isEmpty());
            assertEquals("5d1a9d0e-7c1b-4f7e-9a51-0d2c8f3b6a10", read.getRequestId());
            assertFalse(read.getRetryDelay().isPresent());
        }
    }

    @Test
    void settingsAreInTheirBounds() {
        ClientBuilder builder = Client.builder(NOWHERE, Tokens.fixed("token"));
        assertThrows(IllegalArgumentException.class, () -> builder.timeout(Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> builder.maxAttempts(0));
        try (Client client = builder.plaintext().build()) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> client.watch(WatchEventsRequest.getDefaultInstance(), Duration.ZERO));
        }
    }
}
