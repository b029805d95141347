package devstack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Comparison is what a tenant had, held against what log streams hold.
type Comparison struct {
	// Expected is how many events the tenant had that were to be exported,
	// Stored how many log events there are.
	Expected, Stored int
	// Missing were not stored, Double more than once, Altered with another
	// content, and Mistimed with another time than their date. Foreign were
	// stored and not expected; they are told by their message where it has no
	// log_id.
	Missing, Double, Altered, Mistimed, Foreign []string
	// Rescued were stored in a form that takes the place of a document which
	// CloudWatch Logs would not take as it is: slimmed or wrapped.
	Rescued []string
	// Streams names, for each event, the log streams that hold it, one for
	// each copy.
	Streams map[tenantlog.ID][]string
}

// Exact reports whether everything expected is stored once, as it was or in
// the form that takes its place.
func (c Comparison) Exact() bool {
	return len(c.Missing)+len(c.Double)+len(c.Altered)+len(c.Mistimed)+len(c.Foreign) == 0
}

func (c Comparison) String() string {
	return fmt.Sprintf("%d events expected, %d stored: %d missing, %d double, %d altered, %d with another time, %d not expected",
		c.Expected, c.Stored, len(c.Missing), len(c.Double), len(c.Altered), len(c.Mistimed), len(c.Foreign))
}

// Compare holds every document of the tenant that keep selects (nil for all)
// against the log events of the group at p, all its streams together. Late
// streams have times of their own.
func (t *Tenant) Compare(p logs.Place, keep func(tenantlog.Event) bool) Comparison {
	return t.CompareStreams(p, keep, func(string) bool { return true })
}

// CompareStreams is Compare with those of the group's streams that are told by
// name.
func (t *Tenant) CompareStreams(p logs.Place, keep func(tenantlog.Event) bool, streams func(name string) bool) Comparison {
	c := Comparison{Streams: make(map[tenantlog.ID][]string)}
	stored := make(map[tenantlog.ID][]storedEvent)
	for _, stream := range t.stack.Logs.Streams(p) {
		if !streams(stream) {
			continue
		}
		p.Stream = stream
		for _, e := range t.stack.Logs.Events(p) {
			c.Stored++
			event, err := tenantlog.Decode([]byte(e.Message))
			if err != nil {
				c.Foreign = append(c.Foreign, e.Message)
				continue
			}
			c.Streams[event.ID] = append(c.Streams[event.ID], stream)
			stored[event.ID] = append(stored[event.ID], storedEvent{e, strings.Contains(stream, "-late-")})
		}
	}
	for id, doc := range t.Documents() {
		event, err := tenantlog.Decode(doc)
		if err == nil && keep != nil && !keep(event) {
			continue
		}
		c.Expected++
		c.compare(event, doc, stored[id])
		delete(stored, id)
	}
	for id := range stored {
		c.Foreign = append(c.Foreign, string(id))
	}
	return c
}

type storedEvent struct {
	logs.Event
	late bool
}

func (c *Comparison) compare(event tenantlog.Event, doc []byte, found []storedEvent) {
	id := string(event.ID)
	switch len(found) {
	case 0:
		c.Missing = append(c.Missing, id)
	case 1:
	default:
		c.Double = append(c.Double, id)
	}
	same := func(e storedEvent) bool { return sameDocument(doc, e.Message) }
	rescued := func(e storedEvent) bool { return same(e) || isRescued(doc, e.Message) }
	timed := func(e storedEvent) bool { return e.late || e.Timestamp == event.Date.UnixMilli() }
	switch {
	case !all(found, rescued):
		c.Altered = append(c.Altered, id)
		return
	case !all(found, same):
		c.Rescued = append(c.Rescued, id)
	}
	if !all(found, timed) {
		c.Mistimed = append(c.Mistimed, id)
	}
}

func all[E any](s []E, is func(E) bool) bool {
	return !slices.ContainsFunc(s, func(e E) bool { return !is(e) })
}

// sameDocument reports whether a message is the document's bytes, or the same
// on one line.
func sameDocument(doc []byte, message string) bool {
	if string(doc) == message {
		return true
	}
	var line bytes.Buffer
	return json.Compact(&line, doc) == nil && line.String() == message
}
