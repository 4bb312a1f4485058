package identitylink;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What is known of a call that has failed: the status and its details. An exception takes it along. */
final class Refusal implements Serializable {
    private static final long serialVersionUID = 1L;

    /**
     * {@code ErrorInfo.domain} of each refusal of the server. A reason of another domain, such as of a proxy, is none of
     * these.
     */
    private static final String DOMAIN = "identity-link";

    /** The trailer with the details (google.rpc.Status). */
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    final transient Status status;
    String reason = "";
    Map<String, String> metadata = Collections.emptyMap();
    List<FieldViolation> violations = Collections.emptyList();
    List<PreconditionViolation> preconditions = Collections.emptyList();
    Duration retryDelay;

    private Refusal(Status status) {
        this.status = status;
    }

    /** Returns the exception of a call that grpc-java has failed. */
    static IdentityLinkException of(Throwable failure) {
        if (failure instanceof StatusRuntimeException) {
            return of(Status.fromThrowable(failure), ((StatusRuntimeException) failure).getTrailers());
        }
        if (failure instanceof StatusException) {
            return of(Status.fromThrowable(failure), ((StatusException) failure).getTrailers());
        }
        return of(Status.fromThrowable(failure), null);
    }

    /** Returns the exception of a status and its trailers. Details that do not decode are left out. */
    static IdentityLinkException of(Status status, Metadata trailers) {
        Refusal refusal = read(status, trailers);
        // The client and the server see the same deadline pass: which one is first is chance.
        if (refusal.reason.isEmpty() && status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
            refusal.reason = Reasons.Deadline.REASON;
        }
        return Reasons.exceptionOf(refusal);
    }

    /** Returns whether the server refused a call with these trailers for a reason. */
    static boolean hasReason(Metadata trailers) {
        return !read(Status.UNKNOWN, trailers).reason.isEmpty();
    }

    private static Refusal read(Status status, Metadata trailers) {
        Refusal refusal = new Refusal(status);
        for (Any detail : details(trailers)) {
            try {
                refusal.read(detail);
            } catch (InvalidProtocolBufferException e) {
                continue;
            }
        }
        if (refusal.reason.isEmpty()) {
            // Only the server itself says when it can be asked again.
            refusal.retryDelay = null;
        }
        return refusal;
    }

    private static List<Any> details(Metadata trailers) {
        byte[] bytes = trailers == null ? null : trailers.get(DETAILS);
        if (bytes == null) {
            return Collections.emptyList();
        }
        try {
            return com.google.rpc.Status.parseFrom(bytes).getDetailsList();
        } catch (InvalidProtocolBufferException e) {
            return Collections.emptyList();
        }
    }

    private void read(Any detail) throws InvalidProtocolBufferException {
        if (detail.is(ErrorInfo.class)) {
            ErrorInfo info = detail.unpack(ErrorInfo.class);
            if (info.getDomain().equals(DOMAIN)) {
                reason = info.getReason();
                metadata = Collections.unmodifiableMap(new HashMap<>(info.getMetadataMap()));
            }
        } else if (detail.is(BadRequest.class)) {
            List<FieldViolation> found = new ArrayList<>();
            for (BadRequest.FieldViolation each : detail.unpack(BadRequest.class).getFieldViolationsList()) {
                found.add(new FieldViolation(each.getField(), each.getDescription()));
            }
            violations = Collections.unmodifiableList(found);
        } else if (detail.is(PreconditionFailure.class)) {
            List<PreconditionViolation> found = new ArrayList<>();
            for (PreconditionFailure.Violation each :
                    detail.unpack(PreconditionFailure.class).getViolationsList()) {
                found.add(new PreconditionViolation(each.getType(), each.getSubject(), each.getDescription()));
            }
            preconditions = Collections.unmodifiableList(found);
        } else if (detail.is(RetryInfo.class)) {
            com.google.protobuf.Duration delay =
                    detail.unpack(RetryInfo.class).getRetryDelay();
            Duration found = delayOf(delay);
            retryDelay = found.isNegative() ? Duration.ZERO : found;
        }
    }

    /** Returns the delay. One that is longer than a duration can be is the longest. */
    private static Duration delayOf(com.google.protobuf.Duration delay) {
        try {
            return Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        } catch (ArithmeticException e) {
            return delay.getSeconds() < 0 ? Duration.ZERO : Duration.ofSeconds(Long.MAX_VALUE);
        }
    }
}
