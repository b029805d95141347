// Package awsjson is what the AWS stand-ins have in common: one HTTP handler
// that finds a call's operation in its X-Amz-Target header and its caller in
// its Signature Version 4 header, and answers in the awsJson1_1 protocol, which
// CloudWatch Logs and Parameter Store speak. Signatures are not verified: every
// access key is good until a test says otherwise (see Keys).
//
// A member of a request that a stand-in does not know is refused, never
// ignored: a test must not pass here for a reason that the service lacks.
package awsjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

const (
	contentType     = "application/x-amz-json-1.1"
	targetHeader    = "X-Amz-Target"
	requestIDHeader = "X-Amzn-Requestid"
	errorTypeHeader = "X-Amzn-Errortype"
)

// Service is the operations of one service, for a Mux to serve.
type Service struct {
	// Target is what stands before the dot in X-Amz-Target, such as
	// "Logs_20140328".
	Target string
	// Prefix is the service's name in IAM actions, such as "logs".
	Prefix string
	// Operations are the service's operations by their bare names.
	Operations map[string]Handler
	// Throttle holds the service's rates; nil for none.
	Throttle *Throttle
}

// Handler handles the calls of one operation; Handle makes one. It calls allow
// with the ARNs that the call is authorised on before it has any effect.
type Handler func(c Caller, body []byte, allow func(resources []string) error) (reply any, err error)

// Handle makes a handler of f, which is given the decoded request and returns
// what is to be encoded, or an *Error. A request type with a method
//
//	Resources(Caller) []string
//
// says which ARNs IAM would authorise the call on; without one it is "*". One
// with a method
//
//	DecodeQuick(body []byte) bool
//
// may read a body by itself, or leave it, and itself, as they are.
func Handle[In, Out any](f func(Caller, *In) (*Out, error)) Handler {
	return func(c Caller, body []byte, allow func([]string) error) (any, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, err
		}
		resources := []string{"*"}
		if r, ok := any(in).(interface{ Resources(Caller) []string }); ok {
			resources = r.Resources(c)
		}
		if err := allow(resources); err != nil {
			return nil, err
		}
		return f(c, in)
	}
}

// decode reads a request body; an empty one is an empty object.
func decode(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return Errorf("SerializationException", "The request body is not UTF-8.")
	}
	if q, ok := in.(interface{ DecodeQuick([]byte) bool }); ok && q.DecodeQuick(body) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(in)
	if err == nil && dec.More() {
		err = errors.New("more than one value")
	}
	if err == nil {
		return nil
	}
	// encoding/json has no error type for a member that is not known.
	if member, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Errorf("ValidationException", "This stand-in does not support the member %s.", member)
	}
	return Errorf("SerializationException", "%v", err)
}

// Mux serves several services on one endpoint, as AWS_ENDPOINT_URL wants it.
type Mux struct {
	keys     *Keys
	services []Service
	query    http.Handler
	requests atomic.Uint64
}

// NewMux returns a handler of the services' calls. Calls without X-Amz-Target
// go to query, which speaks the query protocol (STS); it may be nil.
func NewMux(keys *Keys, query http.Handler, services ...Service) *Mux {
	return &Mux{keys: keys, services: services, query: query}
}

// ServeHTTP answers one call. Every reply has a request id, which counts up
// from 1.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(requestIDHeader, fmt.Sprintf("00000000-0000-4000-8000-%012d", m.requests.Add(1)))
	if m.query != nil && r.Header.Get(targetHeader) == "" {
		m.query.ServeHTTP(w, r)
		return
	}
	reply, err := m.answer(r)
	if err != nil {
		AsError(err).write(w)
		return
	}
	w.Header().Set("Content-Type", contentType)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(reply)
}

func (m *Mux) answer(r *http.Request) (any, error) {
	target, op, _ := strings.Cut(r.Header.Get(targetHeader), ".")
	service, handler := m.find(target, op)
	if handler == nil {
		return nil, Errorf("UnknownOperationException", "This stand-in has no operation %q.", op)
	}
	caller, err := m.keys.Caller(r)
	if err != nil {
		return nil, err
	}
	if err := service.Throttle.Take(caller, op); err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return handler(caller, body, func(resources []string) error {
		return m.keys.Authorize(caller, service.Prefix+":"+op, resources)
	})
}

func (m *Mux) find(target, op string) (Service, Handler) {
	for _, s := range m.services {
		if s.Target == target {
			return s, s.Operations[op]
		}
	}
	return Service{}, nil
}
