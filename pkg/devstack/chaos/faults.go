package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
)

// kind is a way in which things go wrong.
type kind struct {
	name string
	// weight is how often it is drawn, beside the others.
	weight int
	// op is the operation whose calls do acts on, on no more than one if once
	// is set.
	op   string
	do   func(*stage, Dose) fault.Action
	once bool
	// arm makes something else go wrong than single calls. It returns what
	// mends it.
	arm func(*stage) (mend func())
	// blind keeps the function from reading the log group, and edits has an
	// operator say where the export is to go on.
	blind, edits bool
	// dated has a walk begin by date: where it is to begin, events must be dated
	// near the time in their ids, as Auth0's are, and not as odd ones can be.
	dated bool
}

// kinds are all faults: every way for a call to break with every operation,
// and those that only one operation has.
func kinds() []kind {
	all := slices.Concat(auth0Kinds(), tokenKinds(), parameterKinds(), deliveryKinds())
	for _, o := range []struct {
		name, op string
		weight   int
	}{
		{"page", "logs", 3}, {"token", "token", 1}, {"settings", "GetParametersByPath", 1}, {"parameter read", "GetParameter", 1},
		{"parameter write", "PutParameter", 4}, {"delivery", "PutLogEvents", 6}, {"new stream", "CreateLogStream", 1},
		{"look-up", "GetLogEvents", 3}, {"Slack", "slack", 2}, {"end of an action", "DeleteParameter", 1}, {"search", "FilterLogEvents", 1},
	} {
		for _, b := range breaks() {
			b.name, b.weight, b.op = o.name+" "+b.name, b.weight*o.weight, o.op
			all = append(all, b)
		}
	}
	return all
}

// breaks are what can go wrong with any call.
func breaks() []kind {
	return []kind{
		{name: "is slow", weight: 2, do: slow},
		{name: "dropped", weight: 2, do: plain(fault.Drop())},
		{name: "reply lost", weight: 3, do: plain(fault.LoseReply())},
		{name: "reply cut", weight: 1, do: func(_ *stage, d Dose) fault.Action { return fault.Cut(int(d.Part * 60)) }},
		{name: "hangs", weight: 1, do: plain(fault.Hang())},
		{name: "hangs after effect", weight: 1, do: plain(fault.HangAfter())},
		{name: "500", weight: 1, do: plain(awsjson.ErrorReply(500, "InternalFailure", "Something broke."))},
		{name: "503", weight: 1, do: plain(awsjson.ErrorReply(503, "ServiceUnavailableException", "Come back later."))},
		{name: "500 after effect", weight: 2, do: plain(afterEffect(awsjson.ErrorReply(500, "InternalFailure", "Something broke.")))},
		{name: "killed before effect", weight: 2, do: killed},
		{name: "killed after effect", weight: 2, do: killedAfter},
	}
}

func plain(a fault.Action) func(*stage, Dose) fault.Action {
	return func(*stage, Dose) fault.Action { return a }
}

func slow(_ *stage, d Dose) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if sleep(r.Context(), d.Delay) {
			next.ServeHTTP(w, r)
		}
	}
}

// afterEffect lets a call take effect and answers something else.
func afterEffect(a fault.Action) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		a(w, r, next)
	}
}

// killed ends all runs at the moment of a call.
func killed(st *stage, _ Dose) fault.Action {
	return func(http.ResponseWriter, *http.Request, http.Handler) {
		st.kill()
		panic(http.ErrAbortHandler)
	}
}

func killedAfter(st *stage, d Dose) fault.Action { return afterEffect(killed(st, d)) }

