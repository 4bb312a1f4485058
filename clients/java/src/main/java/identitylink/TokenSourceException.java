package identitylink;

/** The source of tokens has failed, so there was no token to call with. The cause is what the source threw. */
public final class TokenSourceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private String requestId = "";

    TokenSourceException(Throwable cause) {
        super("there is no token: " + cause, cause);
    }

    /**
     * Returns the {@code request_id} of the write that was to be made, as {@link IdentityLinkException#getRequestId} does. An
     * earlier attempt of the call may have reached the server.
     *
     * @return the id; empty for a call that changes nothing, and for a stream of requests
     */
    public String getRequestId() {
        return requestId;
    }

    /** Notes the id of the call that this ends. */
    void setRequestId(String id) {
        requestId = id;
    }
}
