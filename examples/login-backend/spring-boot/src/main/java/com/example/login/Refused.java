package com.example.login;

import org.springframework.http.HttpStatus;

/** A request that is refused with one sentence for the person. */
final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final HttpStatus status;

    Refused(String sentence) {
        this(HttpStatus.BAD_REQUEST, sentence);
    }

    Refused(HttpStatus status, String sentence) {
        super(sentence);
        this.status = status;
    }

    HttpStatus status() {
        return status;
    }
}
