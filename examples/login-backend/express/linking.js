// How the account of a ticket is linked to the user of a session.
//
// A ticket proves that its account has signed in, in this browser. Each function links to the user that the session
// has, and to no other.

import { SignInDecision_Outcome as Outcome } from "identitylink/v1";
import { BEGIN_AGAIN, CHANGED, Refused } from "./sentences.js";
import { keyOf } from "./sessions.js";

/** The keys of the accounts of a user, without the one that has just signed in. */
function others(user, decision) {
  const keys = user.identities.map((each) => keyOf(each.identityRef));
  return new Set(keys.filter((key) => key !== keyOf(decision.identity)));
}

const areEqual = (one, other) => one.size === other.size && [...one].every((key) => other.has(key));

/** Links the account that has just signed in, or asks first if its user would be absorbed. */
export async function preview(client, session, user, { decision, ticket }) {
  const pending = { kind: "link", ticket, provider: decision.identity.provider };
  const hasUser = [Outcome.SIGNED_IN, Outcome.LINKED].includes(decision.outcome);
  if (!hasUser || decision.user.id === user.id) {
    session.pending = pending;
    await carryOut(client, session, user);
    return;
  }
  // It is refused here, before the person is asked, if the two users cannot become one.
  const secondary = { case: "secondaryUserId", value: decision.user.id };
  await client.link({ userId: user.id, secondary, validateOnly: true });
  session.pending = { ...pending, otherUser: decision.user.id, arriving: others(decision.user, decision) };
}

/** Links the account of the session's ticket, which is used up with any result. */
export async function carryOut(client, session, user) {
  const { pending } = session;
  session.pending = undefined;
  if (!pending) throw new Refused(BEGIN_AGAIN);
  if (pending.kind === "candidates") {
    await linkTicket(client, user, pending.ticket);
  } else {
    await linkPreviewed(client, user, pending);
  }
  session.notice = `Your account at ${pending.provider} is linked.`;
}

async function linkPreviewed(client, user, pending) {
  let decision = await resolve(client, pending.ticket);
  if (decision.candidates.some((each) => each.userId === user.id)) {
    await linkTicket(client, user, decision.ticket);
    return;
  }
  if (decision.ticket) {
    // Its email suggests other users, or the tenant asks first: the person has decided.
    decision = await resolve(client, decision.ticket);
  }
  const other = decision.user;
  if (!other) throw new Refused(BEGIN_AGAIN);
  if (other.id === user.id) return;
  if (decision.outcome !== Outcome.CREATED) {
    // The person agreed to this user with these accounts, and to no other.
    const isAgreed = other.id === pending.otherUser && areEqual(others(other, decision), pending.arriving);
    if (!isAgreed) throw new Refused(CHANGED);
  }
  const secondary = { case: "identity", value: decision.identity };
  await client.link({ userId: user.id, secondary, expectedSecondaryVersion: other.version });
}

async function linkTicket(client, user, ticket) {
  await client.link({ userId: user.id, secondary: { case: "linkTicket", value: ticket } });
}

/** What the ticket of a sign-in leads to. */
export async function resolve(client, ticket) {
  const { decision } = await client.resolveSignIn({ proof: { case: "signInTicket", value: ticket } });
  return decision;
}
