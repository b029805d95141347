package export

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	// maxInFlight is how many batches are being delivered at once.
	maxInFlight = 8
	// maxWaiting is how many events may lie between the position and the end
	// of the walk before an unfilled batch is sent so that the position moves.
	maxWaiting = 5000
	// lookUpAt is how many doubtful events are looked up together: about what
	// one page of GetLogEvents holds.
	lookUpAt = 1000
	// lookUpBytes is how much of them is held at most.
	lookUpBytes = 4 << 20
	// saveEvery is how often progress is saved in a long run. Where Parameter
	// Store is busy it is less often, down to maxSaveEvery.
	saveEvery    = 5 * time.Second
	maxSaveEvery = 30 * time.Second
	// saveTime is how long a save may take: so long the end of a run may have to
	// wait for it.
	saveTime = 3 * time.Second
)

// errTimeUp says that the run's time is over with more to fetch.
var errTimeUp = errors.New("the run's time is over")

// walk is one run's way through the log: pages come in from the fetcher, each
// event is left out, found to be stored already, or put in a batch, batches
// are delivered several at once, and the position follows. All of it but the
// calls to the services happens on the goroutine of run.
type walk struct {
	x     *Exporter
	r     *Report
	book  logbook
	times times
	route

	doubtful      []Rendered // waiting to be looked up, doubtfulBytes of them
	doubtfulBytes int
	ledger        ledger
	batcher       batcher

	results  chan delivered
	inFlight int
	handed   tenantlog.ID // the greatest id given to the sink
	unknown  map[string]bool
	gap      gapFinder
	caughtUp time.Time // set once the log was read to its end

	claimed bool
	// saves gives the end of the save that is under way, which has the state to
	// itself meanwhile.
	saves        chan error
	saving       bool
	saved        time.Time
	saveEvery    time.Duration
	waitedBefore time.Duration
}

// logbook is where a walk's progress is written down, for a later run to go on
// from there.
type logbook interface {
	// claim is called before the first event is handed over. Without it no
	// event is.
	claim(ctx context.Context) error
	// note takes down the position, and save writes what was noted, from time to
	// time and beside the walk: no note is taken meanwhile. An error that
	// endsWalk ends the walk; another means that the next save has to make good
	// for it.
	note(position tenantlog.ID)
	save(ctx context.Context) error
}

// route is which part of the log a walk goes over, and what is known of it.
type route struct {
	from origin
	// to is the last id, "" where the walk goes on to the log's end.
	to tenantlog.ID
	// seen is the id of an event that there is, "" where none is known.
	seen tenantlog.ID
	// doubt is the id up to which events may be stored already.
	doubt tenantlog.ID
	// mustRead ends the walk where a log stream cannot be read, rather than have
	// it store again what it may hold.
	mustRead bool
	// former is where earlier runs sent events, if it was elsewhere.
	former []Target
	// readable is when all that earlier runs sent can be read.
	readable time.Time
}

func newWalk(x *Exporter, r *Report, book logbook, t times, way route) *walk {
	limits := x.Sink.Limits()
	limits.Events = min(limits.Events, x.BatchSize)
	now := time.Now()
	return &walk{
		x: x, r: r, book: book, times: t, route: way,
		ledger:       ledger{position: way.from.after},
		batcher:      batcher{limits: limits},
		results:      make(chan delivered),
		saves:        make(chan error, 1),
		unknown:      make(map[string]bool),
		gap:          newGapFinder(x.Retention, way.from),
		saved:        now,
		saveEvery:    saveEvery,
		waitedBefore: x.Source.Waited(),
	}
}

// run walks until it has caught up, the time is over, or something fails. When
// it returns, nothing that it started is still at work.
func (w *walk) run(ctx context.Context) error {
	reader := w.x.reader()
	reader.Seen = w.seen
	pages, stop := reader.start(ctx, w.from.after, w.to, w.times.fetch)
	defer stop()
	deliverCtx, cancel := context.WithDeadline(ctx, w.times.deliver)
	defer cancel()
	err := w.take(deliverCtx, pages)
	if isFatal(err) {
		stop()
		return w.drain(err)
	}
	return w.drain(graver(err, w.flush(deliverCtx)))
}

// graver is the error that decides how the run ends: the first one, unless it
// only says that the time is over.
func graver(first, second error) error {
	if second == nil || first != nil && !IsLimit(first) {
		return first
	}
	return second
}

// IsLimit reports whether an error ends a run without making it a failure.
func IsLimit(err error) bool { return errors.Is(err, ErrNoTime) || errors.Is(err, errTimeUp) }

// isFatal reports whether what was fetched before is not to be delivered
// either.
func isFatal(err error) bool {
	_, failed := errors.AsType[*deliveryError](err)
	return failed || endsWalk(err)
}

