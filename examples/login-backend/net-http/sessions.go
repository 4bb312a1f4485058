package main

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	pb "example.com/identity-link/clients/go/identitylinkv1"
)

const (
	sessionLife = time.Hour
	attemptLife = 10 * time.Minute
)

// account is an identity as a key: provider and subject.
type account struct{ provider, subject string }

func accountOf(ref *pb.IdentityRef) account { return account{ref.GetProvider(), ref.GetSubject()} }

// A pending is what a ticket can do, if the person wants it.
type pending struct {
	Kind, ticket, Provider string              // the kind is candidates, registration or link
	Candidates             map[string][]string // their providers, by the user's id
	OtherUser              string              // the user that a link would absorb
	arriving               map[account]bool    // the other accounts of that user, which would come too
}

// A session is what one browser has. Without a user it only waits for an answer of the person. It is a
// copy: write it back with put.
type session struct {
	userID     string
	identity   account // the account that signed in
	since      time.Time
	stale      bool   // its user was absorbed: it reads only
	linkSecret string // of the attempt to link that this session began
	Pending    *pending
	Notice     string
}

// The sessions of all browsers, by the values of their cookies.
type sessionStore struct {
	mutex sync.Mutex
	byKey map[string]session
}

func (s *sessionStore) get(key string) (session, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found, ok := s.byKey[key]
	return found, ok && time.Since(found.since) <= sessionLife
}

// put changes a session, unless it has ended meanwhile.
func (s *sessionStore) put(key string, value session) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, ok := s.byKey[key]; ok {
		s.byKey[key] = value
	}
}

// take returns what a session has pending, once.
func (s *sessionStore) take(key string) *pending {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found, ok := s.byKey[key]
	if !ok {
		return nil
	}
	taken := found.Pending
	found.Pending = nil
	s.byKey[key] = found
	return taken
}

func (s *sessionStore) end(key string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.byKey, key)
}

// begin begins a session with what was decided, under a new id, in place of the old one.
func (s *sessionStore) begin(w http.ResponseWriter, oldKey string, old session, decision *pb.SignInDecision) {
	new := session{userID: decision.GetUser().GetId(), identity: accountOf(decision.GetIdentity()), since: time.Now()}
	provider := decision.GetIdentity().GetProvider()
	switch decision.GetOutcome() {
	case pb.SignInDecision_OUTCOME_CANDIDATES:
		candidates := map[string][]string{}
		for _, each := range decision.GetCandidates() {
			candidates[each.GetUserId()] = each.GetProviders()
		}
		new.Pending = &pending{Kind: "candidates", ticket: decision.GetTicket(), Provider: provider, Candidates: candidates}
	case pb.SignInDecision_OUTCOME_REGISTRATION_NEEDED:
		new.Pending = &pending{Kind: "registration", ticket: decision.GetTicket(), Provider: provider}
	case pb.SignInDecision_OUTCOME_LINKED:
		new.Notice = "Your account at " + provider + " was linked: both sides have verified its email."
	}
	// The person signed in as a candidate: the settings page asks whether the two accounts are one's.
	if new.userID != "" && old.Pending != nil && old.Pending.Candidates[new.userID] != nil {
		new.Pending = old.Pending
	}
	key := rand.Text()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.byKey, oldKey)
	for key, each := range s.byKey {
		if time.Since(each.since) > sessionLife {
			delete(s.byKey, key)
		}
	}
	s.byKey[key] = new
	setCookie(w, sessionCookie, key, sessionLife)
}

func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	cookie := http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, &cookie)
}

func cookieOf(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}
