package awsjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

// Error is a service's refusal of a call.
type Error struct {
	// Status is the HTTP status; 400 for everything that is the caller's fault.
	Status int
	// Code is the error's type, such as "ResourceNotFoundException".
	Code string
	// Message is its text for people.
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf returns an error of the given type with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Throttled is the refusal of a call over its rate.
func Throttled() *Error { return Errorf("ThrottlingException", "Rate exceeded") }

// InvalidToken is the refusal of an access key that AWS does not know.
func InvalidToken() *Error {
	return Errorf("UnrecognizedClientException", "The security token included in the request is invalid.")
}

// ExpiredToken is the refusal of temporary credentials past their time.
func ExpiredToken() *Error {
	return Errorf("ExpiredTokenException", "The security token included in the request is expired")
}

// AsError returns err as an *Error. One that is none is the stand-in's own
// fault: an InternalFailure with status 500.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
}

func (e *Error) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set(errorTypeHeader, e.Code)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(struct {
		Type    string `json:"__type"`
		Message string `json:"message,omitempty"`
	}{e.Code, e.Message})
}

// ErrorReply answers a call with an error, without effect. It is for operations
// of the JSON protocol, which are all but those of STS.
func ErrorReply(status int, code, message string) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		(&Error{Status: status, Code: code, Message: message}).write(w)
	}
}
