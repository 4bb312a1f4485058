package identitylink;

/**
 * Where the bearer token of each call comes from. Many threads use a source at once. {@link Tokens} has the usual ones. A
 * call for which a source fails throws a {@link TokenSourceException}.
 */
public interface TokenSource {
    /**
     * Returns the token for the next call.
     *
     * @return the token, without {@code Bearer}
     * @throws Exception if there is none; it is the cause of the exception of the call
     */
    String token() throws Exception;

    /**
     * Returns another token in place of one that the server has refused. If it is the same, the call fails with the
     * server's refusal.
     *
     * @param rejected the token that the server has refused
     * @return the token, without {@code Bearer}
     * @throws Exception if there is none; it is the cause of the exception of the call
     */
    String renewed(String rejected) throws Exception;

    /**
     * Returns whether {@link #token} may take long now. The client then calls it in a thread of its own, so that no
     * caller waits beyond its timeout. {@link #renewed} is always called so.
     *
     * @return true unless a source says otherwise
     */
    default boolean mayBlock() {
        return true;
    }
}
