// A login backend on Express: sign-in, sign-out, and a settings page that links and unlinks.
//
// The routes and the story are in ../README.md. The sessions are in memory, so this is one process.

import { isIPv4 } from "node:net";
import cookieParser from "cookie-parser";
import express from "express";
import { Client, FileToken, IdentityLinkError } from "identitylink";
import { UserNotFound } from "identitylink/reasons";
import { SignInProvider_Mode as Mode } from "identitylink/v1";
import { carryOut, preview, resolve } from "./linking.js";
import {
  BEGIN_AGAIN, NO_PAGE, OTHER_SITE, Refused, SENTENCES, SIGN_IN_AGAIN, TOO_LONG, UNAVAILABLE,
} from "./sentences.js";
import {
  BASE, SECURE, attemptOf, begin, dropAttempt, dropSession, end, isRecent, keepAttempt, keyOf, sessionOf, text,
} from "./sessions.js";

const BODY_BYTES = 16384;

const identityLink = new URL(process.env.IDENTITY_LINK || "http://127.0.0.1:50051");
const client = new Client(identityLink.host, {
  token: new FileToken(process.env.TOKEN_FILE ?? ""),
  plaintext: identityLink.protocol === "http:",
});

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.set("view engine", "ejs");
app.set("views", `${import.meta.dirname}/views`);

// What the responses of all routes have, and what no browser of the backend's own pages sends.
app.use((request, response, next) => {
  response.set({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    // With "no-referrer" a browser would send "Origin: null" with this site's own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
  });
  // A browser sends Origin with each form. A form of another site's page has another one, or "null".
  if (request.method === "POST" && request.get("Origin") !== BASE) throw new Refused(OTHER_SITE, 403);
  next();
});
app.use(express.urlencoded({ extended: false, limit: BODY_BYTES }));
app.use(cookieParser());

/**
 * Sets `session` and `user`, as they are now, in the locals of the response.
 *
 * The user may have been absorbed: then the session is its holder's, but reads only. The session ends if the user was
 * deleted or blocked, or if the account that signed in has left the user.
 */
async function visitor(request, response, next) {
  const session = sessionOf(request);
  const user = session?.userId ? await userOf(session.userId) : undefined;
  const signsIn = user && !user.blocked && user.identities.some((each) => keyOf(each.identityRef) === session.identity);
  if (session?.userId && !signsIn) {
    end(request);
  } else if (session) {
    if (user && user.id !== session.userId) Object.assign(session, { userId: user.id, stale: true });
    Object.assign(response.locals, { session, user });
  }
  next();
}

async function userOf(userId) {
  try {
    return (await client.getUser({ userId })).user;
  } catch (error) {
    if (error instanceof UserNotFound) return undefined;
    throw error;
  }
}

/** Refuses a visitor without a sign-in that is recent enough to change who can sign in. */
function needRecentSignIn({ session, user }) {
  if (!user || !isRecent(session)) throw new Refused(SIGN_IN_AGAIN);
}

const forChange = [
  visitor,
  (_request, response, next) => {
    needRecentSignIn(response.locals);
    next();
  },
];

function show(response, page, values = {}) {
  response.render("page", { page, notice: "", sentence: "", offered: [], nameOf: (provider) => provider, ...values });
}

app.get("/", visitor, async (_request, response) => {
  const { session, user } = response.locals;
  const names = new Map();
  // A link by a service's token needs a sign-in too, so a provider that is link-only has no button.
  let offered = [];
  for await (const each of client.listProvidersAll({})) {
    names.set(each.provider, each.displayName);
    if (each.mode === Mode.SIGN_IN) offered.push(each);
  }
  const page = user ? "settings" : (session?.pending?.kind ?? "login");
  if (page === "candidates") {
    // The candidates' providers only: an account of another one is not the one that was noticed.
    const theirs = new Set([...session.pending.candidates.values()].flat());
    offered = offered.filter((each) => theirs.has(each.provider));
  }
  const notice = session?.notice ?? "";
  if (session) session.notice = "";
  const nameOf = (provider) => names.get(provider) ?? provider;
  show(response, page, { user, pending: session?.pending, notice, offered, nameOf });
});

