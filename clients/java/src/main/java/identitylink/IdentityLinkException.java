package identitylink;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A call has failed.
 *
 * <p>Each stable reason of the server has a class of its own in {@link Reasons}. A failure without a reason, such as a
 * connection that is refused, is an {@code IdentityLinkException} itself. Decide by the class or by {@link #getReason}. The
 * message is the server's sentence for people, and may change.
 */
public class IdentityLinkException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Refusal refusal;
    private final Status.Code code;
    private final String reason;
    private String requestId = "";

    IdentityLinkException(Refusal refusal) {
        super(refusal.status.getDescription(), refusal.status.getCause());
        this.refusal = refusal;
        this.code = refusal.status.getCode();
        this.reason = refusal.reason;
    }

    /**
     * Returns the status code.
     *
     * @return the code
     */
    public final Status.Code getCode() {
        return code;
    }

    /**
     * Returns the stable reason, such as {@code IDENTITY_TAKEN}. A newer server may send one that has no class here. A call
     * that has reached its deadline has {@code DEADLINE}, also if the client saw it first.
     *
     * @return the reason; empty if the server sent none
     */
    public final String getReason() {
        return reason;
    }

    /**
     * Returns values that belong to the reason, such as the {@code limit} of {@code RATE_LIMITED}.
     *
     * @return the values by their names
     */
    public final Map<String, String> getMetadata() {
        return refusal.metadata;
    }

    /**
     * Returns the wrong fields of {@code REQUEST_INVALID}.
     *
     * @return all that were sent
     */
    public final List<FieldViolation> getViolations() {
        return refusal.violations;
    }

    /**
     * Returns what {@code METADATA_CONFLICT} and {@code PROVIDER_SCOPES_MISSING} list.
     *
     * @return all that were sent
     */
    public final List<PreconditionViolation> getPreconditions() {
        return refusal.preconditions;
    }

    /**
     * Returns after which delay the same call may succeed.
     *
     * @return the delay; empty if the server did not say
     */
    public final Optional<Duration> getRetryDelay() {
        return Optional.ofNullable(refusal.retryDelay);
    }

    /**
     * Returns the {@code request_id} of the write that failed, also if the client made it. Set it in the same request to
     * repeat the call: if the write was made, the first response comes again.
     *
     * @return the id; empty for a call that changes nothing, and for a stream of requests
     */
    public final String getRequestId() {
        return requestId;
    }

    /** Notes the id of the call that this ends. */
    final void setRequestId(String id) {
        requestId = id;
    }

    /** Returns the reason, or else the code, and the sentence. */
    @Override
    public String toString() {
        return (reason.isEmpty() ? code.name() : reason) + ": " + getMessage();
    }
}
