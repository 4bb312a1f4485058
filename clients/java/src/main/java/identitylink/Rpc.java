package identitylink;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;

/** What the contract says of an rpc. */
final class Rpc<Q extends Message, R extends Message> {

    /** Whether requests of an rpc have a {@code request_id}. */
    enum RequestId {
        /** They have none. */
        NEVER,
        /** All but previews ({@code validate_only}) have one: the server refuses a preview with one. */
        EXCEPT_PREVIEWS,
        /** All have one. */
        ALWAYS
    }

    final MethodDescriptor<Q, R> method;
    /** Whether it changes nothing, so that it can be repeated after any failure. */
    final boolean onlyReads;

    final RequestId requestId;
    /** The fields of its requests; null if they have none of the name. */
    final FieldDescriptor idField;

    final FieldDescriptor previewField;

    private Rpc(MethodDescriptor<Q, R> method, Descriptor request, boolean onlyReads, RequestId requestId) {
        this.method = method;
        this.onlyReads = onlyReads;
        this.requestId = requestId;
        this.idField = request.findFieldByName("request_id");
        this.previewField = request.findFieldByName("validate_only");
    }

    static <Q extends Message, R extends Message> Rpc<Q, R> unary(
            String name, Q request, R response, boolean onlyReads, RequestId requestId) {
        return of(MethodDescriptor.MethodType.UNARY, name, request, response, onlyReads, requestId);
    }

    static <Q extends Message, R extends Message> Rpc<Q, R> stream(
            String name, Q request, R response, boolean onlyReads, RequestId requestId) {
        return of(MethodDescriptor.MethodType.SERVER_STREAMING, name, request, response, onlyReads, requestId);
    }

    static <Q extends Message, R extends Message> Rpc<Q, R> streams(
            String name, Q request, R response, boolean onlyReads, RequestId requestId) {
        return of(MethodDescriptor.MethodType.BIDI_STREAMING, name, request, response, onlyReads, requestId);
    }

    private static <Q extends Message, R extends Message> Rpc<Q, R> of(
            MethodDescriptor.MethodType type,
            String name,
            Q request,
            R response,
            boolean onlyReads,
            RequestId requestId) {
        MethodDescriptor<Q, R> method = MethodDescriptor.<Q, R>newBuilder()
                .setType(type)
                .setFullMethodName(name)
                .setRequestMarshaller(ProtoUtils.marshaller(request))
                .setResponseMarshaller(ProtoUtils.marshaller(response))
                .setSampledToLocalTracing(true)
                .build();
        return new Rpc<>(method, request.getDescriptorForType(), onlyReads, requestId);
    }
}
