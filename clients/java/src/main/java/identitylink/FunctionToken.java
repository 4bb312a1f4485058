package identitylink;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.ReentrantLock;

/** Tokens that a function gets. */
final class FunctionToken implements TokenSource {
    /** A token is renewed so long before its end, or after 80 % of its life if that is later. */
    private static final Duration EARLY = Duration.ofSeconds(30);

    private static final int LATEST_SHARE = 5;
    /** How long a token that is still good is used after its renewal has failed, before the next attempt. */
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);

    private final Callable<Token> function;
    private final Clock clock;
    /** One renewal at a time. */
    private final ReentrantLock renewal = new ReentrantLock();
    /** The last token; null before the first. */
    private volatile Held held;

    /** A token that is never changed. */
    private static final class Held {
        final String value;
        /** Null if the token has no known end. */
        final Instant expiresAt;

        final Instant renewAt;

        Held(String value, Instant expiresAt, Instant renewAt) {
            this.value = value;
            this.expiresAt = expiresAt;
            this.renewAt = renewAt;
        }
    }

    FunctionToken(Callable<Token> function, Clock clock) {
        this.function = Objects.requireNonNull(function, "function");
        this.clock = clock;
    }

    @Override
    public String token() throws Exception {
        String fresh = fresh();
        if (fresh != null) {
            return fresh;
        }
        String good = good();
        if (good == null) {
            renewal.lockInterruptibly();
        } else if (!renewal.tryLock()) {
            // While another thread renews a token that is still good, this one need not wait.
            return good;
        }
        try {
            fresh = fresh();
            return fresh != null ? fresh : renewedInTime();
        } finally {
            renewal.unlock();
        }
    }

    @Override
    public String renewed(String rejected) throws Exception {
        renewal.lockInterruptibly();
        try {
            String good = good();
            return good != null && !good.equals(rejected) ? good : fetched();
        } finally {
            renewal.unlock();
        }
    }

    @Override
    public boolean mayBlock() {
        return fresh() == null;
    }

    /** Renews the token. If that fails, the token is used as long as it is good. */
    private String renewedInTime() throws Exception {
        try {
            return fetched();
        } catch (Exception e) {
            if (held != null) {
                held = new Held(held.value, held.expiresAt, clock.instant().plus(AFTER_FAILURE));
            }
            String good = good();
            if (good == null) {
                throw e;
            }
            return good;
        }
    }

    private String fetched() throws Exception {
        Token token = Objects.requireNonNull(function.call(), "the function returned no token");
        String value = Tokens.checked(token.value());
        Instant expiresAt = token.expiresAt().orElseGet(() -> expiry(value));
        Instant renewAt = null;
        if (expiresAt != null) {
            Duration life = Duration.between(clock.instant(), expiresAt);
            Duration share = life.isNegative() ? Duration.ZERO : life.dividedBy(LATEST_SHARE);
            renewAt = expiresAt.minus(share.compareTo(EARLY) < 0 ? share : EARLY);
        }
        held = new Held(value, expiresAt, renewAt);
        return value;
    }

    /** Returns the token, unless it is time for another one. */
    private String fresh() {
        Held token = held;
        boolean isDue = token == null || token.renewAt != null && !clock.instant().isBefore(token.renewAt);
        return isDue ? null : token.value;
    }

    /** Returns the token, unless it has ended. */
    private String good() {
        Held token = held;
        boolean hasEnded = token == null || token.expiresAt != null && !clock.instant().isBefore(token.expiresAt);
        return hasEnded ? null : token.value;
    }

    /**
     * Returns the {@code exp} of a JWT, which is not verified: it only decides when to renew. Null if this is no JWT, or
     * has none.
     */
    private static Instant expiry(String value) {
        String[] parts = value.split("\\.", -1);
        if (parts.length != 3) {
            return null;
        }
        try {
            byte[] payload = Base64.getUrlDecoder().decode(parts[1]);
            JsonElement claims = JsonParser.parseString(new String(payload, StandardCharsets.UTF_8));
            JsonElement exp = claims.isJsonObject() ? claims.getAsJsonObject().get("exp") : null;
            boolean isNumber =
                    exp != null && exp.isJsonPrimitive() && exp.getAsJsonPrimitive().isNumber();
            return isNumber ? Instant.ofEpochSecond((long) exp.getAsDouble()) : null;
        } catch (IllegalArgumentException | JsonParseException | DateTimeException e) {
            return null;
        }
    }

    /** Hides the value. */
    @Override
    public String toString() {
        return "FunctionToken(hidden)";
    }
}
