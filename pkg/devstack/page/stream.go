package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// streamView is the tenant's log streams as the console shows them.
type streamView struct {
	Group   string
	Streams []string
	Stream  string // "" for all
	Query   string
	Total   int
	Found   int
	Lines   []lineView
}

// lineView is one log event.
type lineView struct {
	eventView
	Time, Stream string
	Document     string
}

// eventView is what a line says of the tenant's event.
type eventView struct {
	ID, Type, Name, Level, Who string
}

// shownEvents is how many events of a search are shown, the newest.
const shownEvents = 60

// streamView shows the events of a stream, or of all, that hold every word of
// the query, in any case.
func (l *Local) streamView(stream, query string) streamView {
	place := l.place()
	v := streamView{Group: place.Group, Query: query}
	v.Streams = l.stack.Logs.Streams(place)
	if slices.Contains(v.Streams, stream) {
		v.Stream = stream
	}
	terms := strings.Fields(strings.ToLower(query))
	var found []stored
	for _, name := range v.Streams {
		if v.Stream != "" && v.Stream != name {
			continue
		}
		place.Stream = name
		events := l.stack.Logs.Events(place)
		v.Total += len(events)
		for _, e := range events {
			if holds(e.Message, terms) {
				found = append(found, stored{name, e})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b stored) int { return cmp.Compare(b.Timestamp, a.Timestamp) })
	v.Found = len(found)
	for _, e := range found[:min(len(found), shownEvents)] {
		v.Lines = append(v.Lines, lineOf(e))
	}
	return v
}

type stored struct {
	stream string
	logs.Event
}

func holds(message string, terms []string) bool {
	if len(terms) == 0 {
		return true
	}
	message = strings.ToLower(message)
	return !slices.ContainsFunc(terms, func(t string) bool { return !strings.Contains(message, t) })
}

// lineOf shows an event. A message that is no document of Auth0 is shown as it
// is.
func lineOf(e stored) lineView {
	v := lineView{Time: time.UnixMilli(e.Timestamp).UTC().Format("01-02 15:04:05.000"), Stream: e.stream, Document: e.Message}
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(e.Message), "", "  ") == nil {
		v.Document = indented.String()
	}
	event, err := tenantlog.Decode([]byte(e.Message))
	if err != nil {
		return v
	}
	v.eventView = viewOf(event)
	return v
}

// viewOf is an event without what it is shown in.
func viewOf(event tenantlog.Event) eventView {
	v := eventView{ID: string(event.ID), Type: event.Type, Name: "type not in the table", Who: who(event.Raw)}
	if t, ok := tenantlog.LookupType(event.Type); ok {
		v.Name, v.Level = t.Name, t.Level.String()
	}
	return v
}

// who says who did it, from where, as far as the document tells.
func who(document []byte) string {
	var doc struct {
		User   string `json:"user_name"`
		Client string `json:"client_name"`
		IP     string `json:"ip"`
	}
	// Members of other kinds than text are left out.
	_ = json.Unmarshal(document, &doc)
	parts := slices.DeleteFunc([]string{doc.User, doc.Client, doc.IP}, func(s string) bool { return s == "" })
	return strings.Join(parts, " · ")
}
