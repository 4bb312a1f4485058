// The sessions, in memory: what each browser has, and its cookies.

import { randomBytes } from "node:crypto";
import { SignInDecision_Outcome as Outcome } from "identitylink/v1";

export const BASE = process.env.BASE_URL || "http://127.0.0.1:8080";
// After so many seconds, a session reads only: linking and unlinking need a new sign-in.
const MAX_AGE = Number(process.env.SIGN_IN_MAX_AGE || "600");
const SESSION_SECONDS = 3600;
const ATTEMPT_SECONDS = 600;

export const SECURE = BASE.startsWith("https://");
// With the prefix, a browser takes the cookie from this host only, not from a sister domain.
const PREFIX = SECURE ? "__Host-" : "";
const SESSION = `${PREFIX}session`;
const ATTEMPT = `${PREFIX}attempt`;
const COOKIE = { path: "/", httpOnly: true, sameSite: "lax", secure: SECURE };

/**
 * What one browser has. Without a user it only waits for an answer of the person.
 *
 * - `userId`, and `identity`, the key of the account that signed in
 * - `since`, in seconds of `now`, and `stale`: its user was absorbed, so it reads only
 * - `linkSecret` of the attempt to link that this session began
 * - `pending`, what a ticket can do if the person wants it: its `kind` (candidates, registration or link), `ticket`
 *   and `provider`; of candidates, their providers by the user's id; of a link, the user that it would absorb, and
 *   the keys of that user's other accounts, which would come too
 * - `notice`, which the next page shows
 */
const sessions = new Map();

/** Seconds of a clock that is never set back. */
const now = () => performance.now() / 1000;

/** The text of a cookie, of a field or of a parameter. One that is sent twice has none. */
export const text = (value) => (typeof value === "string" ? value : "");

/** An account as a key of sets. */
export const keyOf = (identity) => JSON.stringify([identity?.provider, identity?.subject]);

/** The session of this browser; `undefined` if it has none. */
export function sessionOf(request) {
  const session = sessions.get(text(request.cookies[SESSION]));
  return session && now() - session.since <= SESSION_SECONDS ? session : undefined;
}

/** Whether the sign-in is recent enough to change who can sign in. */
export const isRecent = (session) => !session.stale && now() - session.since <= MAX_AGE;

/** Begins a session with what was decided, under a new id, in place of the old one. */
export function begin(request, response, old, decision) {
  end(request);
  const { outcome, ticket } = decision;
  const { provider } = decision.identity;
  const session = {
    userId: decision.user?.id ?? "",
    identity: keyOf(decision.identity),
    since: now(),
    stale: false,
    linkSecret: "",
    pending: undefined,
    notice: "",
  };
  if (outcome === Outcome.CANDIDATES) {
    const candidates = new Map(decision.candidates.map((each) => [each.userId, each.providers]));
    session.pending = { kind: "candidates", ticket, provider, candidates };
  } else if (outcome === Outcome.REGISTRATION_NEEDED) {
    session.pending = { kind: "registration", ticket, provider };
  } else if (outcome === Outcome.LINKED) {
    session.notice = `Your account at ${provider} was linked: both sides have verified its email.`;
  }
  // The person signed in as a candidate: the settings page asks whether the two accounts are one's.
  if (old?.pending?.candidates?.has(session.userId)) {
    session.pending = old.pending;
  }
  for (const [key, each] of sessions) {
    if (now() - each.since > SESSION_SECONDS) sessions.delete(key);
  }
  const key = randomBytes(32).toString("base64url");
  sessions.set(key, session);
  response.cookie(SESSION, key, { ...COOKIE, maxAge: SESSION_SECONDS * 1000 });
}

/** Ends the session of this browser. */
export function end(request) {
  sessions.delete(text(request.cookies[SESSION]));
}

/** Has the browser drop the cookie of its session. */
export const dropSession = (response) => response.clearCookie(SESSION, COOKIE);

/** Puts the purpose and the secret of an attempt into a cookie. */
export function keepAttempt(response, purpose, secret) {
  response.cookie(ATTEMPT, `${purpose}.${secret}`, { ...COOKIE, maxAge: ATTEMPT_SECONDS * 1000 });
}

/** The purpose and the secret of the attempt of this browser. */
export function attemptOf(request) {
  const [purpose = "", secret = ""] = text(request.cookies[ATTEMPT]).split(".");
  return { purpose, secret };
}

/** Has the browser drop the cookie of its attempt. */
export const dropAttempt = (response) => response.clearCookie(ATTEMPT, COOKIE);
