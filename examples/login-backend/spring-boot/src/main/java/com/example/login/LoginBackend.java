package com.example.login;

import identitylink.Client;
import identitylink.ClientBuilder;
import identitylink.Tokens;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.boot.web.server.servlet.ConfigurableServletWebServerFactory;
import org.springframework.boot.web.servlet.ServletContextInitializer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * A login backend on Spring Boot: sign-in, sign-out, and a settings page that links and unlinks.
 *
 * <p>The routes and the story are in ../README.md. The sessions are in memory, so this is one process.
 */
@SpringBootApplication
@ConfigurationPropertiesScan
class LoginBackend implements WebMvcConfigurer {
    private final Settings settings;
    private final Guard guard;
    private final Visitors visitors;

    LoginBackend(Settings settings, Guard guard, Visitors visitors) {
        this.settings = settings;
        this.guard = guard;
        this.visitors = visitors;
    }

    public static void main(String[] arguments) {
        SpringApplication.run(LoginBackend.class, arguments);
    }

    @Bean(destroyMethod = "close")
    static Client client(Settings settings) {
        ClientBuilder builder =
                Client.builder(settings.identityLink().getAuthority(), Tokens.file(settings.tokenFile()));
        return ("http".equals(settings.identityLink().getScheme()) ? builder.plaintext() : builder).build();
    }

    @Bean
    static WebServerFactoryCustomizer<ConfigurableServletWebServerFactory> listenAt(Settings settings)
            throws UnknownHostException {
        InetAddress address = InetAddress.getByName(settings.listen().getHost());
        return factory -> {
            factory.setAddress(address);
            factory.setPort(Math.max(0, settings.listen().getPort()));
        };
    }

    @Bean
    static ServletContextInitializer sessionCookie(Settings settings) {
        return context -> {
            context.getSessionCookieConfig().setName(settings.sessionCookie());
            context.getSessionCookieConfig().setSecure(settings.secure());
        };
    }

    @Override
    public void addInterceptors(InterceptorRegistry interceptors) {
        interceptors.addInterceptor(guard);
    }

    @Override
    public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
        resolvers.add(visitors);
    }

    @EventListener
    void serving(ApplicationReadyEvent event) {
        int port = ((WebServerApplicationContext) event.getApplicationContext()).getWebServer().getPort();
        String host = settings.listen().getHost();
        System.out.println("serving " + settings.baseUrl() + " on http://" + host + ":" + port);
    }
}
