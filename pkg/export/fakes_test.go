package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// world is everything outside a run, in memory: the tenant's log, the log
// streams and the parameters. It counts the calls from the run and can break
// one of them.
type world struct {
	mu    sync.Mutex
	now   time.Time
	calls int
	// failAt is the number of the call that fails, 0 for none; lose says that
	// it takes effect all the same.
	failAt int
	lose   bool
	// killed fails every call after failAt too: the run is dead.
	killed bool

	log     []tenantlog.Event
	streams map[Target][]Rendered
	params  map[string][]Parameter
	told    []Report
	// hook is called with each call's name, one call at a time.
	hook func(call string)

	made madeIDs
	// concurrency is what the rate limit leaves room for.
	concurrency int
	unread      bool
	puts        int
}

var errBroken = errors.New("broken on purpose")

func newWorld() *world {
	return &world{
		now:     time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		streams: make(map[Target][]Rendered),
		params:  make(map[string][]Parameter),
	}
}

// call counts a call, and runs it unless it is the one to fail.
func (w *world) call(name string, effect func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hook != nil {
		w.hook(name)
	}
	w.calls++
	failing := w.failAt > 0 && (w.calls == w.failAt || w.killed && w.calls > w.failAt)
	if failing && (!w.lose || w.calls > w.failAt) {
		return errBroken
	}
	err := effect()
	if failing {
		return errBroken
	}
	return err
}

// add puts n events into the tenant's log, a second apart from the first.
func (w *world) add(n int, first time.Time) {
	for i := range n {
		at := first.Add(time.Duration(i) * time.Second)
		id := tenantlog.At(at)[:53] + tenantlog.ID(fmt.Sprintf("%03d", 1+len(w.log)%999))
		w.log = append(w.log, tenantlog.Event{ID: id, Type: "s", Date: at.Add(-time.Second), Raw: fmt.Appendf(nil, `{"log_id":%q}`, id)})
	}
	slices.SortFunc(w.log, func(a, b tenantlog.Event) int { return cmp.Compare(a.ID, b.ID) })
}

const fakePage = 10

// Page implements Source.
func (w *world) Page(_ context.Context, after tenantlog.ID) (page tenantlog.Page, err error) {
	err = w.call("page", func() error {
		page = tenantlog.Page{ServerTime: w.now, Next: after}
		made := accepted
		if after.Made() {
			made = w.made
		}
		log, err := made.answer(w.log, after)
		for _, e := range log {
			if len(page.Events) < fakePage {
				page.Events = append(page.Events, e)
				page.Next = e.ID
			}
		}
		return err
	})
	return page, err
}

// Since implements Source.
func (w *world) Since(_ context.Context, t time.Time) (page tenantlog.Page, err error) {
	err = w.call("since", func() error {
		page.ServerTime = w.now
		for _, e := range w.log {
			if !e.Date.Before(t) && len(page.Events) < fakePage {
				page.Events = append(page.Events, e)
			}
		}
		slices.Reverse(page.Events)
		return nil
	})
	return page, err
}

// Concurrency implements Source.
func (w *world) Concurrency() int { return max(1, w.concurrency) }

// Waited implements Source.
func (w *world) Waited() time.Duration { return 0 }

// Limits implements Sink.
func (w *world) Limits() Limits { return Limits{Events: 10_000, Bytes: 1 << 20, Span: 24 * time.Hour} }

// Render implements Sink.
func (w *world) Render(e tenantlog.Event) Rendered {
	return Rendered{ID: e.ID, Time: e.Date, Message: e.Raw, Size: len(e.Raw) + 26}
}

// Find implements Sink.
func (w *world) Find(_ context.Context, t Target, events []Rendered) (found map[tenantlog.ID]bool, err error) {
	err = w.call("find", func() error {
		if w.unread {
			return fmt.Errorf("%w: denied", ErrCannotRead)
		}
		found = make(map[tenantlog.ID]bool)
		for _, stored := range w.streams[t] {
			if slices.ContainsFunc(events, func(e Rendered) bool { return e.ID == stored.ID }) {
				found[stored.ID] = true
			}
		}
		return nil
	})
	return found, err
}

