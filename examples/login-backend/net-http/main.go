// A login backend on net/http: sign-in, sign-out, and a settings page that links and unlinks.
//
// The routes and the story are in ../README.md. The sessions are in memory, so this is one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	identitylink "example.com/identity-link/clients/go"
	pb "example.com/identity-link/clients/go/identitylinkv1"
)

var (
	base   = setting("BASE_URL", "http://127.0.0.1:8080")
	secure = strings.HasPrefix(base, "https://")
	// After this time a session reads only: linking and unlinking need a new sign-in.
	maxAge, _                    = time.ParseDuration(setting("SIGN_IN_MAX_AGE", "600") + "s")
	sessionCookie, attemptCookie = cookieName("session"), cookieName("attempt")
)

// cookieName has a prefix with which a browser takes the cookie from this host only, not from a sister
// domain.
func cookieName(name string) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func setting(name, unset string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return unset
}

type backend struct {
	client   *identitylink.Client
	sessions sessionStore
}

// A visitor is the browser of a request: its session, if it has one, and the session's user as it is now.
type visitor struct {
	key     string
	session session
	has     bool
	user    *pb.User
}

// current returns who visits. The user of a session may have been absorbed: then the session is its
// holder's, but reads only. The session ends if the user was deleted or blocked, or if the account that
// signed in has left the user.
func (b *backend) current(r *http.Request) (visitor, error) {
	v := visitor{key: cookieOf(r, sessionCookie)}
	if v.session, v.has = b.sessions.get(v.key); !v.has {
		return visitor{}, nil
	}
	if v.session.userID == "" {
		return v, nil
	}
	got, err := b.client.GetUser(r.Context(), &pb.GetUserRequest{UserId: v.session.userID})
	if err != nil && !errors.Is(err, identitylink.ReasonUserNotFound) {
		return visitor{}, err
	}
	user, holds := got.GetUser(), false
	for _, each := range user.GetIdentities() {
		holds = holds || accountOf(each.GetIdentityRef()) == v.session.identity
	}
	if err != nil || user.GetBlocked() || !holds {
		b.sessions.end(v.key)
		return visitor{}, nil
	}
	if user.GetId() != v.session.userID {
		v.session.userID, v.session.stale = user.GetId(), true
		b.sessions.put(v.key, v.session)
	}
	v.user = user
	return v, nil
}

// forChange returns who visits, if the sign-in is recent enough to change who can sign in.
func (b *backend) forChange(r *http.Request) (visitor, error) {
	v, err := b.current(r)
	if err == nil && (v.user == nil || v.session.stale || time.Since(v.session.since) > maxAge) {
		err = refused(signInAgain)
	}
	return v, err
}

func home(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) }

func (b *backend) home(w http.ResponseWriter, r *http.Request) error {
	v, err := b.current(r)
	if err != nil {
		return err
	}
	page := view{Page: "login", Session: v.session, User: v.user, Names: map[string]string{}}
	theirs := map[string]bool{}
	waits := v.has && v.user == nil && v.session.Pending != nil
	if waits {
		for _, providers := range v.session.Pending.Candidates {
			for _, provider := range providers {
				theirs[provider] = true
			}
		}
	}
	for each, err := range b.client.ListProvidersAll(r.Context(), &pb.ListProvidersRequest{}) {
		if err != nil {
			return err
		}
		page.Names[each.GetProvider()] = each.GetDisplayName()
		// The candidates' providers only: an account of another one is not the one that was noticed.
		if each.GetMode() == pb.SignInProvider_MODE_SIGN_IN && (!waits || theirs[each.GetProvider()]) {
			page.Offered = append(page.Offered, each)
		}
	}
	if waits {
		page.Page = v.session.Pending.Kind
	} else if v.user != nil {
		page.Page = "settings"
		if v.session.Pending != nil {
			for each := range v.session.Pending.arriving {
				page.Arriving = append(page.Arriving, page.Name(each.provider))
			}
		}
		shown := v.session
		shown.Notice = ""
		b.sessions.put(v.key, shown)
	}
	show(w, http.StatusOK, page)
	return nil
}

// start sends the browser to a provider, and returns the attempt's secret.
func (b *backend) start(w http.ResponseWriter, r *http.Request, purpose string) (*pb.StartSignInResponse, error) {
	provider := r.PostFormValue("provider")
	if provider == "" {
		return nil, refused(beginAgain)
	}
	started, err := b.client.StartSignIn(r.Context(), &pb.StartSignInRequest{
		Provider:    provider,
		RedirectUri: base + "/callback/" + url.PathEscape(provider),
		Intent:      &pb.StartSignInRequest_SignIn{SignIn: &pb.SignInIntent{}},
	})
	if err == nil {
		setCookie(w, attemptCookie, purpose+"."+started.GetAttemptSecret(), attemptLife)
	}
	return started, err
}

func (b *backend) signIn(w http.ResponseWriter, r *http.Request) error {
	started, err := b.start(w, r, "sign-in")
	if err == nil {
		http.Redirect(w, r, started.GetAuthorizationUrl(), http.StatusSeeOther)
	}
	return err
}

func (b *backend) link(w http.ResponseWriter, r *http.Request) error {
	v, err := b.forChange(r)
	if err != nil {
		return err
	}
	started, err := b.start(w, r, "link")
	if err == nil {
		v.session.linkSecret = started.GetAttemptSecret()
		b.sessions.put(v.key, v.session)
		http.Redirect(w, r, started.GetAuthorizationUrl(), http.StatusSeeOther)
	}
	return err
}

