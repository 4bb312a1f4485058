package com.example.login;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Refuses what no browser of the backend's own pages sends, before each handler. It is no filter: the page of an
 * exception is rendered for interceptors and handlers alone.
 */
@Component
class Guard implements HandlerInterceptor {
    private static final int BODY_BYTES = 16384;

    private final Settings settings;

    Guard(Settings settings) {
        this.settings = settings;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        // A browser sends Origin with each form. A form of another site's page has another one, or "null".
        boolean isForm = HttpMethod.POST.matches(request.getMethod());
        if (isForm && !settings.baseUrl().toString().equals(request.getHeader(HttpHeaders.ORIGIN))) {
            throw new Refused(HttpStatus.FORBIDDEN, Sentences.OTHER_SITE);
        }
        // Without either header a request has no body (RFC 9112, section 6.3).
        boolean isOfAnyLength = request.getHeader(HttpHeaders.TRANSFER_ENCODING) != null;
        if (isOfAnyLength || request.getContentLengthLong() > BODY_BYTES) {
            throw new Refused(HttpStatus.CONTENT_TOO_LARGE, Sentences.TOO_LONG);
        }
        return true;
    }
}
