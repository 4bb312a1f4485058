package com.example.login;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.convert.DurationUnit;

/** What application.properties reads from the environment. */
@ConfigurationProperties("login")
record Settings(
        URI baseUrl,
        URI identityLink,
        Path tokenFile,
        @DurationUnit(ChronoUnit.SECONDS) Duration signInMaxAge,
        URI listen) {

    static final Duration SESSION_LIFE = Duration.ofHours(1);
    static final Duration ATTEMPT_LIFE = Duration.ofMinutes(10);

    Settings {
        if (!isSecure(baseUrl) && !isLoopback(baseUrl.getHost())) {
            throw new IllegalArgumentException(
                    "BASE_URL: without https, cookies are safe on a loopback address only");
        }
    }

    boolean secure() {
        return isSecure(baseUrl);
    }

    String sessionCookie() {
        return cookie("session");
    }

    String attemptCookie() {
        return cookie("attempt");
    }

    /** With the prefix, a browser takes the cookie from this host only, not from a sister domain. */
    private String cookie(String name) {
        return secure() ? "__Host-" + name : name;
    }

    private static boolean isSecure(URI url) {
        return "https".equals(url.getScheme());
    }

    /** Whether this is a loopback address: a name may lead to another one. */
    private static boolean isLoopback(String host) {
        boolean isAddress = host != null && (host.startsWith("[") || host.matches("[0-9.]+"));
        try {
            return isAddress && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException notAnAddress) {
            return false;
        }
    }
}
