// The settings page of an app, as in Auth0's tutorials for jQuery and for Node.js: the signed-in person links another
// account with its ID token, and unlinks it, by requests of the page's own. Each function returns the outcome.
const kept = (name) => localStorage.getItem(name);
const ofUser = (path) => `https://${kept("domain")}/api/v2/users/${kept("user_id")}${path}`;
const json = { Accept: "application/json", "Content-Type": "application/json" };

$.ajaxSetup({
  beforeSend: (request) => request.setRequestHeader("Authorization", `Bearer ${kept("id_token")}`),
});

// The outcome of a call. Without a response that this page may read, the status is 0.
const told = (request, call) =>
  request.then(
    () => $("#linked-accounts li").get().map((item) => item.firstChild.data),
    (refused) => {
      if (refused.responseJSON?.errorCode === "reauthentication_required") askToSignInAgain(call);
      return [refused.status, refused.responseJSON?.message ?? refused.statusText];
    },
  );

const showIdentities = (profile) => {
  const isMain = ({ provider, user_id }) => profile.user_id === `${provider}|${user_id}`;
  const items = profile.identities.filter((identity) => !isMain(identity)).map((identity) => {
    const unlink = $("<button>").text("Unlink").data("identity", identity);
    return $("<li>").text(`${identity.connection}: ${identity.profileData.name}`).append(unlink);
  });
  $("#linked-accounts").empty().append(items);
};

// The user's own id, which another account's token may have led to, is that of all further calls.
const fetchProfile = () =>
  $.ajax({ url: ofUser("") }).then((profile) => {
    localStorage.setItem("user_id", profile.user_id);
    showIdentities(profile);
  });

const signIn = (domain, user_id, id_token, tenant) => {
  for (const [name, value] of Object.entries({ domain, user_id, id_token, tenant })) localStorage.setItem(name, value);
  return told(fetchProfile());
};

// A call can be put aside, and made again by the page that comes after a login.
const make = (call) => told($.ajax({ ...call, url: ofUser(call.path) }).then(fetchProfile), call);

const linkAccount = (link_with) =>
  make({ path: "/identities", method: "POST", headers: json, data: JSON.stringify({ link_with }) });

const linkAccountByForm = (link_with) => make({ path: "/identities", method: "POST", data: { link_with } });

const unlinkAccount = ({ provider, user_id }) =>
  make({ path: `/identities/${provider}/${user_id}`, method: "DELETE", headers: json });

const unlinkFirst = () => unlinkAccount($("#linked-accounts button").first().data("identity"));

// The page asks a person whose login is too old to sign in again, also where the tenant still has a session; the browser
// comes back here.
const claimsOf = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));

const askToSignInAgain = (call) => {
  const button = $("<button id='sign-in-again'>").text("Sign in again").on("click", () => signInAgain(call));
  $("#notice").text("You signed in a while ago. To change your accounts, please sign in again. ").append(button);
};

const signInAgain = (call) => {
  const [state, nonce] = [crypto.randomUUID(), crypto.randomUUID()];
  sessionStorage.setItem("asked", JSON.stringify({ state, nonce, call }));
  const query = new URLSearchParams({
    client_id: claimsOf(kept("id_token")).aud, response_type: "id_token", scope: "openid",
    redirect_uri: `${location.origin}/`, prompt: "login", max_age: 0, state, nonce,
  });
  location.assign(`${kept("tenant")}/authorize?${query}`);
};

// The outcome of the call that was put aside; null if the page does not load after a login that it asked for.
const comeBack = async () => {
  const answer = new URLSearchParams(location.hash.slice(1));
  const asked = JSON.parse(sessionStorage.getItem("asked"));
  sessionStorage.removeItem("asked");
  // Out of the address, which is kept and shown.
  history.replaceState(null, "", location.pathname);
  if (!asked || answer.get("state") !== asked.state) return null;
  const id_token = answer.get("id_token");
  const { nonce, sub } = claimsOf(id_token);
  if (nonce !== asked.nonce || sub !== claimsOf(kept("id_token")).sub) {
    $("#notice").text("That was another account: nothing was changed.");
    return null;
  }
  localStorage.setItem("id_token", id_token);
  return make(asked.call);
};
const resumed = comeBack();
