package export

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	// maxInFlight is how many batches are being delivered at once.
	maxInFlight = 4
	// maxWaiting is how many events may lie between the position and the end
	// of the walk before an unfilled batch is sent so that the position moves.
	maxWaiting = 5000
	// lookUpAt is how many doubtful events are looked up together: about what
	// one page of GetLogEvents holds.
	lookUpAt = 1000
	// saveEvery is how often progress is saved in a long run, and
	// checkpointEvery how often CHECKPOINT follows.
	saveEvery       = 5 * time.Second
	checkpointEvery = 10 * time.Second
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
	s     *state
	times times
	from  origin

	doubt    tenantlog.ID // events up to this id may be stored already
	doubtful []Rendered   // waiting to be looked up
	former   Target       // where an earlier run sent events, if it was elsewhere
	readable time.Time    // when all that earlier runs sent can be read
	ledger   ledger
	batcher  batcher

	results  chan delivered
	inFlight int
	handed   tenantlog.ID // the greatest id given to the sink
	unknown  map[string]bool
	gap      gapFinder
	caughtUp time.Time // set once the log was read to its end

	saved, checkpointed time.Time
	waitedBefore        time.Duration
}

// delivered is the end of one delivery.
type delivered struct {
	batch   *Batch
	receipt Receipt
	err     error
}

func newWalk(x *Exporter, r *Report, s *state, t times, from origin) *walk {
	limits := x.Sink.Limits()
	limits.Events = min(limits.Events, x.BatchSize)
	now := time.Now()
	return &walk{
		x: x, r: r, s: s, times: t, from: from,
		doubt:        s.record.High,
		former:       s.record.Target,
		readable:     s.readable(now, x.ReadLag),
		ledger:       ledger{position: from.after},
		batcher:      batcher{limits: limits},
		results:      make(chan delivered),
		unknown:      make(map[string]bool),
		gap:          newGapFinder(x.Retention, from, s.record.CaughtUp),
		saved:        now,
		checkpointed: now,
		waitedBefore: x.Source.Waited(),
	}
}

// run walks until it has caught up, the time is over, or something fails. When
// it returns, nothing that it started is still at work.
func (w *walk) run(ctx context.Context) error {
	pages, stop := w.x.startFetching(ctx, w.from.after, w.times.fetch)
	defer stop()
	deliverCtx, cancel := context.WithDeadline(ctx, w.times.deliver)
	defer cancel()
	err := w.take(ctx, deliverCtx, pages)
	if isFatal(err) {
		stop()
		return w.drain(err)
	}
	return w.drain(graver(err, w.flush(deliverCtx)))
}

// graver is the error that decides how the run ends: the first one, unless it
// only says that the time is over.
func graver(first, second error) error {
	if second == nil || first != nil && !isLimit(first) {
		return first
	}
	return second
}

// isLimit reports whether an error ends a run without making it a failure.
func isLimit(err error) bool { return errors.Is(err, ErrNoTime) || errors.Is(err, errTimeUp) }

// isFatal reports whether what was fetched before is not to be delivered
// either.
func isFatal(err error) bool {
	_, lost := errors.AsType[*lostError](err)
	_, failed := errors.AsType[*deliveryError](err)
	return lost || failed || errors.Is(err, errEdited)
}

// take handles the pages as they come and returns why they ended, nil where
// the walk has caught up.
func (w *walk) take(ctx, deliverCtx context.Context, pages <-chan fetched) error {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case p, ok := <-pages:
			if !ok {
				return nil
			}
			if err := w.page(deliverCtx, p); err != nil {
				return err
			}
		case d := <-w.results:
			if err := w.settle(d); err != nil {
				return err
			}
		case <-ticker.C:
		}
		if err := w.progress(ctx); err != nil {
			return err
		}
	}
}

