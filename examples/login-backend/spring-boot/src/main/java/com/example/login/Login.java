package com.example.login;

import identitylink.v1.IdentityRef;
import identitylink.v1.SignInCandidate;
import identitylink.v1.SignInDecision;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the session of one browser has. Without a user it only waits for an answer of the person. It is synchronized:
 * a browser may send several requests at once.
 */
final class Login {
    private final IdentityRef identity;
    private final long since = System.nanoTime();
    private String userId;
    private boolean stale;
    private String linkSecret = "";
    private Pending pending;
    private String notice = "";

    /** Begins with what was decided, after the login that this browser had. */
    Login(SignInDecision decision, Login old) {
        userId = decision.getUser().getId();
        identity = decision.getIdentity();
        String provider = identity.getProvider();
        switch (decision.getOutcome()) {
            case OUTCOME_CANDIDATES -> {
                Map<String, List<String>> candidates = new HashMap<>();
                for (SignInCandidate each : decision.getCandidatesList()) {
                    candidates.put(each.getUserId(), List.copyOf(each.getProvidersList()));
                }
                pending = Pending.of(Pending.Kind.CANDIDATES, decision.getTicket(), provider)
                        .withCandidates(candidates);
            }
            case OUTCOME_REGISTRATION_NEEDED ->
                pending = Pending.of(Pending.Kind.REGISTRATION, decision.getTicket(), provider);
            case OUTCOME_LINKED ->
                notice = "Your account at " + provider + " was linked: both sides have verified its email.";
            default -> { }
        }
        Pending noticed = old == null ? null : old.pending();
        // The person signed in as a candidate: the settings page asks whether the two accounts are one's.
        if (noticed != null && noticed.candidates().containsKey(userId)) {
            pending = noticed;
        }
    }

    /** The account that signed in. */
    IdentityRef identity() {
        return identity;
    }

    /** The user's id; empty without a user. */
    synchronized String userId() {
        return userId;
    }

    /** Its user was absorbed: it is the holder's now, and reads only. */
    synchronized void absorbed(String holder) {
        userId = holder;
        stale = true;
    }

    Duration age() {
        return Duration.ofNanos(System.nanoTime() - since);
    }

    synchronized boolean isStale() {
        return stale;
    }

    /** Of the attempt to link that this session began. */
    synchronized String linkSecret() {
        return linkSecret;
    }

    synchronized void linkSecret(String secret) {
        linkSecret = secret;
    }

    synchronized Pending pending() {
        return pending;
    }

    synchronized void pending(Pending next) {
        pending = next;
    }

    /** What is pending, once. */
    synchronized Pending takePending() {
        Pending taken = pending;
        pending = null;
        return taken;
    }

    synchronized void notice(String next) {
        notice = next;
    }

    /** The notice, once. */
    synchronized String takeNotice() {
        String taken = notice;
        notice = "";
        return taken;
    }
}
