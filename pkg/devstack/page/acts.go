package page

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// said is what the page says about the last act.
type said struct {
	Text  string
	Bad   bool
	until time.Time
}

// saidTime is how long it stays.
const saidTime = 15 * time.Second

func done(format string, args ...any) said { return said{Text: fmt.Sprintf(format, args...)} }

func refused(format string, args ...any) said {
	return said{Text: fmt.Sprintf(format, args...), Bad: true}
}

// postWidget is a click in the widget, which says itself what became of it.
func (l *Local) postWidget(r *http.Request) said {
	forms := make(map[string]string)
	for name, values := range r.PostForm {
		if name != callField {
			forms[name] = values[0]
		}
	}
	if err := l.click(r.Context(), r.PostForm.Get(callField), forms, isDark(r)); err != nil {
		return refused("%v", err)
	}
	return said{}
}

// postRun fires the rule out of turn.
func (l *Local) postRun(*http.Request) said {
	l.stack.Lambda.Event(l.exportARN, []byte(tenantInput))
	return done("A run was started.")
}

func (l *Local) postKill(*http.Request) said {
	l.export.Kill()
	return done("Every process of the export function was killed.")
}

func (l *Local) postCool(*http.Request) said {
	l.export.Cool()
	return done("The next run has a cold start.")
}

func (l *Local) postFault(r *http.Request) said {
	text, ok := l.switchFault(r.PostForm.Get("id"), r.PostForm.Get("on") == "true")
	if !ok {
		return refused("There is no fault %q.", r.PostForm.Get("id"))
	}
	return done("%s", text)
}

// postSchedule changes the rule as the EventBridge console does.
func (l *Local) postSchedule(r *http.Request) said {
	rule, ok := l.stack.Events.Rule(ruleName)
	if !ok {
		return refused("The rule %s is gone.", ruleName)
	}
	if expression := strings.TrimSpace(r.PostForm.Get("expression")); expression != "" {
		rule.Expression = expression
	}
	switch r.PostForm.Get("state") {
	case "on":
		rule.State = events.Enabled
	case "off":
		rule.State = events.Disabled
	}
	if err := l.stack.Events.Put(rule); err != nil {
		return refused("EventBridge refuses it: %v", err)
	}
	return done("The rule %s is %s, %s.", rule.Name, strings.ToLower(rule.State), rule.Expression)
}

// postParameter writes or deletes one of the tenant's parameters.
func (l *Local) postParameter(r *http.Request) said {
	name := strings.TrimSpace(r.PostForm.Get("name"))
	// A browser sends line ends as CR LF; a key or a record has none of those.
	value := strings.ReplaceAll(r.PostForm.Get("value"), "\r\n", "\n")
	if name == "" || strings.Contains(name, "/") {
		return refused("Name a parameter of %s, such as LOG_LEVEL.", tenantName)
	}
	switch {
	case r.PostForm.Get("do") == "delete":
		l.tenant.Unset(name)
		return done("%s is deleted.", name)
	case value == "" && isSecure(name):
		return refused("%s is as it was: a new value is needed.", name)
	}
	if err := l.tenant.Set(name, value); err != nil {
		return refused("Parameter Store refuses it: %v", err)
	}
	return done("%s is written. The next run reads it.", name)
}

func isSecure(name string) bool {
	return slices.ContainsFunc(config.Parameters(), func(p config.Parameter) bool { return p.Name == name && p.Secure })
}

// Bounds of what a person may let happen at the tenant: events at once, and
// events a minute.
const (
	maxBurst     = 20_000
	MaxPerMinute = 6_000
)

// ValidPace reports whether so many events may happen a minute.
func ValidPace(perMinute float64) bool { return perMinute >= 0 && perMinute <= MaxPerMinute }

// postEvents lets events come about: so many at once, or from now on.
func (l *Local) postEvents(r *http.Request) said {
	if text := r.PostForm.Get("burst"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxBurst {
			return refused("Events at once: 1 to %s.", words.Number(maxBurst))
		}
		now := l.now()
		l.tenant.Generate(n, now, now.Add(time.Second))
		return done("%s happened at the tenant.", words.Count(n, "event"))
	}
	perMinute, err := strconv.ParseFloat(r.PostForm.Get("perMinute"), 64)
	if err != nil || !ValidPace(perMinute) {
		return refused("Events a minute: 0 to %s.", words.Number(MaxPerMinute))
	}
	l.tenant.Live(perMinute)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perMinute = perMinute
	return done("%v events a minute from now on.", perMinute)
}
