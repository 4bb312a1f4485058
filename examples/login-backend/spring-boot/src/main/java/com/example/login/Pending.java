package com.example.login;

import identitylink.v1.IdentityRef;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a ticket can do, if the person wants it.
 *
 * @param candidates their providers, by the user's id
 * @param otherUser the user that a link would absorb; empty without one
 * @param arriving the other accounts of that user, which would come too
 */
public record Pending(
        Kind kind,
        String ticket,
        String provider,
        Map<String, List<String>> candidates,
        String otherUser,
        Set<IdentityRef> arriving) {

    /** What the person is asked. */
    public enum Kind {
        CANDIDATES,
        REGISTRATION,
        LINK
    }

    static Pending of(Kind kind, String ticket, String provider) {
        return new Pending(kind, ticket, provider, Map.of(), "", Set.of());
    }

    Pending withCandidates(Map<String, List<String>> candidates) {
        return new Pending(kind, ticket, provider, candidates, otherUser, arriving);
    }

    Pending absorbing(String otherUser, Set<IdentityRef> arriving) {
        return new Pending(kind, ticket, provider, candidates, otherUser, arriving);
    }
}
