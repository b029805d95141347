package awsjson

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody bounds a request body, decompressed. The largest that a service
// takes is a full PutLogEvents batch (1,048,576 bytes) of characters that JSON
// writes with six bytes.
const maxBody = 8 << 20

// Operation returns the bare name of the operation that a request calls, such
// as "PutLogEvents", or "" if it names none. It understands both protocols and
// leaves the body to be read again.
func Operation(r *http.Request) string {
	if target := r.Header.Get(targetHeader); target != "" {
		_, op, _ := strings.Cut(target, ".")
		return op
	}
	form, err := Form(r)
	if err != nil {
		return ""
	}
	return form.Get("Action")
}

// Form reads the form that a call of the query protocol has for a body, and
// leaves the body to be read again.
func Form(r *http.Request) (url.Values, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, Errorf("MalformedQueryString", "The request body is no form: %v", err)
	}
	return form, nil
}

// readBody returns the request's body, decompressed if it says gzip.
func readBody(r *http.Request) ([]byte, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, Errorf("SerializationException", "The request body is not gzip: %v", err)
		}
		body = z
	}
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(body, maxBody+1)); err != nil {
		return nil, Errorf("SerializationException", "The request body cannot be read: %v", err)
	}
	if b.Len() > maxBody {
		return nil, &Error{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "The request body is too large."}
	}
	return b.Bytes(), nil
}

// credential finds the access key and the region in an Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=KEY/20261123/REGION/SERVICE/aws4_request, SignedHeaders=..., Signature=...
func credential(header string) (accessKey, region string, ok bool) {
	_, scope, ok := strings.Cut(header, "Credential=")
	if !ok {
		return "", "", false
	}
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if len(parts) != 5 || parts[0] == "" || parts[2] == "" || parts[4] != "aws4_request" {
		return "", "", false
	}
	return parts[0], parts[2], true
}
