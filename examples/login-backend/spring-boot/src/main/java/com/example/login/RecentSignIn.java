package com.example.login;

import identitylink.v1.User;

/** A session and its user, whose sign-in is recent enough to change who can sign in. */
record RecentSignIn(Login login, User user) {
    static RecentSignIn of(Visitor visitor, Settings settings) {
        Login login = visitor.login();
        if (visitor.user() == null || login.isStale() || login.age().compareTo(settings.signInMaxAge()) > 0) {
            throw new Refused(Sentences.SIGN_IN_AGAIN);
        }
        return new RecentSignIn(login, visitor.user());
    }
}