// Deliver implements Sink.
func (w *world) Deliver(ctx context.Context, b *Batch) (r Receipt, err error) {
	if err := ctx.Err(); err != nil {
		return r, err
	}
	err = w.call("deliver", func() error {
		w.puts++
		w.streams[b.Target] = append(w.streams[b.Target], b.Events...)
		r = Receipt{Puts: 1}
		for _, e := range b.Events {
			r.Bytes += int64(e.Size)
		}
		return nil
	})
	if err != nil {
		return Receipt{}, &Error{Kind: KindDelivery, Text: "not delivered", Err: err}
	}
	return r, nil
}

// Get implements Parameters.
func (w *world) Get(_ context.Context, name string, version int64) (p Parameter, err error) {
	err = w.call("get "+name, func() error {
		p, err = w.version(name, version)
		return err
	})
	return p, err
}

func (w *world) version(name string, version int64) (Parameter, error) {
	history := w.params[name]
	if version == 0 {
		version = int64(len(history))
	}
	if version < 1 || version > int64(len(history)) {
		return Parameter{}, ErrNoParameter
	}
	return history[version-1], nil
}

// Put implements Parameters.
func (w *world) Put(_ context.Context, name, value string) (version int64, err error) {
	err = w.call("put "+name, func() error {
		version = w.set(name, value)
		return nil
	})
	return version, err
}

// Delete implements Parameters.
func (w *world) Delete(_ context.Context, name string) error {
	return w.call("delete "+name, func() error {
		delete(w.params, name)
		return nil
	})
}

// set writes a parameter as an operator does.
func (w *world) set(name, value string) int64 {
	v := int64(len(w.params[name])) + 1
	w.params[name] = append(w.params[name], Parameter{Value: value, Version: v, Modified: w.now})
	return v
}

func (w *world) current(name string) Parameter {
	p, _ := w.version(name, 0)
	return p
}

var mainTarget = Target{"group", "stream"}

// exporter is an exporter of everything into one stream, changed by edit.
func (w *world) exporter(edit func(*Exporter)) *Exporter {
	x := &Exporter{
		Options: Options{
			Tenant:    "acme",
			BatchSize: 7,
			Keep:      func(tenantlog.Event) bool { return true },
			Target:    mainTarget,
			Slack:     SlackSettings{DigestHour: -1},
		},
		Source: w, Sink: w, Parameters: w,
		Publish: func(_ context.Context, r Report) error {
			w.told = append(w.told, r)
			return nil
		},
		Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now
		},
		Grace: time.Minute,
	}
	if edit != nil {
		edit(x)
	}
	return x
}

// run runs once, as an invocation does.
func (w *world) run(t *testing.T, edit func(*Exporter)) Report {
	t.Helper()
	return w.exporter(edit).Run(t.Context(), w.current(RunName), w.current(CheckpointName))
}

// after makes time pass.
func (w *world) after(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// check compares what is stored with the tenant's log: each event from the
// first on exactly once.
func (w *world) check(t *testing.T) {
	t.Helper()
	count := make(map[tenantlog.ID]int)
	for _, events := range w.streams {
		for _, e := range events {
			count[e.ID]++
		}
	}
	for _, e := range w.log {
		if n := count[e.ID]; n != 1 {
			t.Errorf("event %s is stored %d times, want once", e.ID, n)
		}
		delete(count, e.ID)
	}
	for id := range count {
		t.Errorf("event %s is stored and not in the log", id)
	}
}

// settledLog is a world with n events, old enough to be taken.
func settledLog(n int) *world {
	w := newWorld()
	w.add(n, w.now.Add(-time.Hour))
	return w
}