// auth0Kinds are what Auth0 alone can answer to a request for a page.
func auth0Kinds() []kind {
	pages := map[string]func(*stage, Dose) fault.Action{
		"429":                    plain(tooMany(nil)),
		"429 with Retry-After":   plain(tooMany(http.Header{"Retry-After": {"1"}})),
		"429 for an hour":        plain(tooMany(http.Header{"Retry-After": {"3600"}})),
		"429 with a reset":       plain(tooManyUntilReset),
		"is HTML":                plain(reply("text/html", "<!DOCTYPE html><title>Maintenance</title>")),
		"is no JSON by its type": plain(reply("text/plain", "[]")),
		"is an object":           plain(reply("application/json", `{"logs":[]}`)),
		"is empty, with a link":  plain(movingLink),
		"is redirected":          plain(fault.Reply(http.StatusFound, http.Header{"Location": {"https://other.example.com/api/v2/logs"}}, "")),
		"is half":                plain(fault.Body(func(b []byte) []byte { return b[:len(b)/2] })),
		"runs backwards":         plain(fault.Body(backwards)),
		"is repeated":            repeated,
		"lacks a log_id":         plain(fault.Body(withoutID)),
		"drips":                  func(_ *stage, d Dose) fault.Action { return fault.Drip(d.Delay / 10) },
	}
	var all []kind
	for name, do := range pages {
		all = append(all, kind{name: "page " + name, weight: 2, op: "logs", do: do})
	}
	// Once is enough: it costs the machine dear.
	all = append(all, kind{name: "page is 25 MB", weight: 2, op: "logs", once: true,
		do: plain(fault.Body(func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 25<<20)...) }))})
	for name, how := range map[string]auth0.MadeIDs{
		"refused": auth0.RefuseMade, "answered from the oldest": auth0.MadeFromOldest, "answered with nothing": auth0.MadeAnswersNothing,
	} {
		all = append(all, kind{name: "made ids " + name, weight: 3, dated: true, arm: func(st *stage) func() {
			st.tenant.SetMadeIDs(how)
			return func() { st.tenant.SetMadeIDs(auth0.AcceptMade) }
		}})
	}
	slices.SortFunc(all, func(a, b kind) int { return strings.Compare(a.name, b.name) })
	return all
}

func reply(contentType, body string) fault.Action {
	return fault.Reply(http.StatusOK, http.Header{"Content-Type": {contentType}}, body)
}

func tooMany(header http.Header) fault.Action {
	return fault.Reply(http.StatusTooManyRequests, header, `{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached"}`)
}

func tooManyUntilReset(w http.ResponseWriter, r *http.Request, next http.Handler) {
	tooMany(http.Header{
		"X-Ratelimit-Limit": {"10"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(time.Now().Unix() + 1)},
	})(w, r, next)
}

// movingLink is an empty page whose link leads far ahead.
func movingLink(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ahead := auth0.MakeID(time.Now().Add(time.Hour), 1)
	fault.Reply(http.StatusOK, http.Header{
		"Content-Type": {"application/json"},
		"Link":         {fmt.Sprintf(`<https://%s/api/v2/logs?from=%s&take=100>; rel="next"`, r.Host, ahead)},
	}, "[]")(w, r, next)
}

// changed is a page's body with its documents changed, the body itself where
// it is no page or one of fewer documents than are needed.
func changed(body []byte, least int, f func([]json.RawMessage)) []byte {
	var docs []json.RawMessage
	if json.Unmarshal(body, &docs) != nil || len(docs) < least {
		return body
	}
	f(docs)
	return slices.Concat([]byte("["), bytes.Join(raw(docs), []byte(",")), []byte("]"))
}

func raw(docs []json.RawMessage) [][]byte {
	all := make([][]byte, len(docs))
	for i, d := range docs {
		all[i] = d
	}
	return all
}

func backwards(body []byte) []byte { return changed(body, 2, slices.Reverse[[]json.RawMessage]) }

func withoutID(body []byte) []byte {
	return changed(body, 1, func(docs []json.RawMessage) {
		docs[len(docs)/2] = json.RawMessage(`{"date":"2026-11-23T10:00:00.000Z","type":"s"}`)
	})
}

// repeated answers each request with the page before.
func repeated(*stage, Dose) fault.Action {
	var mu sync.Mutex
	var last []byte
	return fault.Body(func(body []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		answer := last
		last = bytes.Clone(body)
		if answer == nil {
			return body
		}
		return answer
	})
}

// tokenKinds are what goes wrong with who asks.
func tokenKinds() []kind {
	quota := fault.Reply(http.StatusTooManyRequests, http.Header{"Retry-After": {"3600"}}, `{"error":"too_many_requests","error_description":"Token quota exceeded"}`)
	return []kind{
		{name: "tokens revoked", weight: 4, arm: revoke},
		{name: "token quota used up", weight: 3, op: "token", do: plain(quota), arm: revoke},
		{name: "token is none", weight: 2, op: "token", do: plain(reply("application/json", `{}`)), arm: revoke},
		{name: "token is HTML", weight: 2, op: "token", do: plain(reply("text/html", "<html>")), arm: revoke},
		{name: "secret rotated", weight: 4, arm: rotate},
		{name: "grant taken", weight: 2, arm: func(st *stage) func() {
			st.tenant.SetGrant(false)
			revoke(st)
			return func() { st.tenant.SetGrant(true) }
		}},
		{name: "scope taken", weight: 2, arm: func(st *stage) func() {
			st.tenant.SetScopes()
			revoke(st)
			return func() { st.tenant.SetScopes("read:logs") }
		}},
	}
}

