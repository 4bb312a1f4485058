package identitylink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokensTest {
    @TempDir
    Path folder;

    /** Issues numbered tokens, each good for a hundred seconds. It can fail, and it sets the clock. */
    private static final class Issuer extends Clock {
        volatile Instant now = Instant.ofEpochSecond(1_000_000);
        volatile boolean fails;
        int issued;

        synchronized Token issue() throws IOException {
            if (fails) {
                throw new IOException("there is no issuer");
            }
            issued++;
            return Token.of("token" + issued, now.plusSeconds(100));
        }

        void later(int seconds) {
            now = now.plusSeconds(seconds);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void aTokenIsUsedUntilShortlyBeforeItsEnd() throws Exception {
        Issuer issuer = new Issuer();
        TokenSource source = new FunctionToken(issuer::issue, issuer);
        String first = source.token();
        issuer.later(79);
        assertFalse(source.mayBlock());
        assertEquals(first, source.token());
        issuer.later(2);
        assertNotEquals(first, source.token());
    }

    @Test
    void aTokenThatIsGoodIsUsedWhileTheIssuerFails() throws Exception {
        Issuer issuer = new Issuer();
        TokenSource source = new FunctionToken(issuer::issue, issuer);
        String first = source.token();
        issuer.fails = true;
        issuer.later(90);
        assertEquals(first, source.token());
        issuer.later(20);
        assertThrows(IOException.class, source::token);
    }

    @Test
    void aTokenThatIsGoodIsUsedWhileTheIssuerReturnsWhatIsNoToken() throws Exception {
        Issuer issuer = new Issuer();
        TokenSource source =
                new FunctionToken(() -> issuer.fails ? Token.of("no token") : issuer.issue(), issuer);
        String first = source.token();
        issuer.fails = true;
        issuer.later(90);
        assertEquals(first, source.token());
        issuer.later(20);
        assertThrows(IllegalArgumentException.class, source::token);
    }

    @Test
    void aRefusedTokenIsRenewedOnceForAllCalls() throws Exception {
        Issuer issuer = new Issuer();
        TokenSource source = new FunctionToken(issuer::issue, issuer);
        String first = source.token();
        String second = source.renewed(first);
        assertNotEquals(first, second);
        assertEquals(second, source.renewed(first));
        assertEquals(2, issuer.issued);
    }

    @Test
    void theEndOfAJwtIsRead() throws Exception {
        Issuer issuer = new Issuer();
        byte[] json = "{\"nested\": {\"exp\": 1}, \"exp\": 1000100}".getBytes(StandardCharsets.UTF_8);
        String claims = Base64.getUrlEncoder().withoutPadding().encodeToString(json);
        TokenSource source = new FunctionToken(() -> Token.of("a." + claims + "." + issuer.issued++), issuer);
        String first = source.token();
        assertEquals(first, source.token());
        issuer.later(81);
        assertNotEquals(first, source.token());
    }

    @Test
    void noThreadWaitsForTheRenewalOfAGoodToken() throws Exception {
        Issuer issuer = new Issuer();
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        TokenSource source = new FunctionToken(
                () -> {
                    if (issuer.issued > 0) {
                        begun.countDown();
                        goOn.await();
                    }
                    return issuer.issue();
                },
                issuer);
        String first = source.token();
        issuer.later(90);
        CompletableFuture<String> renewed = new CompletableFuture<>();
        Thread other = new Thread(() -> {
            try {
                renewed.complete(source.token());
            } catch (Exception e) {
                renewed.completeExceptionally(e);
            }
        });
        other.start();
        begun.await();
        assertEquals(first, source.token());
        goOn.countDown();
        assertNotEquals(first, renewed.get());
    }

    @Test
    void aFileIsReadAgainAfterItWasReplaced() throws Exception {
        Path file = folder.resolve("token");
        write(file, "first\n");
        TokenSource source = Tokens.file(file);
        assertEquals("first", source.token());
        Path next = folder.resolve("next");
        write(next, "other\n");
        Files.move(next, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        assertEquals("other", source.token());
        write(file, "a line\nand another\n");
        assertThrows(IllegalArgumentException.class, source::token);
    }

    private static void write(Path file, String text) throws IOException {
        Files.write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void whatIsNoBearerTokenIsRefusedAndNotQuoted() {
        for (String value : Arrays.asList("", "two words", "a\r\nx-admin: 1", "é", "a\n")) {
            IllegalArgumentException refusal =
                    assertThrows(IllegalArgumentException.class, () -> Tokens.fixed(value), value);
            assertFalse(!value.isEmpty() && refusal.getMessage().contains(value), refusal.getMessage());
        }
    }

    @Test
    void noTextShowsAToken() throws Exception {
        Path file = folder.resolve("token");
        write(file, "secret");
        for (TokenSource source :
                Arrays.asList(Tokens.fixed("secret"), Tokens.file(file), Tokens.function(() -> Token.of("secret")))) {
            assertEquals("secret", source.token());
            assertFalse(source.toString().contains("secret"), source.toString());
        }
        assertFalse(Token.of("secret").toString().contains("secret"));
    }
}
