#!/usr/bin/env bash
# oauth2-oidc-sdk 11.30, pac4j-oidc 6.1.2, spring-security-oauth2-core 7.1.2 (Maven) and go-oidc 3.21.0: a
# provider's `"email_verified": "true"` is true, unknown or an error, and two of the libraries give two answers.
#
# OpenID Connect has a boolean there; Amazon Cognito's userinfo endpoint sends the text "true". A library either
# knows this or does not, one expects. But
#   - Nimbus' oauth2-oidc-sdk reads the answer without complaint, and getEmailVerified() is null: the same as if
#     the provider had said nothing. pac4j, which stands on that library, says true;
#   - Spring Security's getEmailVerified() says true, but the claim that it hands out by getClaims() is still the
#     text, which is not equal to Boolean.TRUE: code that copies the claims into a token or a message passes the
#     text on;
#   - go-oidc's field UserInfo.EmailVerified says true. Its method UserInfo.Claims(), which is what a program needs
#     for any claim that has no field, refuses the whole answer if the program's own struct has a bool there, as
#     the example in its documentation has.
# So a person's email counts as verified in one back end, and not in the next one that has the same provider.
#
# What callers of identity-link should do: before they send `email_verified`, take the texts "true" and "false" for
# the booleans, and everything else for false. identity-link's own sign-in flow takes nothing but the boolean for
# verified: accounts of a provider that sends text are not linked by email there, unless its ID token has the email
# with a boolean.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId>
  <artifactId>example</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.nimbusds</groupId>
      <artifactId>oauth2-oidc-sdk</artifactId>
      <version>11.30</version>
    </dependency>
    <dependency>
      <groupId>org.pac4j</groupId>
      <artifactId>pac4j-oidc</artifactId>
      <version>6.1.2</version>
    </dependency>
    <dependency>
      <groupId>org.springframework.security</groupId>
      <artifactId>spring-security-oauth2-core</artifactId>
      <version>7.1.2</version>
    </dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=java >mvn.txt 2>&1 ||
  { cat mvn.txt; exit 1; }

cat > Run.java <<'JAVA'
import com.nimbusds.openid.connect.sdk.claims.UserInfo;
import java.util.Map;
import org.pac4j.oidc.profile.OidcProfile;
import org.pac4j.oidc.profile.OidcProfileDefinition;
import org.springframework.security.oauth2.core.oidc.OidcUserInfo;

class Run {
  public static void main(String[] args) throws Exception {
    String json = "{\"sub\": \"7\", \"email\": \"mara@example.com\", \"email_verified\": %s}";
    for (Object verified : new Object[] {true, "true"}) {
      String sent = verified instanceof String ? "\"true\"" : "true";
      UserInfo answer = UserInfo.parse(json.formatted(sent));
      System.out.println(sent + ": Nimbus " + answer.getEmailVerified());

      OidcProfile profile = new OidcProfile();
      new OidcProfileDefinition().convertAndAdd(profile, Map.of("email_verified", verified), null);
      System.out.println(sent + ": pac4j " + profile.getEmailVerified());

      OidcUserInfo user = new OidcUserInfo(Map.of("sub", "7", "email_verified", verified));
      System.out.println(sent + ": Spring Security " + user.getEmailVerified());
      Object plain = user.getClaims().get("email_verified");
      System.out.println(sent + ": Spring Security, getClaims() " + Boolean.TRUE.equals(plain));
    }
  }
}
JAVA

mkdir go
cat > go/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	for _, verified := range []string{`true`, `"true"`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"sub": "7", "email_verified": %s, "email": "mara@example.com"}`, verified)
		}))
		config := oidc.ProviderConfig{IssuerURL: server.URL, UserInfoURL: server.URL}
		token := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})
		user, err := config.NewProvider(context.Background()).UserInfo(context.Background(), token)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: go-oidc, UserInfo.EmailVerified %v\n", verified, user.EmailVerified)
		var claims struct {
			Email         string `json:"email"`
			EmailVerified bool   `json:"email_verified"`
		}
		if err := user.Claims(&claims); err != nil {
			fmt.Printf("%s: go-oidc, UserInfo.Claims() refused\n", verified)
		} else {
			fmt.Printf("%s: go-oidc, UserInfo.Claims() %v\n", verified, claims.EmailVerified)
		}
	}
}
GO
(cd go && go mod init example && go get github.com/coreos/go-oidc/v3@v3.21.0 golang.org/x/oauth2@v0.37.0 &&
  go mod tidy && go build -o ../go-reader .) 2>go.txt || { cat go.txt; exit 1; }
{
  java -cp 'java/*' Run.java 2>java.txt || { cat java.txt; exit 1; }
  ./go-reader
} | tee seen.txt

cat > expected.txt <<'TXT'
true: Nimbus true
true: pac4j true
true: Spring Security true
true: Spring Security, getClaims() true
"true": Nimbus null
"true": pac4j true
"true": Spring Security true
"true": Spring Security, getClaims() false
true: go-oidc, UserInfo.EmailVerified true
true: go-oidc, UserInfo.Claims() true
"true": go-oidc, UserInfo.EmailVerified true
"true": go-oidc, UserInfo.Claims() refused
TXT
diff expected.txt seen.txt
echo "oauth2-oidc-sdk, pac4j-oidc, spring-security-oauth2-core and go-oidc still behave so"
