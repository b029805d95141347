package page

import (
	"maps"
	"net/http"
	"net/http/httptest"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

// breakage is a fault that the page switches on and off.
type breakage struct {
	ID, Title string
	// Watch says what to look for while it is on, and after it.
	Watch string
	on    func(l *Local) (undo func())
}

// rotated is the secret that Auth0 wants while the fault "secret" is on.
const rotated = "rotated-secret"

// breakages are the faults in the order of the page.
func breakages() []breakage {
	return []breakage{
		{"auth0", "Auth0 is down",
			"Every call is answered 503. The run asks again for a moment, then fails and tells Slack; the checkpoint stays. Afterwards the next run goes on there.",
			(*Local).breakAuth0},
		{"secret", "Client secret rotated",
			"Auth0 refuses the secret. Put " + rotated + " into AUTH0_CLIENT_SECRET, or switch this off.",
			(*Local).breakSecret},
		{"throttle", "PutLogEvents is throttled",
			"CloudWatch Logs answers ThrottlingException. The run asks again until its time is up; switch it off meanwhile and the same run goes on.",
			(*Local).breakThrottle},
		{"reply", "Replies of PutLogEvents are lost",
			"Each batch is stored, and the connection cut before the answer. The run looks up what became of it: nothing is stored twice.",
			(*Local).breakReply},
		{"kill", "The run is killed after a batch",
			"The process dies once its first batch is stored. Its claim holds later runs off for up to two minutes; then one looks up what is there and sends the rest.",
			(*Local).breakRun},
		{"permission", "The role may not write",
			"IAM refuses PutLogEvents. The run fails at once and says which permission is missing.",
			(*Local).breakPermission},
		{"slack", "Slack is down",
			"The webhook answers 503. A run never fails for it.",
			(*Local).breakSlack},
	}
}

func (l *Local) breakAuth0() func() {
	down := fault.Reply(http.StatusServiceUnavailable, nil, "Service Unavailable")
	var undo []func()
	for _, op := range []string{"token", "logs", "search"} {
		undo = append(undo, l.stack.Faults.Add(fault.Rule{Op: op, Do: down}))
	}
	return func() {
		for _, f := range undo {
			f()
		}
	}
}

func (l *Local) breakSecret() func() {
	l.tenant.SetSecret(rotated)
	l.tenant.RevokeTokens()
	// An operator may have put the new secret: Auth0 takes what there is.
	return func() { l.tenant.SetSecret(l.tenant.Get("AUTH0_CLIENT_SECRET")) }
}

func (l *Local) breakThrottle() func() {
	return l.stack.Faults.Add(fault.Rule{
		Op: "PutLogEvents", Do: awsjson.ErrorReply(http.StatusBadRequest, "ThrottlingException", "Rate exceeded"),
	})
}

func (l *Local) breakReply() func() {
	return l.stack.Faults.Add(fault.Rule{Op: "PutLogEvents", Do: fault.LoseReply()})
}

func (l *Local) breakRun() func() {
	return l.stack.Faults.Add(fault.Rule{
		Op: "PutLogEvents",
		Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			if answer.Code == http.StatusOK {
				l.export.Kill()
				panic(http.ErrAbortHandler)
			}
			// Nothing was stored: the stream has to be made first.
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = answer.Body.WriteTo(w)
		},
	})
}

func (l *Local) breakPermission() func() {
	return l.stack.Keys.Deny(awsjson.Rule{Operation: "PutLogEvents"})
}

func (l *Local) breakSlack() func() {
	return l.stack.Faults.Add(fault.Rule{Op: "slack", Do: fault.Reply(http.StatusServiceUnavailable, nil, "service_unavailable")})
}

// switchFault switches a fault on or off, and says what that means; ok is false
// where there is no such fault.
func (l *Local) switchFault(id string, on bool) (text string, ok bool) {
	for _, b := range breakages() {
		if b.ID != id {
			continue
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		undo, isOn := l.undo[id]
		switch {
		case on && !isOn:
			l.undo[id] = b.on(l)
		case !on && isOn:
			undo()
			delete(l.undo, id)
		}
		if on {
			return "On: " + b.Title + ". " + b.Watch, true
		}
		return "Off: " + b.Title + ". Watch the next run recover.", true
	}
	return "", false
}
