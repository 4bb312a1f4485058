package com.example.login;

import identitylink.Client;
import identitylink.v1.CompleteSignInResponse;
import identitylink.v1.Identity;
import identitylink.v1.IdentityRef;
import identitylink.v1.LinkRequest;
import identitylink.v1.ResolveSignInRequest;
import identitylink.v1.SignInDecision;
import identitylink.v1.User;
import java.util.Set;
import java.util.stream.Collectors;
import org.springframework.stereotype.Service;

/**
 * How the account of a ticket is linked to the user of a session.
 *
 * <p>A ticket proves that its account has signed in, in this browser. Each method links to the user that the session
 * has, and to no other.
 */
@Service
class Linking {
    private final Client client;

    Linking(Client client) {
        this.client = client;
    }

    /** Returns the accounts of a user, without the one that has just signed in. */
    private static Set<IdentityRef> others(SignInDecision decision) {
        return decision.getUser().getIdentitiesList().stream()
                .map(Identity::getIdentityRef)
                .filter(account -> !account.equals(decision.getIdentity()))
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Links the account that has just signed in, or asks first if its user would be absorbed. */
    void preview(RecentSignIn signedIn, CompleteSignInResponse completed) {
        SignInDecision decision = completed.getDecision();
        String provider = decision.getIdentity().getProvider();
        Pending pending = Pending.of(Pending.Kind.LINK, completed.getTicket(), provider);
        boolean hasUser = decision.getOutcome() == SignInDecision.Outcome.OUTCOME_SIGNED_IN
                || decision.getOutcome() == SignInDecision.Outcome.OUTCOME_LINKED;
        String other = decision.getUser().getId();
        if (!hasUser || other.equals(signedIn.user().getId())) {
            signedIn.login().pending(pending);
            carryOut(signedIn);
            return;
        }
        // It is refused here, before the person is asked, if the two users cannot become one.
        client.link(LinkRequest.newBuilder()
                .setUserId(signedIn.user().getId())
                .setSecondaryUserId(other)
                .setValidateOnly(true)
                .build());
        signedIn.login().pending(pending.absorbing(other, others(decision)));
    }

    /** Links the account of the session's ticket, which is used up with any result. */
    void carryOut(RecentSignIn signedIn) {
        Pending pending = signedIn.login().takePending();
        if (pending == null) {
            throw new Refused(Sentences.BEGIN_AGAIN);
        }
        if (pending.kind() == Pending.Kind.CANDIDATES) {
            linkTicket(signedIn.user(), pending.ticket());
        } else {
            linkPreviewed(signedIn.user(), pending);
        }
        signedIn.login().notice("Your account at " + pending.provider() + " is linked.");
    }

    private void linkPreviewed(User user, Pending pending) {
        SignInDecision decision = resolve(pending.ticket());
        if (decision.getCandidatesList().stream().anyMatch(each -> each.getUserId().equals(user.getId()))) {
            linkTicket(user, decision.getTicket());
            return;
        }
        if (!decision.getTicket().isEmpty()) {
            // Its email suggests other users, or the tenant asks first: the person has decided.
            decision = resolve(decision.getTicket());
        }
        if (!decision.hasUser()) {
            throw new Refused(Sentences.BEGIN_AGAIN);
        }
        User other = decision.getUser();
        if (other.getId().equals(user.getId())) {
            return;
        }
        if (decision.getOutcome() != SignInDecision.Outcome.OUTCOME_CREATED) {
            // The person agreed to this user with these accounts, and to no other.
            if (!other.getId().equals(pending.otherUser()) || !others(decision).equals(pending.arriving())) {
                throw new Refused(Sentences.CHANGED);
            }
        }
        client.link(LinkRequest.newBuilder()
                .setUserId(user.getId())
                .setIdentity(decision.getIdentity())
                .setExpectedSecondaryVersion(other.getVersion())
                .build());
    }

    private void linkTicket(User user, String ticket) {
        client.link(LinkRequest.newBuilder().setUserId(user.getId()).setLinkTicket(ticket).build());
    }

    /** Returns what the ticket of a sign-in leads to. */
    SignInDecision resolve(String ticket) {
        return client.resolveSignIn(ResolveSignInRequest.newBuilder().setSignInTicket(ticket).build())
                .getDecision();
    }
}
