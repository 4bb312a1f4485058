package identitylink.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import identitylink.Client;
import identitylink.ClientBuilder;
import identitylink.FieldViolation;
import identitylink.IdentityLinkException;
import identitylink.PreconditionViolation;
import identitylink.Token;
import identitylink.TokenSource;
import identitylink.TokenSourceException;
import identitylink.Tokens;
import identitylink.Watch;
import identitylink.v1.AccessOuterClass;
import identitylink.v1.EventServiceOuterClass;
import identitylink.v1.IdentityServiceOuterClass;
import identitylink.v1.JobServiceOuterClass;
import identitylink.v1.Resources;
import identitylink.v1.SignInServiceOuterClass;
import identitylink.v1.TransferServiceOuterClass;
import identitylink.v1.WatchEventsRequest;
import identitylink.v1.WatchEventsResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The driver of the conformance scenarios: see clients/conformance/README.md. The argument is {@code blocking} or {@code
 * async}.
 */
public final class Driver {
    private static final JsonFormat.TypeRegistry TYPES = types();
    private static final JsonFormat.Parser PARSER = JsonFormat.parser().usingTypeRegistry(TYPES);
    private static final JsonFormat.Printer PRINTER = JsonFormat.printer().usingTypeRegistry(TYPES);

    private final boolean isAsync;
    private Client client;

    private Driver(boolean isAsync) {
        this.isAsync = isAsync;
    }

