package com.example.login;

import identitylink.Client;
import identitylink.Reasons;
import identitylink.v1.GetUserRequest;
import identitylink.v1.SignInDecision;
import identitylink.v1.User;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;
import org.springframework.core.MethodParameter;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;

/** The sessions, as arguments of handlers: Visitor for what reads, RecentSignIn for what changes who can sign in. */
@Component
class Visitors implements HandlerMethodArgumentResolver {
    private static final String LOGIN = "login";

    private final Client client;
    private final Settings settings;

    Visitors(Client client, Settings settings) {
        this.client = client;
        this.settings = settings;
    }

    @Override
    public boolean supportsParameter(MethodParameter parameter) {
        return parameter.getParameterType() == Visitor.class || parameter.getParameterType() == RecentSignIn.class;
    }

    @Override
    public Object resolveArgument(
            MethodParameter parameter,
            ModelAndViewContainer container,
            NativeWebRequest request,
            WebDataBinderFactory binders) {
        Visitor visitor = current(request.getNativeRequest(HttpServletRequest.class));
        return parameter.getParameterType() == Visitor.class ? visitor : RecentSignIn.of(visitor, settings);
    }

    /**
     * Returns who visits. The user of a session may have been absorbed: then the session is its holder's, but reads
     * only. The session ends if the user was deleted or blocked, or if the account that signed in has left the user.
     */
    private Visitor current(HttpServletRequest request) {
        HttpSession session = request.getSession(false);
        Login login = session == null ? null : (Login) session.getAttribute(LOGIN);
        if (login == null || login.age().compareTo(Settings.SESSION_LIFE) > 0) {
            return Visitor.UNKNOWN;
        }
        if (login.userId().isEmpty()) {
            return new Visitor(login, null);
        }
        User user = userOf(login.userId());
        boolean signsIn = !user.getBlocked()
                && user.getIdentitiesList().stream()
                        .anyMatch(each -> each.getIdentityRef().equals(login.identity()));
        if (!signsIn) {
            end(request);
            return Visitor.UNKNOWN;
        }
        if (!user.getId().equals(login.userId())) {
            login.absorbed(user.getId());
        }
        return new Visitor(login, user);
    }

    /** Returns the user; one without accounts if there is none. */
    private User userOf(String id) {
        try {
            return client.getUser(GetUserRequest.newBuilder().setUserId(id).build()).getUser();
        } catch (Reasons.UserNotFound deleted) {
            return User.getDefaultInstance();
        }
    }

    /** Begins a session with what was decided, under a new id, in place of the old one. */
    static void begin(HttpServletRequest request, Login old, SignInDecision decision) {
        end(request);
        request.getSession().setAttribute(LOGIN, new Login(decision, old));
    }

    /** Ends the session of this browser. */
    static void end(HttpServletRequest request) {
        HttpSession session = request.getSession(false);
        if (session != null) {
            session.invalidate();
        }
    }
}
