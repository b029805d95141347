package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	defaultBatchSize = 100
	maxBatchSize     = 100
	noDigest         = -1
)

// reader reads one parameter after another and collects what is to be said
// about them. Its callers keep values of parameters that may hold a secret out
// of what they say.
type reader struct {
	params   map[string]string
	problems []Problem
	warnings []string
}

// value is what a parameter holds, "" where it is absent.
func (r *reader) value(name string) string {
	return strings.TrimSpace(r.params[name])
}

// required is a value whose absence is a problem.
func (r *reader) required(name, expected string) string {
	v := r.value(name)
	if v == "" {
		r.reject(name, "missing: expected %s", expected)
	}
	return v
}

func (r *reader) reject(name, format string, args ...any) {
	r.problems = append(r.problems, Problem{Name: name, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) warn(name, format string, args ...any) {
	r.warnings = append(r.warnings, name+": "+fmt.Sprintf(format, args...))
}

// number reads a whole number, which is otherwise where the parameter is
// absent or refused.
func (r *reader) number(name string, otherwise int, allowed func(int) bool, expected string) int {
	v := r.value(name)
	if v == "" {
		return otherwise
	}
	// A number beyond the range of int comes as that range's end, which is as
	// much or as little as the number itself to every caller.
	n, err := strconv.Atoi(v)
	if err != nil && !errors.Is(err, strconv.ErrRange) || !allowed(n) {
		r.reject(name, "%.40q: expected %s", v, expected)
		return otherwise
	}
	return n
}

func between(least, most int) func(int) bool {
	return func(n int) bool { return least <= n && n <= most }
}

// yes reads a boolean that is false where it is absent or refused.
func (r *reader) yes(name string) bool {
	switch v := r.value(name); strings.ToLower(v) {
	case "true", "yes":
		return true
	case "", "false", "no":
		return false
	default:
		r.reject(name, "%.40q: expected true or false (or yes or no)", v)
		return false
	}
}

// isHTTPS reports whether s is an https URL with a host and no credentials.
func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

func (r *reader) batchSize() int {
	n := r.number(BatchSize, defaultBatchSize, func(n int) bool { return n >= 1 }, "a whole number from 1 to 100")
	if n > maxBatchSize {
		r.warn(BatchSize, "%.40s is more than the most, %d is used", r.value(BatchSize), maxBatchSize)
	}
	return min(n, maxBatchSize)
}

func (r *reader) startFrom() Start {
	text := r.value(StartFrom)
	switch strings.ToLower(text) {
	case "":
		return Start{}
	case "oldest":
		return Start{Text: text, Kind: Oldest}
	case "now":
		return Start{Text: text, Kind: Now}
	}
	point, err := tenantlog.ParsePoint(text)
	if err != nil {
		r.reject(StartFrom, "%v, or one of the words oldest and now", err)
		return Start{}
	}
	return Start{Text: text, Kind: At, Point: point}
}

func (r *reader) filter() filter.Filter {
	level, types := r.value(LogLevel), r.value(LogTypes)
	f, err := filter.Parse(level, types)
	if err != nil {
		// Each setting by itself, to tell whose problem it is.
		_, err = filter.Parse(level, "")
		r.rejectAll(LogLevel, err)
		_, err = filter.Parse("", types)
		r.rejectAll(LogTypes, err)
	}
	for _, item := range f.Unmatched() {
		r.warn(LogTypes, "%.40s matches no type that is known so far: check its spelling, unless it is new at Auth0", item)
	}
	return f
}

// rejectAll makes a problem of each error that errors.Join has joined, which
// are lines of their own.
func (r *reader) rejectAll(name string, joined error) {
	if joined == nil {
		return
	}
	for line := range strings.SplitSeq(joined.Error(), "\n") {
		r.reject(name, "%s", line)
	}
}

func (r *reader) slack() Slack {
	return Slack{
		WebhookURL:  r.webhook(),
		SendSuccess: r.yes(SlackSendSuccess),
		DailyHour:   r.number(SlackDailyReport, noDigest, between(0, 23), "an hour of the day in UTC, 0 to 23"),
	}
}

func (r *reader) webhook() Secret {
	name, address := SlackWebhookURL, r.value(SlackWebhookURL)
	alias := r.value(SlackWebhook)
	switch {
	case address == "":
		name, address = SlackWebhook, alias
	case alias != "" && alias != address:
		r.warn(SlackWebhook, "differs from %s, which is used", SlackWebhookURL)
	}
	if address == "" {
		return ""
	}
	if !isHTTPS(address) {
		r.reject(name, "no https URL: expected the webhook's whole address, which begins with https://hooks.slack.com/")
		return ""
	}
	return Secret(address)
}

// warnUnknown names the parameters that nobody reads.
func (r *reader) warnUnknown() {
	known := Parameters()
	for name := range r.params {
		if slices.ContainsFunc(known, func(p Parameter) bool { return p.Name == name }) {
			continue
		}
		if near, ok := nearest(name); ok {
			r.warn(name, "unknown, did you mean %s?", near)
		} else {
			r.warn(name, "unknown, ignored")
		}
	}
}