    public static void main(String[] arguments) throws Exception {
        Driver driver = new Driver(arguments[0].equals("async"));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject order = JsonParser.parseString(line).getAsJsonObject();
            try {
                driver.carryOut(order);
            } catch (Exception failure) {
                say(failed(failure));
            }
        }
    }

    private static JsonFormat.TypeRegistry types() {
        JsonFormat.TypeRegistry.Builder types = JsonFormat.TypeRegistry.newBuilder();
        for (FileDescriptor file : Arrays.asList(
                AccessOuterClass.getDescriptor(),
                EventServiceOuterClass.getDescriptor(),
                IdentityServiceOuterClass.getDescriptor(),
                JobServiceOuterClass.getDescriptor(),
                Resources.getDescriptor(),
                SignInServiceOuterClass.getDescriptor(),
                TransferServiceOuterClass.getDescriptor())) {
            types.add(file.getMessageTypes());
        }
        return types.build();
    }

    private static void say(JsonElement result) {
        byte[] line = (result + "\n").getBytes(StandardCharsets.UTF_8);
        System.out.write(line, 0, line.length);
        System.out.flush();
    }

    private static JsonObject object(String name, JsonElement value) {
        JsonObject object = new JsonObject();
        object.add(name, value);
        return object;
    }

    private void carryOut(JsonObject order) throws Exception {
        if (order.has("open")) {
            open(order.getAsJsonObject("open"));
        } else if (order.has("call")) {
            call(order);
        } else if (order.has("all")) {
            String name = methodName(order.get("all")) + "All";
            Object items = invoke(client, name, order.get("request"));
            say(items((Iterable<?>) items));
        } else if (order.has("stream")) {
            say(items(stream(client, order.get("stream"), order.getAsJsonArray("requests"))));
        } else if (order.has("resolve")) {
            List<String> ids = new ArrayList<>();
            order.getAsJsonArray("resolve").forEach(id -> ids.add(id.getAsString()));
            say(items(client.resolve(ids)));
        } else {
            watch(order);
        }
    }

    private void open(JsonObject open) {
        if (client != null) {
            client.close();
        }
        ClientBuilder builder = Client.builder(open.get("target").getAsString(), source(open));
        if (!isTrue(open.get("tls"))) {
            builder.plaintext();
        }
        if (isThere(open.get("max_attempts"))) {
            builder.maxAttempts(open.get("max_attempts").getAsInt());
        }
        if (isThere(open.get("timeout"))) {
            builder.timeout(Duration.ofSeconds(open.get("timeout").getAsLong()));
        }
        client = builder.build();
        say(JsonParser.parseString("{\"opened\": true}"));
    }

    /** A source that reads a file, or that returns these tokens in turn, and the last one again. */
    private static TokenSource source(JsonObject open) {
        if (isThere(open.get("token_file"))) {
            return Tokens.file(Paths.get(open.get("token_file").getAsString()));
        }
        Deque<JsonElement> tokens = new ArrayDeque<>();
        open.getAsJsonArray("tokens").forEach(tokens::add);
        return Tokens.function(() -> {
            JsonElement token = tokens.size() > 1 ? tokens.remove() : tokens.element();
            if (token.isJsonNull()) {
                throw new IOException("the source of the tokens fails");
            }
            return Token.of(token.getAsString());
        });
    }

    private static boolean isThere(JsonElement element) {
        return element != null && !element.isJsonNull();
    }

    private static boolean isTrue(JsonElement element) {
        return isThere(element) && element.getAsBoolean();
    }

    private static String methodName(JsonElement rpc) {
        String name = rpc.getAsString();
        return name.substring(0, 1).toLowerCase(java.util.Locale.ROOT) + name.substring(1);
    }

    private void call(JsonObject order) throws Exception {
        Client calling = client;
        if (isThere(order.get("timeout"))) {
            long millis = (long) (order.get("timeout").getAsDouble() * 1000);
            calling = client.withTimeout(Duration.ofMillis(millis));
        }
        if (isThere(order.get("metadata"))) {
            for (Map.Entry<String, JsonElement> each : order.getAsJsonObject("metadata").entrySet()) {
                calling = calling.withMetadata(each.getKey(), each.getValue().getAsString());
            }
        }
        String name = methodName(order.get("call")) + (isAsync ? "Async" : "");
        Object got = invoke(calling, name, order.get("request"));
        Message response = (Message) (got instanceof CompletableFuture ? ((CompletableFuture<?>) got).get() : got);
        JsonObject result = object("response", json(response));
        result.addProperty("message", Base64.getEncoder().encodeToString(response.toByteArray()));
        say(result);
    }

    /** Calls the method of this name with a request in protobuf's JSON. */
    private static Object invoke(Client client, String name, JsonElement request) throws Exception {
        for (Method method : Client.class.getMethods()) {
            if (method.getName().equals(name)) {
                Message.Builder builder = (Message.Builder)
                        method.getParameterTypes()[0].getMethod("newBuilder").invoke(null);
                PARSER.merge(request.toString(), builder);
                return method.invoke(client, builder.build());
            }
        }
        throw new NoSuchMethodException(name);
    }

    /** Sends requests by a method whose streams have types that follow from the rpc. */
    private static Iterable<?> stream(Client client, JsonElement rpc, JsonArray requests) throws Exception {
        String name = methodName(rpc);
        Class<?> kind = Class.forName("identitylink.v1." + rpc.getAsString() + "Request");
        List<Message> messages = new ArrayList<>();
        for (JsonElement request : requests) {
            Message.Builder builder = (Message.Builder) kind.getMethod("newBuilder").invoke(null);
            PARSER.merge(request.toString(), builder);
            messages.add(builder.build());
        }
        for (Method method : Client.class.getMethods()) {
            if (method.getName().equals(name)) {
                boolean isMany = method.getParameterTypes()[0] == Iterator.class;
                Object got = method.invoke(client, isMany ? messages.iterator() : messages.get(0));
                return got instanceof Iterable ? (Iterable<?>) got : Collections.singletonList(got);
            }
        }
        throw new NoSuchMethodException(name);
    }

    private static JsonElement json(Message message) throws InvalidProtocolBufferException {
        return JsonParser.parseString(PRINTER.print(message));
    }

    private static JsonObject items(Iterable<?> messages) throws InvalidProtocolBufferException {
        JsonArray items = new JsonArray();
        for (Object message : messages) {
            items.add(json((Message) message));
        }
        return object("items", items);
    }

    private void watch(JsonObject order) throws Exception {
        WatchEventsRequest.Builder request = WatchEventsRequest.newBuilder();
        PARSER.merge(order.get("watch").toString(), request);
        int left = order.get("take").getAsInt();
        try (Watch watch = client.watch(request.build())) {
            for (WatchEventsResponse response : watch) {
                for (Message event : response.getEventsList()) {
                    say(object("event", json(event)));
                    left--;
                }
                if (left <= 0) {
                    break;
                }
            }
        }
        say(JsonParser.parseString("{\"done\": true}"));
    }

    private static JsonElement orNull(String text) {
        return text.isEmpty() ? JsonNull.INSTANCE : new JsonPrimitive(text);
    }

    private static JsonObject failed(Throwable failure) {
        Throwable found = failure;
        while (found instanceof InvocationTargetException || found instanceof ExecutionException) {
            found = found.getCause();
        }
        JsonObject error = new JsonObject();
        if (found instanceof TokenSourceException) {
            error.addProperty("type", "token");
            error.addProperty("text", found.getMessage());
            error.addProperty("has_cause", found.getCause() != null);
            error.add("request_id", orNull(((TokenSourceException) found).getRequestId()));
            return object("error", error);
        }
        if (!(found instanceof IdentityLinkException)) {
            error.addProperty("type", "other");
            error.addProperty("code", "");
            error.addProperty("reason", "");
            error.addProperty("text", found.toString());
            return object("error", error);
        }
        IdentityLinkException refusal = (IdentityLinkException) found;
        boolean hasClass = refusal.getClass() != IdentityLinkException.class;
        error.addProperty("type", hasClass ? refusal.getClass().getSimpleName() : "");
        error.addProperty("code", refusal.getCode().name());
        error.addProperty("reason", refusal.getReason());
        error.addProperty("text", refusal.getMessage());
        JsonObject metadata = new JsonObject();
        for (Map.Entry<String, String> each : refusal.getMetadata().entrySet()) {
            metadata.addProperty(each.getKey(), each.getValue());
        }
        error.add("metadata", metadata);
        JsonArray violations = new JsonArray();
        for (FieldViolation each : refusal.getViolations()) {
            JsonObject violation = new JsonObject();
            violation.addProperty("field", each.getField());
            violation.addProperty("description", each.getDescription());
            violations.add(violation);
        }
        error.add("violations", violations);
        JsonArray preconditions = new JsonArray();
        for (PreconditionViolation each : refusal.getPreconditions()) {
            JsonObject precondition = new JsonObject();
            precondition.addProperty("type", each.getType());
            precondition.addProperty("subject", each.getSubject());
            precondition.addProperty("description", each.getDescription());
            preconditions.add(precondition);
        }
        error.add("preconditions", preconditions);
        error.add("request_id", orNull(refusal.getRequestId()));
        error.add("retry_delay_ms", JsonNull.INSTANCE);
        refusal.getRetryDelay().ifPresent(delay -> error.addProperty("retry_delay_ms", delay.toMillis()));
        return object("error", error);
    }
}
