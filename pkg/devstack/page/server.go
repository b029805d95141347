package page

import (
	"bytes"
	"embed"
	"net"
	"net/http"
	"net/url"
)

// files are what the page is made of; nothing else is loaded.
//
//go:embed page.html page.css page.js
var files embed.FS

// maxForm bounds what a person sends, in bytes: a parameter of 4 KB, or a
// widget's input fields.
const maxForm = 64 << 10

func (l *Local) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", l.show)
	for _, name := range []string{"page.css", "page.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, name) })
	}
	for path, act := range map[string]func(*http.Request) said{
		"widget": l.postWidget, "run": l.postRun, "kill": l.postKill, "cool": l.postCool, "fault": l.postFault,
		"schedule": l.postSchedule, "parameter": l.postParameter, "events": l.postEvents,
	} {
		mux.HandleFunc("POST /"+path, l.acting(act))
	}
	mux.HandleFunc("POST /theme", setTheme)
	// A browser asks for one by itself.
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return guard(mux)
}

// ServeHTTP serves the page.
func (l *Local) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.handler.ServeHTTP(w, r) }

// guard keeps other sites out. A page elsewhere may lead a browser here: by a
// name of its own that it lets point to loopback, which the Host header tells,
// or by a form or a script, which the browser tells of.
func guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !isLoopback(r.Host) {
			http.Error(w, "This page is served on loopback alone: open it as http://127.0.0.1.", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// isLoopback reports whether a Host header names this machine by an address of
// loopback, or as localhost.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// themeCookie holds "dark" or "light".
const themeCookie = "theme"

func isDark(r *http.Request) bool {
	c, err := r.Cookie(themeCookie)
	return err == nil && c.Value == "dark"
}

func setTheme(w http.ResponseWriter, r *http.Request) {
	theme := "light"
	if r.PostFormValue("theme") == "dark" {
		theme = "dark"
	}
	const year = 365 * 24 * 60 * 60
	http.SetCookie(w, &http.Cookie{Name: themeCookie, Value: theme, Path: "/", MaxAge: year, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	back(w, r)
}

// acting is the handler of an act: it keeps what is said about it, and leads
// back to the page.
func (l *Local) acting(act func(*http.Request) said) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s := act(r)
		s.until = l.now().Add(saidTime)
		l.mu.Lock()
		l.said = s
		l.mu.Unlock()
		back(w, r)
	}
}

// back leads back to the page, with the search that was there.
func back(w http.ResponseWriter, r *http.Request) {
	to := url.URL{Path: "/"}
	if u, err := url.Parse(r.Referer()); err == nil && u.Host == r.Host {
		to.RawQuery = u.Query().Encode()
	}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

func (l *Local) show(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := layout.Execute(&b, l.view(r)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}
