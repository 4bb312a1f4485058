package main

import (
	"embed"
	"errors"
	"html/template"
	"log"
	"net/http"

	identitylink "example.com/identity-link/clients/go"
	pb "example.com/identity-link/clients/go/identitylinkv1"
)

const bodyBytes = 16384

var (
	//go:embed page.html
	files embed.FS
	pages = template.Must(template.ParseFS(files, "page.html"))
)

// refused is a request that is refused with one sentence for the person.
type refused string

func (r refused) Error() string { return string(r) }

// view is what a page shows.
type view struct {
	Page, Sentence string
	Session        session
	User           *pb.User
	Offered        []*pb.SignInProvider
	Names          map[string]string
	Arriving       []string
}

// Name returns what people call a provider.
func (v view) Name(provider string) string {
	if name, ok := v.Names[provider]; ok {
		return name
	}
	return provider
}

func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, "page.html", v); err != nil {
		log.Print("a page was not sent whole")
	}
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	show(w, status, view{Page: "refusal", Sentence: sentence})
}

// guard answers for all routes what no browser of the backend's own pages sends.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
		// With "no-referrer" a browser would send "Origin: null" with this site's own forms.
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// A browser sends Origin with each form. A form of another site's page has another one, or "null".
		if r.Method == http.MethodPost && r.Header.Get("Origin") != base {
			refuse(w, http.StatusForbidden, "That form was not sent from a page of this site.")
			return
		}
		if r.ContentLength < 0 || r.ContentLength > bodyBytes {
			refuse(w, http.StatusRequestEntityTooLarge, "That form is too long.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// handle shows the sentence of a handler's refusal.
func handle(handler func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := handler(w, r)
		var own refused
		var theirs *identitylink.Error
		switch {
		case err == nil:
		case errors.As(err, &own):
			refuse(w, http.StatusBadRequest, string(own))
		case errors.As(err, &theirs) && sentences[theirs.Reason] != "":
			refuse(w, http.StatusBadRequest, sentences[theirs.Reason])
		case errors.As(err, &theirs):
			// The reason only: a message may name what the person sent.
			log.Printf("identity-link refused: %s %s", theirs.Code, theirs.Reason)
			refuse(w, http.StatusServiceUnavailable, unavailable)
		default:
			log.Print("a call was not made: is the token's file right?")
			refuse(w, http.StatusServiceUnavailable, unavailable)
		}
	}
}
