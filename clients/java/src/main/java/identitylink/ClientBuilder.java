package identitylink;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** How a client calls. {@link Client#builder} makes one. */
public final class ClientBuilder {
    private final String target;
    private final TokenSource tokens;
    private ChannelCredentials credentials = TlsChannelCredentials.create();
    private Duration timeout = Duration.ofSeconds(10);
    private int maxAttempts = 5;
    private Consumer<ManagedChannelBuilder<?>> channel = builder -> {};

    ClientBuilder(String target, TokenSource tokens) {
        this.target = Objects.requireNonNull(target, "target");
        if (target.startsWith("http://") || target.startsWith("https://")) {
            // gRPC would look up a host of the name "http".
            throw new IllegalArgumentException(
                    "the target is a host and a port, such as identity.example.com:443, not a URL");
        }
        this.tokens = Objects.requireNonNull(tokens, "tokens");
    }

    /**
     * Sets how long a call with all its attempts lasts at most: ten seconds unless set.
     *
     * @param timeout the time
     * @return this builder
     * @throws IllegalArgumentException if the timeout is not above zero
     */
    public ClientBuilder timeout(Duration timeout) {
        this.timeout = checked("timeout", timeout);
        return this;
    }

    /**
     * Sets how often a call is attempted at most: five times unless set.
     *
     * @param maxAttempts the number, the first attempt included
     * @return this builder
     * @throws IllegalArgumentException if the number is below 1
     */
    public ClientBuilder maxAttempts(int maxAttempts) {
        if (maxAttempts < 1) {
            throw new IllegalArgumentException("maxAttempts is 1 or more, not " + maxAttempts);
        }
        this.maxAttempts = maxAttempts;
        return this;
    }

    /**
     * Sets how TLS verifies the server: by the authorities of the Java platform unless set.
     *
     * @param credentials such as those of {@link TlsChannelCredentials#newBuilder}
     * @return this builder
     */
    public ClientBuilder credentials(ChannelCredentials credentials) {
        this.credentials = Objects.requireNonNull(credentials, "credentials");
        return this;
    }

    /**
     * Leaves out TLS. Who can read the network then reads the tokens.
     *
     * @return this builder
     */
    public ClientBuilder plaintext() {
        return credentials(InsecureChannelCredentials.create());
    }

    /**
     * Changes the channel of grpc-java, after this package has set it up.
     *
     * @param channel changes the builder of the channel
     * @return this builder
     */
    public ClientBuilder channel(Consumer<ManagedChannelBuilder<?>> channel) {
        this.channel = Objects.requireNonNull(channel, "channel");
        return this;
    }

    /**
     * Returns a client.
     *
     * @return the client, to close
     */
    public Client build() {
        ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(target, credentials)
                .userAgent("identitylink-java/" + version())
                // Retries are made here alone, not by what a name server says.
                .disableServiceConfigLookUp()
                // A connection that is silent for so long is probed, also while a watch waits.
                .keepAliveTime(30, TimeUnit.SECONDS)
                .keepAliveTimeout(10, TimeUnit.SECONDS);
        channel.accept(builder);
        Reach reach = new Reach(target, credentials instanceof InsecureChannelCredentials);
        return new Client(new Connection(builder.build(), reach, tokens), timeout, maxAttempts, new Metadata());
    }

    /** Returns the version of the archive; {@code source} if the client is none. */
    private static String version() {
        String found = ClientBuilder.class.getPackage().getImplementationVersion();
        return found == null ? "source" : found;
    }

    static Duration checked(String name, Duration time) {
        if (time.isNegative() || time.isZero()) {
            throw new IllegalArgumentException(name + " is above zero, not " + time);
        }
        return time;
    }
}