// endsWalk reports whether an error of a save says that the walk is no longer
// wanted.
func endsWalk(err error) bool {
	return IsLost(err) || errors.Is(err, errEdited) || errors.Is(err, errGone) || errors.Is(err, errOvertaken)
}

// take handles the pages as they come and returns why they ended, nil where
// the walk has caught up.
func (w *walk) take(ctx context.Context, pages <-chan fetched) error {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case p, ok := <-pages:
			if !ok {
				return w.ended()
			}
			if err := w.page(ctx, p); err != nil {
				return err
			}
		case d := <-w.results:
			if err := w.settle(d); err != nil {
				return err
			}
		case err := <-w.saves:
			if err := w.endSave(err); err != nil {
				return err
			}
		case <-ticker.C:
		}
		w.progress(ctx)
	}
}

// ended tells why there are no more pages.
func (w *walk) ended() error {
	if w.caughtUp.IsZero() {
		return errTimeUp
	}
	return nil
}

// page takes in what a fetch gave.
func (w *walk) page(ctx context.Context, p fetched) error {
	for _, text := range p.warnings {
		w.r.Warn("%s", text)
	}
	if p.err != nil {
		return p.err
	}
	w.r.Gap = w.gap.page(p)
	w.caughtUp = p.caughtUp
	// An event that is kept keeps its whole page in memory, unless it has a
	// copy of its own.
	sparse := slices.ContainsFunc(p.events, func(e tenantlog.Event) bool { return !w.x.Keep(e) })
	for _, e := range p.events {
		if err := w.event(ctx, e, sparse); err != nil {
			return err
		}
	}
	return nil
}

// event decides what becomes of one event, of a page that is left out for the
// most part or not.
func (w *walk) event(ctx context.Context, e tenantlog.Event, sparse bool) error {
	w.r.Fetched++
	w.noteType(e.Type)
	if !w.x.Keep(e) {
		w.r.Filtered++
		w.ledger.skip(e.ID)
		return nil
	}
	out := w.x.Sink.Render(e)
	if sparse {
		out.Message = bytes.Clone(out.Message)
	}
	out.place = w.ledger.add(e.ID)
	if e.ID > w.doubt {
		if err := w.lookUp(ctx); err != nil {
			return err
		}
		return w.send(ctx, out)
	}
	out.Doubtful = true
	w.doubtful = append(w.doubtful, out)
	w.doubtfulBytes += out.Size
	if len(w.doubtful) < lookUpAt && w.doubtfulBytes < lookUpBytes {
		return nil
	}
	return w.lookUp(ctx)
}

// maxUnknown bounds how many unknown type codes a report names.
const maxUnknown = 20

func (w *walk) noteType(code string) {
	if _, known := tenantlog.LookupType(code); known || code == "" || w.unknown[code] || len(w.unknown) >= maxUnknown {
		return
	}
	w.unknown[code] = true
	w.r.UnknownTypes = append(w.r.UnknownTypes, code)
	slices.Sort(w.r.UnknownTypes)
}

// target is the log stream of an event, by the UTC day of its own date.
func (w *walk) target(e Rendered) Target { return w.x.Target.On(e.Time) }

func (w *walk) claim(ctx context.Context) error {
	err := w.book.claim(ctx)
	w.claimed = err == nil
	return err
}

// progress has a long run saved, from time to time, and looks whether an
// operator has other wishes. The walk goes on meanwhile.
func (w *walk) progress(ctx context.Context) {
	if !w.claimed || w.saving || time.Since(w.saved) < w.saveEvery {
		return
	}
	w.saving = true
	w.book.note(w.ledger.position)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, saveTime)
		defer cancel()
		w.saves <- w.book.save(ctx)
	}()
}

// endSave takes in the end of a save. That it failed is no matter here: the
// next one, or the run's end, makes good for it.
func (w *walk) endSave(err error) error {
	w.saving, w.saved = false, time.Now()
	if endsWalk(err) {
		return err
	}
	if err == nil {
		w.saveEvery = saveEvery
	} else {
		w.saveEvery = min(2*w.saveEvery, maxSaveEvery)
	}
	return nil
}

// close puts the walk's end into the report.
func (w *walk) close() {
	w.r.To = w.ledger.position
	w.r.Waits.RateLimitSeconds = (w.x.Source.Waited() - w.waitedBefore).Seconds()
}

// high is the greatest id that may have been handed over, after a walk that
// ended with the error. A time in place of an id says only until when a run
// that did not end well may have been at work: a walk to the end has come past
// all it can have sent.
func (w *walk) high(err error) tenantlog.ID {
	high := max(w.handed, w.ledger.position)
	if err != nil || !w.doubt.Made() {
		high = max(high, w.doubt)
	}
	return high
}
