package auth0

import (
	"strings"
	"unicode"
)

// unquoted stands for what a stranger said that must not be passed on.
const unquoted = "(an answer that repeats the request, which is not shown)"

// quote is what a stranger said, on one line and cut to a sentence's length,
// unless it repeats a part of one of the secrets: a server may answer with the
// request that it got.
func quote(said string, secrets ...string) string {
	for _, secret := range secrets {
		if repeats(said, secret) {
			return unquoted
		}
	}
	return clip(said)
}

// telling is how long a run of letters and digits must be to tell of a secret.
const telling = 6

// repeats looks for the runs of letters and digits that a secret consists of:
// they stay as they are in every encoding.
func repeats(text, secret string) bool {
	runs := strings.FieldsFunc(secret, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, run := range runs {
		if len(run) >= telling && strings.Contains(text, run) {
			return true
		}
	}
	return false
}
