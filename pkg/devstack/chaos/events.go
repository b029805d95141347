package chaos

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	// lateness is how long after its time an event may come into Auth0's
	// index: less than the function waits for.
	lateness = 2500 * time.Millisecond
	// past is how long ago events happen that the function need not wait for,
	// and moment the time from one of their moments to the next.
	past   = 10 * time.Minute
	moment = 5 * time.Second
)

// now lets something happen at the tenant at a present time: one in which no
// event was exported yet.
func (st *stage) now(do func(from, to time.Time)) {
	st.clock.Lock()
	defer st.clock.Unlock()
	to := time.Now()
	if !st.Scene.Fresh {
		st.moments++
		to = st.began.Add(time.Duration(st.moments)*moment - past)
	}
	do(to.Add(-lateness), to)
}

// happen lets log events come about. Fresh ones are of the last seconds, and
// indexed late among others that may have been answered already.
func happen(st *stage, a Act) {
	st.now(func(from, to time.Time) { st.tenant.Generate(a.N, from, to) })
	st.tell("%d log events happen", a.N)
}

func happenOdd(st *stage, a Act) {
	names := oddNames()
	st.now(func(from, to time.Time) {
		st.add(names[a.N%len(names)], from.Add(time.Duration(a.Where*float64(to.Sub(from)))))
	})
}

// odd makes the documents of log events that are awkward to store, indexed
// from at on. n is the number of the first.
type odd func(at time.Time, n uint64) []string

func odds() map[string]odd {
	return map[string]odd{
		"too old":      dated(func(at time.Time) any { return at.Add(-20 * 24 * time.Hour) }),
		"too new":      dated(func(at time.Time) any { return at.Add(3 * time.Hour) }),
		"without date": dated(func(time.Time) any { return nil }),
		"dated by an object": dated(func(at time.Time) any {
			return map[string]any{"$date": at.UTC().Format(time.RFC3339Nano)}
		}),
		"too large":      body("x", 1_200_000),
		"just too large": body("y", 1_048_400),
		"with metrics":   one(func(doc map[string]any) { doc["_aws"] = map[string]any{"CloudWatchMetrics": []any{}} }),
		"over several lines": func(at time.Time, n uint64) []string {
			text, _ := json.MarshalIndent(document(at, n, at), "", "\t") // maps of strings can be encoded
			return []string{string(text)}
		},
		"no UTF-8": func(at time.Time, n uint64) []string {
			return []string{strings.Replace(one(nil)(at, n)[0], "odd", "\xff\xfe", 1)}
		},
		"of one millisecond":    many(func(at time.Time, _ int) time.Time { return at }),
		"dated against its ids": many(func(at time.Time, i int) time.Time { return at.Add(-time.Duration(i) * time.Second) }),
		"of many days at once":  many(func(at time.Time, i int) time.Time { return at.Add(-time.Duration(i%15) * 26 * time.Hour) }),
	}
}

func oddNames() []string { return slices.Sorted(maps.Keys(odds())) }

// add adds odd log events.
func (st *stage) add(name string, at time.Time) {
	for _, doc := range odds()[name](at, st.number()) {
		if err := st.tenant.Add(doc); err != nil {
			st.problem("add an event %s: %v", name, err)
		}
	}
	st.tell("a log event %s happens", name)
}

// rowLength is how many log events an odd row of them has.
const rowLength = 150

func document(at time.Time, n uint64, date any) map[string]any {
	doc := map[string]any{
		"log_id": string(auth0.MakeID(at, n)), "type": "s", "description": "odd", "n": json.Number("1.50"),
	}
	if t, ok := date.(time.Time); ok {
		date = t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if date != nil {
		doc["date"] = date
	}
	return doc
}

func encoded(doc map[string]any) string {
	text, _ := json.Marshal(doc) // maps of strings can be encoded
	return string(text)
}

func dated(date func(at time.Time) any) odd {
	return func(at time.Time, n uint64) []string { return []string{encoded(document(at, n, date(at)))} }
}

func one(change func(doc map[string]any)) odd {
	return func(at time.Time, n uint64) []string {
		doc := document(at, n, at)
		if change != nil {
			change(doc)
		}
		return []string{encoded(doc)}
	}
}

func body(letter string, n int) odd {
	return one(func(doc map[string]any) {
		doc["details"] = map[string]any{"request": map[string]any{"body": strings.Repeat(letter, n)}, "session": "kept"}
	})
}

// many makes a row of events indexed at once, with dates of their own.
func many(date func(at time.Time, i int) time.Time) odd {
	return func(at time.Time, n uint64) []string {
		var docs []string
		for i := range rowLength {
			docs = append(docs, encoded(document(at, n+uint64(i), date(at, i))))
		}
		return docs
	}
}

// newest is the time of indexing of the tenant's last event, zero without any.
func (st *stage) newest() (id tenantlog.ID, at time.Time) {
	for last := range st.tenant.Documents() {
		id = last
	}
	at, _ = id.Time()
	return id, at
}
