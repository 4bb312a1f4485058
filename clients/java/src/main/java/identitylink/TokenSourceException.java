package identitylink;

/** The source of tokens has failed, so there was no call. The cause is what the source threw. */
public final class TokenSourceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TokenSourceException(Throwable cause) {
        super("the source of tokens has failed", cause);
    }
}
