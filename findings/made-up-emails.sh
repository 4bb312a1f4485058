#!/usr/bin/env bash
# @better-auth/core 1.6.34 and 1.7.25, supertokens-node 24.0.3 (npm) and goth 1.82.0 (Go): where a provider sends
# no email, these libraries fill the field all the same, and one of them says that the address is verified.
#
# X, TikTok, Roblox, WeChat and others send no email, or only if the person allows it. A field `email` that is not
# empty is then taken for an address of the person. It is
#   - the user name, which the user can change and another user can take later (better-auth up to 1.6), though the
#     same version makes an address at wechat.invalid for WeChat;
#   - an address at placeholder.invalid (better-auth from 1.7 on; another one than before for WeChat, too);
#   - an address at wechat.com, where this person need not have a mailbox (goth);
#   - an address at stfakeemail.supertokens.com, if the provider's `requireEmail` is false (supertokens-node). It
#     goes to the core of SuperTokens with `isVerified: true`, and is a verified email from then on.
# goth has no field that tells these from a person's own address. better-auth has none either: `emailVerified:
# false` stands beside real addresses as well.
#
# What callers of identity-link should do: send as the email only what the provider itself sent, and nothing if it
# sent none: an account needs no email here. An import from these libraries drops values without an @ and addresses
# at these four domains before it looks at any mark of "verified".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts supertokens-node@24.0.3
for version in 1.6.34 1.7.25; do
  mkdir "better-auth-$version"
  (cd "better-auth-$version" && npm init --yes >/dev/null &&
    npm install --silent --no-audit --no-fund --ignore-scripts "@better-auth/core@$version")
done
mkdir go
cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/markbates/goth/providers/wechat"
)

type answer string

func (body answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(body)))}, nil
}

func main() {
	provider := wechat.New("c", "s", "https://app.example/", wechat.WECHAT_LANG_CN)
	http.DefaultTransport = answer(`{"openid": "oA1b2C3", "nickname": "Mara Quill"}`)
	user, err := provider.FetchUser(&wechat.Session{AccessToken: "t", Openid: "oA1b2C3"})
	if err != nil {
		panic(err)
	}
	fmt.Printf("goth, WeChat: %s\n", user.Email)
}
GO
(cd go && go mod init example && go get github.com/markbates/goth@v1.82.0 && go mod tidy &&
  go build -o ../goth .) 2>go.txt || { cat go.txt; exit 1; }

cat > better-auth.mjs <<'JS'
import { roblox, tiktok, twitter, wechat } from '@better-auth/core/social-providers';
// What the providers say of one account each: none of them sends an email.
const answers = {
  'api.x.com/2/users/me': { data: { id: '7654321', name: 'Mara Quill', username: 'MaraQ' } },
  'open.tiktokapis.com/v2/user/info/': { data: { user: { open_id: '-000Ab', username: 'mara.q' } } },
  'apis.roblox.com/oauth/v1/userinfo': { sub: '12345', preferred_username: 'mara_q', nickname: 'Mara' },
  'api.weixin.qq.com/sns/userinfo': { openid: 'oA1b2C3', nickname: 'Mara Quill' },
};
globalThis.fetch = async url => {
  const { host, pathname } = new URL(url.url ?? url);
  return Response.json(answers[host + pathname]);
};
for (const [name, provider] of Object.entries({ X: twitter, TikTok: tiktok, Roblox: roblox, WeChat: wechat })) {
  const found = await provider({ clientId: 'c', clientKey: 'c', clientSecret: 's' })
    .getUserInfo({ accessToken: 't', openid: 'oA1b2C3' });
  const { email, emailVerified } = found.user;
  console.log(`better-auth ${process.argv[2]}, ${name}: ${email}, verified ${emailVerified}`);
}
JS

cat > supertokens.js <<'JS'
const http = require('http');
const { PreParsedRequest, CollectingResponse, middleware } = require('supertokens-node/framework/custom');
const supertokens = require('supertokens-node');
const Session = require('supertokens-node/recipe/session');
const ThirdParty = require('supertokens-node/recipe/thirdparty');

// Stands for the core of SuperTokens and for the provider.
const answers = {
  '/apiversion': { versions: ['5.4'] },
  '/user': { id: '7654321', name: 'Mara Quill' },
  '/public/recipe/multitenancy/tenant/v2': { status: 'OK', tenantId: 'public', thirdParty: { providers: [] } },
  '/public/users/by-accountinfo': { status: 'OK', users: [] },
};
const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://core');
  let body = '';
  request.on('data', data => { body += data; }).on('end', () => {
    if (pathname === '/public/recipe/signinup') {
      const { email } = JSON.parse(body);
      console.log(`supertokens-node: ${email.id}, verified ${email.isVerified}`);
      process.exit();
    }
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(answers[pathname]));
  });
});
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  supertokens.init({
    framework: 'custom',
    supertokens: { connectionURI: url },
    appInfo: { appName: 'app', apiDomain: 'https://app.example', websiteDomain: 'https://app.example' },
    recipeList: [Session.init(), ThirdParty.init({ signInAndUpFeature: { providers: [{ config: {
      thirdPartyId: 'login', clients: [{ clientId: 'c', clientSecret: 's' }], requireEmail: false,
      userInfoEndpoint: `${url}/user`, userInfoMap: { fromUserInfoAPI: { userId: 'id' } },
    } }] } })],
  });
  const request = new PreParsedRequest({
    method: 'post', url: '/auth/signinup', query: {}, cookies: {}, headers: new Headers(),
    getFormBody: async () => ({}),
    getJSONBody: async () => ({ thirdPartyId: 'login', oAuthTokens: { access_token: 't' } }),
  });
  await middleware()(request, new CollectingResponse());
});
JS
{
  for version in 1.6.34 1.7.25; do
    (cd "better-auth-$version" && cp ../better-auth.mjs . && node better-auth.mjs "$version")
  done
  ./goth
  node supertokens.js
} | tee seen.txt

cat > expected.txt <<'TXT'
better-auth 1.6.34, X: MaraQ, verified false
better-auth 1.6.34, TikTok: mara.q, verified false
better-auth 1.6.34, Roblox: mara_q, verified false
better-auth 1.6.34, WeChat: oA1b2C3@wechat.invalid, verified false
better-auth 1.7.25, X: 7654321@twitter.placeholder.invalid, verified false
better-auth 1.7.25, TikTok: -000Ab@tiktok.placeholder.invalid, verified false
better-auth 1.7.25, Roblox: 12345@roblox.placeholder.invalid, verified false
better-auth 1.7.25, WeChat: oA1b2C3@wechat.placeholder.invalid, verified false
goth, WeChat: oA1b2C3@wechat.com
supertokens-node: 7654321.login@stfakeemail.supertokens.com, verified true
TXT
diff expected.txt seen.txt
echo "@better-auth/core, supertokens-node and goth still behave so"