// revoke makes the tokens that were given out worthless; new ones mend that.
func revoke(st *stage) (mend func()) {
	st.tenant.RevokeTokens()
	return func() {}
}

// rotate changes the client secret at Auth0; the operator mends it.
func rotate(st *stage) (mend func()) {
	secret := st.newSecret()
	st.tenant.SetSecret(secret)
	st.tenant.RevokeTokens()
	return func() { st.set("AUTH0_CLIENT_SECRET", secret) }
}

// parameterKinds are what only Parameter Store has.
func parameterKinds() []kind {
	throttled := awsjson.ErrorReply(400, "ThrottlingException", "Rate exceeded")
	full := awsjson.ErrorReply(400, "ParameterMaxVersionLimitExceeded", "Version 1, the oldest version, can't be deleted because it has a label.")
	key := awsjson.ErrorReply(400, "InvalidKeyId", "The key is disabled.")
	return []kind{
		{name: "settings throttled", weight: 1, op: "GetParametersByPath", do: plain(throttled)},
		{name: "settings cannot be decrypted", weight: 1, op: "GetParametersByPath", do: plain(key)},
		{name: "settings denied", weight: 1, arm: denied("GetParametersByPath")},
		{name: "settings are stale", weight: 6, arm: stale("GetParametersByPath")},
		{name: "parameter read throttled", weight: 1, op: "GetParameter", do: plain(throttled)},
		{name: "parameter read denied", weight: 1, arm: denied("GetParameter")},
		{name: "parameter read is stale", weight: 3, arm: stale("GetParameter")},
		{name: "parameter write throttled", weight: 5, op: "PutParameter", do: plain(throttled)},
		{name: "parameter write meets another", weight: 5, op: "PutParameter", do: plain(ssm.TooManyUpdates())},
		{name: "parameter write denied", weight: 2, arm: denied("PutParameter")},
		{name: "parameter versions used up", weight: 2, op: "PutParameter", do: plain(full)},
		{name: "parameter write comes late", weight: 5, op: "PutParameter", do: late},
		{name: "parameter write crossed by an edit", weight: 6, op: "PutParameter", do: crossed, once: true, edits: true},
		{name: "parameter write followed by an edit", weight: 3, op: "PutParameter", do: followed, once: true, edits: true},
	}
}

func denied(op string) func(*stage) func() {
	return func(st *stage) func() { return st.stack.Keys.Deny(awsjson.Rule{Operation: op}) }
}

// stale hides new versions of RUN and CHECKPOINT from the first read that
// comes upon them.
func stale(op string) func(*stage) func() {
	return func(st *stage) func() {
		st.stale.start(op)
		return func() { st.stale.end(op) }
	}
}

// late loses the call's reply, and lets it take effect a while after.
func late(st *stage, d Dose) fault.Action {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		body := new(bytes.Buffer)
		_, _ = body.ReadFrom(r.Body)
		call := r.Clone(st.ctx)
		st.underWay.Go(func() {
			if sleep(st.ctx, d.Delay) {
				call.Body = io.NopCloser(body)
				next.ServeHTTP(httptest.NewRecorder(), call)
			}
		})
		panic(http.ErrAbortHandler)
	}
}

// crossed has an operator edit CHECKPOINT right before a call takes effect.
func crossed(st *stage, d Dose) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		st.edit(checkpointName, d.Part, anyPoint(d))
		next.ServeHTTP(w, r)
	}
}

// followed is the same right after.
func followed(st *stage, d Dose) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(w, r)
		st.edit(checkpointName, d.Part, anyPoint(d))
	}
}

func anyPoint(d Dose) point {
	all := points()
	return all[int(d.Delay/time.Millisecond)%len(all)]
}

// deliveryKinds are what only CloudWatch Logs has.
func deliveryKinds() []kind {
	throttled := awsjson.ErrorReply(400, "ThrottlingException", "Rate exceeded")
	return []kind{
		{name: "delivery throttled", weight: 6, op: "PutLogEvents", do: plain(throttled)},
		{name: "delivery denied", weight: 2, arm: denied("PutLogEvents")},
		{name: "new stream throttled", weight: 1, op: "CreateLogStream", do: plain(throttled)},
		{name: "look-up throttled", weight: 3, op: "GetLogEvents", do: plain(throttled)},
		{name: "look-up denied", weight: 30, arm: denied("GetLogEvents"), blind: true},
	}
}
