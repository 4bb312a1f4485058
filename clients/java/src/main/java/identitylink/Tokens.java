package identitylink;

import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/** Sources of tokens. No source, exception or log line of this package shows a token. */
public final class Tokens {
    /** What a bearer token may consist of (RFC 6750, section 2.1, b64token). */
    private static final Pattern BEARER = Pattern.compile("[A-Za-z0-9\\-._~+/]+=*");

    private Tokens() {}

    /**
     * Returns a source of one token, which is never renewed: for scripts and tests.
     *
     * @param value the token, without {@code Bearer}
     * @return the source
     * @throws IllegalArgumentException if this is no bearer token
     */
    public static TokenSource fixed(String value) {
        return new StaticToken(checked(value));
    }

    /**
     * Returns a source of the token in a file that another process renews, such as a projected token of Kubernetes. The
     * file is read again when it has changed, and when the server has refused its token. White space around the token is
     * left out.
     *
     * @param path the file
     * @return the source
     */
    public static TokenSource file(Path path) {
        return new FileToken(path);
    }

    /**
     * Returns a source of the tokens that a function gets, such as by the client credentials of OAuth 2.0.
     *
     * <p>The function is called before the token ends: 30 seconds before, or after 80 % of its life if that is later. It is
     * called also after the server has refused the token, and never by two threads at once. If it fails while the token is
     * still good, that one is used. Otherwise its exception is the cause of that of the call.
     *
     * @param function returns a new token
     * @return the source
     */
    public static TokenSource function(Callable<Token> function) {
        return new FunctionToken(function, Clock.systemUTC());
    }

    /** Returns the token if a header can have it. The exception is without the value. */
    static String checked(String value) {
        if (value == null || !BEARER.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "the token is no bearer token: it is empty, or has characters beside those of RFC 6750");
        }
        return value;
    }
}