// page takes in what a fetch gave.
func (w *walk) page(ctx context.Context, p fetched) error {
	for _, text := range p.warnings {
		w.r.warn("%s", text)
	}
	if p.err != nil {
		return p.err
	}
	w.r.Gap = w.gap.page(p)
	w.caughtUp = p.caughtUp
	for _, e := range p.events {
		if err := w.event(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// event decides what becomes of one event.
func (w *walk) event(ctx context.Context, e tenantlog.Event) error {
	w.r.Fetched++
	w.noteType(e.Type)
	if !w.x.Keep(e) {
		w.r.Filtered++
		w.ledger.skip(e.ID)
		return nil
	}
	out := w.x.Sink.Render(e)
	out.place = w.ledger.add(e.ID)
	if e.ID > w.doubt {
		if err := w.lookUp(ctx); err != nil {
			return err
		}
		return w.send(ctx, out)
	}
	out.Doubtful = true
	w.doubtful = append(w.doubtful, out)
	if len(w.doubtful) < lookUpAt {
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

// lookUp asks which of the doubtful events are stored already and sends the
// others.
func (w *walk) lookUp(ctx context.Context) error {
	if len(w.doubtful) == 0 {
		return nil
	}
	if err := w.awaitReadable(ctx); err != nil {
		return err
	}
	events := w.doubtful
	w.doubtful = nil
	present := make(map[tenantlog.ID]bool)
	for t, some := range w.places(events) {
		found, err := w.x.Sink.Find(ctx, t, some)
		switch {
		case errors.Is(err, ErrCannotRead):
			w.r.warn("%s in %s cannot be read back: events that an interrupted run may have sent are sent again (%v)", t.Stream, t.Group, err)
		case err != nil:
			return &deliveryError{err}
		}
		maps.Copy(present, found)
	}
	for _, e := range events {
		if present[e.ID] {
			w.r.Present++
			w.ledger.done(e.place)
		} else if err := w.send(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// places are the log streams that doubtful events may be in: their own, and,
// where the settings have changed since a run that did not end well, the one
// that it sent them to. (What a run that ended well has sent elsewhere is not
// looked for: a replay into a new stream exports everything.)
func (w *walk) places(events []Rendered) map[Target][]Rendered {
	places := make(map[Target][]Rendered)
	for _, e := range events {
		t := w.target(e)
		places[t] = append(places[t], e)
		if former := w.former.On(e.Time); w.former != (Target{}) && former != t && e.ID > w.from.open {
			places[former] = append(places[former], e)
		}
	}
	return places
}

// awaitReadable waits until what earlier runs sent can be read.
func (w *walk) awaitReadable(ctx context.Context) error {
	if !time.Now().Before(w.readable) {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(w.readable) {
		return errTimeUp
	}
	return pause(ctx, time.Until(w.readable))
}

// send puts an event into a batch and delivers the batches that are ready.
func (w *walk) send(ctx context.Context, e Rendered) error {
	for _, b := range w.batcher.add(w.target(e), e) {
		if err := w.deliver(ctx, b); err != nil {
			return err
		}
	}
	for w.ledger.waiting() > maxWaiting {
		b := w.batcher.oldest()
		if b == nil {
			return nil // all of it is on its way
		}
		if err := w.deliver(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// deliver starts the delivery of a batch, once there is room for it.
func (w *walk) deliver(ctx context.Context, b *Batch) error {
	if !w.s.claimed {
		if err := w.claim(ctx); err != nil {
			return err
		}
	}
	for w.inFlight == maxInFlight {
		if err := w.settle(<-w.results); err != nil {
			return err
		}
	}
	for _, e := range b.Events {
		w.handed = max(w.handed, e.ID)
	}
	w.inFlight++
	go func() {
		receipt, err := w.x.Sink.Deliver(ctx, b)
		w.results <- delivered{b, receipt, err}
	}()
	return nil
}

// deliveryError is an error of delivery: what was fetched later is not to be
// sent any more.
type deliveryError struct{ err error }

func (e *deliveryError) Error() string { return e.err.Error() }
func (e *deliveryError) Unwrap() error { return e.err }

// settle takes in the end of a delivery.
func (w *walk) settle(d delivered) error {
	w.inFlight--
	w.r.Batches += d.receipt.Puts
	w.r.Bytes += d.receipt.Bytes
	for _, text := range d.receipt.Warnings {
		w.r.warn("%s", text)
	}
	if d.err != nil {
		return &deliveryError{AsError(KindDelivery, d.err)}
	}
	for _, id := range d.receipt.Late {
		w.r.Late.Add(id)
	}
	for _, id := range d.receipt.Slimmed {
		w.r.Slimmed.Add(id)
	}
	w.r.Present += len(d.receipt.Present)
	w.r.Exported += len(d.batch.Events) - len(d.receipt.Present)
	for _, e := range d.batch.Events {
		switch e.Form {
		case Slimmed:
			w.r.Slimmed.Add(e.ID)
		case Wrapped:
			w.r.Wrapped.Add(e.ID)
		case Plain:
		}
		w.ledger.done(e.place)
	}
	return nil
}

// flush sends everything that is still held back for more.
func (w *walk) flush(ctx context.Context) error {
	if err := w.lookUp(ctx); err != nil {
		return err
	}
	for _, b := range w.batcher.flush() {
		if err := w.deliver(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// drain waits for all deliveries and returns err with what they add to it.
func (w *walk) drain(err error) error {
	for w.inFlight > 0 {
		err = graver(err, w.settle(<-w.results))
	}
	return err
}

func (w *walk) claim(ctx context.Context) error {
	return w.s.claim(ctx, w.x.claimEnd(w.times), w.x.Target)
}

// progress saves how far a long run has come, from time to time, and looks
// whether an operator has other wishes. A write that fails is no matter here:
// the next one, or the run's end, makes good for it.
func (w *walk) progress(ctx context.Context) error {
	if !w.s.claimed || time.Since(w.saved) < saveEvery {
		return nil
	}
	w.saved = time.Now()
	err := w.s.edited(ctx)
	if err == nil {
		w.s.record.Position = w.ledger.position
		err = w.saveProgress(ctx)
	}
	if _, lost := errors.AsType[*lostError](err); lost || errors.Is(err, errEdited) {
		return err
	}
	return nil
}

func (w *walk) saveProgress(ctx context.Context) error {
	due := time.Since(w.checkpointed) >= checkpointEvery && w.s.announceCheckpoint()
	if err := w.s.save(ctx); err != nil || !due {
		return err
	}
	w.checkpointed = time.Now()
	return w.s.writeCheckpoint(ctx)
}

// close puts the walk's end into the record and the report.
func (w *walk) close(err error) {
	if err == nil {
		w.s.record.CaughtUp = w.caughtUp
	}
	w.r.To = w.ledger.position
	w.r.Waits.RateLimitSeconds = (w.x.Source.Waited() - w.waitedBefore).Seconds()
	w.s.record.Position = w.ledger.position
	// A time in place of an id says only until when a run that did not end well
	// may have been at work: a walk to the end has come past all it can have
	// sent.
	high := max(w.handed, w.ledger.position)
	if err != nil || !w.doubt.Made() {
		high = max(high, w.doubt)
	}
	w.s.record.High = high
}
