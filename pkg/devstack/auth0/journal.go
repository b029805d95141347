package auth0

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// event is one log event of the tenant. A generated one holds no document, but
// the number it is made from: a backlog of any size then costs about a hundred
// bytes an event.
type event struct {
	id   tenantlog.ID
	date int64 // Unix milliseconds
	seq  uint64
	doc  string
}

func byID(a, b event) int { return cmp.Compare(a.id, b.id) }

// journal holds a tenant's events in the order of their ids.
type journal struct {
	mu     sync.RWMutex
	events []event
}

// put adds one event wherever its id belongs. An id is there once.
func (j *journal) put(e event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	i, found := j.find(e.id)
	if found {
		return fmt.Errorf("log_id %s: already there", e.id)
	}
	j.events = slices.Insert(j.events, i, e)
	return nil
}

// merge adds events whose ids are known to be new.
func (j *journal) merge(events []event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	old := len(j.events)
	j.events = append(j.events, events...)
	// Newest events at the end, the common case, must not cost a look at all.
	if !slices.IsSortedFunc(j.events[max(0, old-1):], byID) {
		slices.SortFunc(j.events, byID)
	}
}

func (j *journal) find(id tenantlog.ID) (int, bool) {
	return slices.BinarySearchFunc(j.events, event{id: id}, byID)
}

func (j *journal) has(id tenantlog.ID) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	_, found := j.find(id)
	return found
}

// after returns the first n events whose ids are greater than id.
func (j *journal) after(id tenantlog.ID, n int) []event {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i, found := j.find(id)
	if found {
		i++
	}
	return slices.Clone(j.events[i:min(i+n, len(j.events))])
}

// match returns every event that keep accepts, by ascending id.
func (j *journal) match(keep func(event) bool) []event {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var kept []event
	for _, e := range j.events {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

func (j *journal) len() int {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return len(j.events)
}

// Add adds log events written by hand; what is served are these very bytes.
// Each is a JSON object with a log_id (or _id), which may be older than ids
// already served. Documents before one that is refused stay added.
func (t *Tenant) Add(docs ...string) error {
	for _, doc := range docs {
		var d struct {
			LogID string `json:"log_id"`
			ID    string `json:"_id"`
		}
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		if err := t.AddAs(cmp.Or(d.LogID, d.ID), doc); err != nil {
			return err
		}
	}
	return nil
}

// AddAs adds any JSON value as the log event with the given id: a document
// that does not carry its id, or is no object at all.
func (t *Tenant) AddAs(id, doc string) error {
	parsed, err := tenantlog.ParseID(id)
	if err != nil {
		return err
	}
	if !json.Valid([]byte(doc)) {
		return errors.New("document is not valid JSON")
	}
	return t.journal.put(event{id: parsed, date: dateOf(doc, parsed), doc: doc})
}

// dateOf is the document's own date, or else the time in its id.
func dateOf(doc string, id tenantlog.ID) int64 {
	var d struct {
		Date time.Time `json:"date"`
	}
	if err := json.Unmarshal([]byte(doc), &d); err == nil && !d.Date.IsZero() {
		return d.Date.UnixMilli()
	}
	indexed, _ := id.Time()
	return indexed.UnixMilli()
}

// Len is the number of log events the tenant ever had, expired ones included.
func (t *Tenant) Len() int { return t.journal.len() }

// Documents yields the log events the tenant ever had, expired ones included,
// in the order of their ids, as they are served when Pretty is off. Events
// added meanwhile are part of it where their ids lie ahead.
func (t *Tenant) Documents() iter.Seq2[tenantlog.ID, []byte] {
	return func(yield func(tenantlog.ID, []byte) bool) {
		const some = 1000
		var last tenantlog.ID
		for {
			events := t.journal.after(last, some)
			for _, e := range events {
				if !yield(e.id, t.appendDocument(nil, e)) {
					return
				}
				last = e.id
			}
			if len(events) < some {
				return
			}
		}
	}
}

func (t *Tenant) appendDocument(dst []byte, e event) []byte {
	if e.doc != "" {
		return append(dst, e.doc...)
	}
	return t.gen.append(dst, t.gen.draw(e.seq), e.id, e.date)
}

// appendServed is appendDocument in the form that the API serves.
func (t *Tenant) appendServed(dst []byte, e event) []byte {
	if !t.opt.Pretty {
		return t.appendDocument(dst, e)
	}
	var pretty bytes.Buffer
	// Only valid JSON is ever in the journal.
	_ = json.Indent(&pretty, t.appendDocument(nil, e), "", strings.Repeat(" ", 2))
	return append(dst, pretty.Bytes()...)
}