func (b *backend) callback(w http.ResponseWriter, r *http.Request) error {
	purpose, secret, _ := strings.Cut(cookieOf(r, attemptCookie), ".")
	linking, who := purpose == "link", b.current
	if linking {
		who = b.forChange
	}
	v, err := who(r)
	if err != nil {
		return err
	}
	// A link ends in the session that began it.
	if secret == "" || linking && v.session.linkSecret != secret {
		return refused(beginAgain)
	}
	query := r.URL.Query()
	completed, err := b.client.CompleteSignIn(r.Context(), &pb.CompleteSignInRequest{
		AttemptSecret: secret,
		State:         query.Get("state"),
		Code:          query.Get("code"),
		Iss:           query.Get("iss"),
		Error:         query.Get("error"),
		// From the request that arrived: it shows which provider sent the browser.
		RedirectUri:  base + r.URL.EscapedPath(),
		ValidateOnly: linking,
	})
	if err != nil {
		return err
	}
	setCookie(w, attemptCookie, "", 0)
	if linking {
		v.session.linkSecret = ""
		wanted, ask, err := preview(r.Context(), b.client, v.user, completed)
		if err != nil {
			return err
		}
		v.session.Pending = wanted
		b.sessions.put(v.key, v.session)
		if !ask {
			if err := b.carryOut(r.Context(), v); err != nil {
				return err
			}
		}
	} else {
		b.sessions.begin(w, v.key, v.session, completed.GetDecision())
	}
	home(w, r)
	return nil
}

func (b *backend) carryOut(ctx context.Context, v visitor) error {
	wanted := b.sessions.take(v.key)
	if err := carryOut(ctx, b.client, v.user, wanted); err != nil {
		return err
	}
	v.session.Pending, v.session.Notice = nil, "Your account at "+wanted.Provider+" is linked."
	b.sessions.put(v.key, v.session)
	return nil
}

func (b *backend) newUser(w http.ResponseWriter, r *http.Request) error {
	v, err := b.current(r)
	if err != nil {
		return err
	}
	if v.session.Pending == nil || v.user != nil {
		return refused(beginAgain)
	}
	decision, err := resolve(r.Context(), b.client, v.session.Pending.ticket)
	if err == nil {
		b.sessions.begin(w, v.key, session{}, decision)
		home(w, r)
	}
	return err
}

func (b *backend) linkPending(w http.ResponseWriter, r *http.Request) error {
	v, err := b.forChange(r)
	if err == nil {
		err = b.carryOut(r.Context(), v)
	}
	if err == nil {
		home(w, r)
	}
	return err
}

func (b *backend) forget(w http.ResponseWriter, r *http.Request) error {
	v, err := b.current(r)
	if err == nil {
		if v.user != nil {
			b.sessions.take(v.key)
		}
		home(w, r)
	}
	return err
}

func (b *backend) unlink(w http.ResponseWriter, r *http.Request) error {
	v, err := b.forChange(r)
	if err != nil {
		return err
	}
	ref := &pb.IdentityRef{Provider: r.PostFormValue("provider"), Subject: r.PostFormValue("subject")}
	if _, err = b.client.Unlink(r.Context(), &pb.UnlinkRequest{UserId: v.user.GetId(), Identity: ref}); err == nil {
		v.session.Notice = "Your account at " + ref.GetProvider() + " is unlinked."
		b.sessions.put(v.key, v.session)
		home(w, r)
	}
	return err
}

func (b *backend) signOut(w http.ResponseWriter, r *http.Request) error {
	b.sessions.end(cookieOf(r, sessionCookie))
	setCookie(w, sessionCookie, "", 0)
	home(w, r)
	return nil
}

func main() {
	here, err := url.Parse(base)
	if ip := net.ParseIP(here.Hostname()); err != nil || !secure && (ip == nil || !ip.IsLoopback()) {
		log.Fatal("BASE_URL: without https, cookies are safe on a loopback address only")
	}
	server, err := url.Parse(setting("IDENTITY_LINK", "http://127.0.0.1:50051"))
	if err != nil {
		log.Fatal("IDENTITY_LINK: this is no URL")
	}
	var options []identitylink.Option
	if server.Scheme == "http" {
		options = append(options, identitylink.WithPlaintext())
	}
	client, err := identitylink.New(server.Host, identitylink.FileToken(os.Getenv("TOKEN_FILE")), options...)
	if err != nil {
		log.Fatal(err)
	}
	b := &backend{client: client, sessions: sessionStore{byKey: map[string]session{}}}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", handle(b.home))
	routes.HandleFunc("GET /callback/{provider}", handle(b.callback))
	routes.HandleFunc("POST /sign-in", handle(b.signIn))
	routes.HandleFunc("POST /new-user", handle(b.newUser))
	routes.HandleFunc("POST /link", handle(b.link))
	routes.HandleFunc("POST /link-pending", handle(b.linkPending))
	routes.HandleFunc("POST /forget", handle(b.forget))
	routes.HandleFunc("POST /unlink", handle(b.unlink))
	routes.HandleFunc("POST /sign-out", handle(b.signOut))
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "There is no such page.")
	})
	listen, err := url.Parse(setting("LISTEN", base))
	if err != nil {
		log.Fatal("LISTEN: this is no URL")
	}
	listener, err := net.Listen("tcp", listen.Host)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("serving %s on http://%s\n", base, listener.Addr())
	log.Fatal((&http.Server{Handler: guard(routes), ReadTimeout: 10 * time.Second}).Serve(listener))
}
