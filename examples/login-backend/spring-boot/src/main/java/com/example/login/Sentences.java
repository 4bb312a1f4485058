package com.example.login;

import static java.util.Map.entry;

import java.util.Map;

/** What a person reads instead of a refusal's reason. */
final class Sentences {
    static final String BEGIN_AGAIN = "This sign-in has ended, or began in another browser. Begin again.";
    static final String SIGN_IN_AGAIN = "Sign in again first: this needs a sign-in of the last minutes.";
    static final String CHANGED = "Your accounts have changed meanwhile. Look at them, and begin again.";
    static final String UNAVAILABLE = "Signing in does not work at the moment. Try again later.";
    static final String OTHER_SITE = "That form was not sent from a page of this site.";
    static final String TOO_LONG = "That form is too long.";
    static final String NO_PAGE = "There is no such page.";
    private static final String NOT_HERE = "There is no sign-in with that provider. Choose another one.";

    static final Map<String, String> BY_REASON = Map.ofEntries(
            entry("CONFLICT_RETRY", CHANGED),
            entry("EMAIL_MISSING", "That account has no email. Choose one that has."),
            entry("EMAIL_UNVERIFIED", "The email of that account is not verified. Verify it there, and begin again."),
            entry("IDENTITY_NOT_FOUND", CHANGED),
            entry("IDENTITY_TAKEN", CHANGED),
            entry("LAST_IDENTITY", "This is the only account with which you can sign in. Link another one first."),
            entry("LINK_TICKET_INVALID", BEGIN_AGAIN),
            entry("PRIMARY_IDENTITY", "This is the account with which you began, so it stays. Unlink another one."),
            entry("PROVIDER_DISABLED", NOT_HERE),
            entry("PROVIDER_REJECTED", "The provider did not sign you in. Begin again, or choose another one."),
            entry("PROVIDER_UNAVAILABLE", "The provider does not answer. Try again later, or choose another one."),
            entry("PROVIDER_UNKNOWN", NOT_HERE),
            entry("REGISTRATION_CLOSED", "There are no new users here. Sign in with an account that you used before."),
            entry("REQUEST_INVALID", BEGIN_AGAIN),
            entry("SIGN_IN_INVALID", BEGIN_AGAIN),
            entry("TOO_MANY_IDENTITIES", "You have too many accounts to link one more. Unlink one first."),
            entry("USER_ABSORBED", CHANGED),
            entry("USER_BLOCKED", "This user is blocked. Write to the support."),
            entry("VERSION_MISMATCH", CHANGED));

    private Sentences() {}
}
