package com.example.login;

import identitylink.v1.User;

/**
 * The browser of a request: its session, and the session's user as it is now.
 *
 * @param login null without a session
 * @param user null without a user
 */
record Visitor(Login login, User user) {
    static final Visitor UNKNOWN = new Visitor(null, null);

    boolean waits() {
        return login != null && user == null && login.pending() != null;
    }
}
