package identitylink;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/** A bearer token, and when it ends. */
public final class Token {
    private final String value;
    private final Instant expiresAt;

    private Token(String value, Instant expiresAt) {
        this.value = Objects.requireNonNull(value, "value");
        this.expiresAt = expiresAt;
    }

    /**
     * Returns a token that ends at the {@code exp} of a JWT. Another token is good until the server refuses it.
     *
     * @param value the token, without {@code Bearer}
     * @return the token
     */
    public static Token of(String value) {
        return new Token(value, null);
    }

    /**
     * Returns a token that ends at this time.
     *
     * @param value the token, without {@code Bearer}
     * @param expiresAt when it ends
     * @return the token
     */
    public static Token of(String value, Instant expiresAt) {
        return new Token(value, Objects.requireNonNull(expiresAt, "expiresAt"));
    }

    String value() {
        return value;
    }

    Optional<Instant> expiresAt() {
        return Optional.ofNullable(expiresAt);
    }

    /** Hides the value. */
    @Override
    public String toString() {
        return "Token(hidden)";
    }
}
