// The settings page of an app, as Auth0's tutorials for jQuery and for Node.js have it: whoever is signed in links
// another account with its ID token, and unlinks it, by requests of the page's own. Each answers what came of it.
const kept = (name) => localStorage.getItem(name);
const ofUser = (path) => `https://${kept("domain")}/api/v2/users/${kept("user_id")}${path}`;
const json = { Accept: "application/json", "Content-Type": "application/json" };

$.ajaxSetup({
  beforeSend: (request) => request.setRequestHeader("Authorization", `Bearer ${kept("id_token")}`),
});

// Whatever is no answer to this page has the status 0.
const told = (request) =>
  request.then(
    () => $("#linked-accounts li").get().map((item) => item.firstChild.data),
    (refused) => [refused.status, refused.responseJSON?.message ?? refused.statusText],
  );

const showIdentities = (profile) => {
  const isMain = ({ provider, user_id }) => profile.user_id === `${provider}|${user_id}`;
  const items = profile.identities.filter((identity) => !isMain(identity)).map((identity) => {
    const unlink = $("<button>").text("Unlink").data("identity", identity);
    return $("<li>").text(`${identity.connection}: ${identity.profileData.name}`).append(unlink);
  });
  $("#linked-accounts").empty().append(items);
};

const fetchProfile = () => $.ajax({ url: ofUser("") }).then(showIdentities);

const signIn = (domain, user_id, id_token) => {
  for (const [name, value] of Object.entries({ domain, user_id, id_token })) localStorage.setItem(name, value);
  return told(fetchProfile());
};

const linkAccount = (link_with) =>
  told($.ajax({ url: ofUser("/identities"), method: "POST", headers: json, data: JSON.stringify({ link_with }) })
    .then(fetchProfile));

const linkAccountByForm = (link_with) =>
  told($.ajax({ url: ofUser("/identities"), method: "POST", data: { link_with } }).then(fetchProfile));

const unlinkAccount = ({ provider, user_id }) =>
  told($.ajax({ url: ofUser(`/identities/${provider}/${user_id}`), method: "DELETE", headers: json })
    .then(fetchProfile));

const unlinkFirst = () => unlinkAccount($("#linked-accounts button").first().data("identity"));
