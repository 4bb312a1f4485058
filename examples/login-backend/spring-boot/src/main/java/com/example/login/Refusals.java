package com.example.login;

import identitylink.IdentityLinkException;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.ServletRequestBindingException;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.servlet.ModelAndView;
import org.springframework.web.servlet.NoHandlerFoundException;

/** Shows the sentence of each refusal. */
@ControllerAdvice
class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

    @ExceptionHandler
    ModelAndView own(Refused refused) {
        return page(refused.status(), refused.getMessage());
    }

    @ExceptionHandler
    ModelAndView ofIdentityLink(IdentityLinkException refused) {
        String sentence = Sentences.BY_REASON.get(refused.getReason());
        if (sentence != null) {
            return page(HttpStatus.BAD_REQUEST, sentence);
        }
        // The reason only: a message may name what the person sent.
        LOG.error("identity-link refused: {} {}", refused.getCode(), refused.getReason());
        return page(HttpStatus.SERVICE_UNAVAILABLE, Sentences.UNAVAILABLE);
    }

    @ExceptionHandler({ServletRequestBindingException.class, InvalidParameterException.class})
    ModelAndView unreadable() {
        return page(HttpStatus.BAD_REQUEST, Sentences.BEGIN_AGAIN);
    }

    @ExceptionHandler({NoHandlerFoundException.class, HttpRequestMethodNotSupportedException.class})
    ModelAndView noPage() {
        return page(HttpStatus.NOT_FOUND, Sentences.NO_PAGE);
    }

    @ExceptionHandler
    ModelAndView other(Exception failure) {
        LOG.error("a request failed: {}; is the token's file right?", failure.getClass().getName());
        return page(HttpStatus.SERVICE_UNAVAILABLE, Sentences.UNAVAILABLE);
    }

    private static ModelAndView page(HttpStatus status, String sentence) {
        ModelAndView page = new ModelAndView("page", status);
        return page.addObject("page", "refusal").addObject("sentence", sentence);
    }
}
