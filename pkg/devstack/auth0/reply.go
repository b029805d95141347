package auth0

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// problem is an error of the Management API.
type problem struct {
	StatusCode int    `json:"statusCode"`
	Error      string `json:"error"`
	Message    string `json:"message"`
	ErrorCode  string `json:"errorCode,omitempty"`
}

func newProblem(status int, code, message string) *problem {
	return &problem{StatusCode: status, Error: http.StatusText(status), Message: message, ErrorCode: code}
}

func (p *problem) write(w http.ResponseWriter) { writeJSON(w, p.StatusCode, p) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	writeHead(w, status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	// The client may have gone away; nobody is left to tell.
	_ = enc.Encode(v)
}

func writeHead(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
}

// compress answers in gzip where the client accepts it, as Auth0 does.
func compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept-Encoding")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		zw := &gzipWriter{ResponseWriter: w}
		next.ServeHTTP(zw, r)
		zw.close()
	})
}

// zippers are gzip writers to use again: each is over a megabyte.
var zippers = sync.Pool{New: func() any {
	// The level is a valid constant, so there is no error.
	zip, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	return zip
}}

// gzipWriter compresses the body of a successful answer; errors are too small
// to gain. It is flushed as its http.ResponseWriter is.
type gzipWriter struct {
	http.ResponseWriter
	zip     *gzip.Writer
	started bool
}

func (w *gzipWriter) WriteHeader(status int) {
	w.started = true
	if status == http.StatusOK {
		w.Header().Set("Content-Encoding", "gzip")
		w.zip = zippers.Get().(*gzip.Writer)
		w.zip.Reset(w.ResponseWriter)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *gzipWriter) Write(p []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	if w.zip == nil {
		return w.ResponseWriter.Write(p)
	}
	return w.zip.Write(p)
}

// FlushError sends what was written so far (http.ResponseController).
func (w *gzipWriter) FlushError() error {
	if w.zip != nil {
		if err := w.zip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *gzipWriter) close() {
	if w.zip != nil {
		_ = w.zip.Close()
		zippers.Put(w.zip)
	}
}