/** Sends the browser to the provider of a form, and returns the attempt's secret. */
async function toProvider(request, response, purpose) {
  const provider = text(request.body?.provider);
  if (!provider) throw new Refused(BEGIN_AGAIN);
  const { attemptSecret, authorizationUrl } = await client.startSignIn({
    provider,
    redirectUri: `${BASE}/callback/${encodeURIComponent(provider)}`,
    intent: { case: "signIn", value: {} },
  });
  keepAttempt(response, purpose, attemptSecret);
  response.redirect(303, authorizationUrl);
  return attemptSecret;
}

app.post("/sign-in", async (request, response) => {
  await toProvider(request, response, "sign-in");
});

app.get("/callback/:provider", visitor, async (request, response) => {
  const { purpose, secret } = attemptOf(request);
  const linking = purpose === "link";
  if (linking) needRecentSignIn(response.locals);
  const { session, user } = response.locals;
  // A link ends in the session that began it.
  if (!secret || (linking && session.linkSecret !== secret)) throw new Refused(BEGIN_AGAIN);
  const { result, ticket } = await client.completeSignIn({
    attemptSecret: secret,
    state: text(request.query.state),
    code: text(request.query.code),
    iss: text(request.query.iss),
    error: text(request.query.error),
    // From the request that arrived: it shows which provider sent the browser.
    redirectUri: BASE + request.path,
    validateOnly: linking,
  });
  const decision = result.value;
  dropAttempt(response);
  if (linking) {
    session.linkSecret = "";
    await preview(client, session, user, { decision, ticket });
  } else {
    begin(request, response, session, decision);
  }
  response.redirect(303, "/");
});

app.post("/new-user", visitor, async (request, response) => {
  const { session, user } = response.locals;
  if (!session?.pending || user) throw new Refused(BEGIN_AGAIN);
  begin(request, response, undefined, await resolve(client, session.pending.ticket));
  response.redirect(303, "/");
});

app.post("/link", forChange, async (request, response) => {
  response.locals.session.linkSecret = await toProvider(request, response, "link");
});

app.post("/link-pending", forChange, async (_request, response) => {
  const { session, user } = response.locals;
  await carryOut(client, session, user);
  response.redirect(303, "/");
});

app.post("/forget", visitor, (_request, response) => {
  const { session, user } = response.locals;
  if (user) session.pending = undefined;
  response.redirect(303, "/");
});

app.post("/unlink", forChange, async (request, response) => {
  const { session, user } = response.locals;
  const [provider, subject] = [text(request.body?.provider), text(request.body?.subject)];
  await client.unlink({ userId: user.id, identity: { provider, subject } });
  session.notice = `Your account at ${provider} is unlinked.`;
  response.redirect(303, "/");
});

app.post("/sign-out", (request, response) => {
  end(request);
  dropSession(response);
  response.redirect(303, "/");
});

app.use(() => {
  throw new Refused(NO_PAGE, 404);
});

/** The status and the sentence for an error of any handler. */
function refusalOf(error) {
  if (error instanceof Refused) return [error.status, error.message];
  if (error instanceof IdentityLinkError) {
    const sentence = SENTENCES.get(error.reason);
    if (sentence) return [400, sentence];
    // The reason only: a message may name what the person sent.
    console.error(`identity-link refused: ${error.codeName} ${error.reason}`);
    return [503, UNAVAILABLE];
  }
  // The parsers' own: a form, a cookie or a path that cannot be read.
  if (error.status === 413) return [413, TOO_LONG];
  if (error.status >= 400 && error.status < 500) return [400, BEGIN_AGAIN];
  console.error(`a request failed: ${error.name}; is the token's file right?`);
  return [503, UNAVAILABLE];
}

// Express knows a handler of errors by its four parameters.
app.use((error, _request, response, _next) => {
  const [status, sentence] = refusalOf(error);
  show(response.status(status), "refusal", { sentence });
});

const { hostname } = new URL(BASE);
if (!SECURE && hostname !== "[::1]" && !(isIPv4(hostname) && hostname.startsWith("127."))) {
  throw new Error("BASE_URL: without https, cookies are safe on a loopback address only");
}
const listen = new URL(process.env.LISTEN || BASE);
const server = app.listen(Number(listen.port), listen.hostname.replace(/^\[|\]$/g, ""), (error) => {
  if (error) throw error;
  const { address, family, port } = server.address();
  console.log(`serving ${BASE} on http://${family === "IPv6" ? `[${address}]` : address}:${port}`);
});
