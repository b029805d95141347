package verify

import (
	"cmp"
	"context"
	"errors"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	// atOnce is how many events are looked for together: about what one page of
	// GetLogEvents holds. atOnceBytes is how much of them is held at most.
	atOnce      = 1000
	atOnceBytes = 4 << 20
	// saveEvery is how often what was compared is saved.
	saveEvery = 5 * time.Second
)

// compare goes over what is left of the log and counts. What it has counted and
// how far it came are saved together, so that a run that is killed counts
// nothing twice.
func (w *work) compare(ctx context.Context) error {
	// What the export has stored just before may not be readable yet.
	if err := export.Pause(ctx, w.v.ReadLag); err != nil {
		return err
	}
	w.saved = time.Now()
	rec := w.Record
	if rec.Runs > 1 {
		w.overtaken()
	}
	w.found = findingsOf(&rec.Verification)
	batch := batch{w: w}
	seen, err := w.Seen()
	if err != nil {
		return err
	}
	reader := export.Reader{Source: w.v.Source, Now: w.Now, Seen: seen, Warn: w.warn}
	before := w.v.Source.Waited()
	err = reader.Read(ctx, tenantlog.Stretch{After: rec.Position, To: rec.To}, w.Fetch, func(events []tenantlog.Event) error {
		return batch.add(ctx, events)
	})
	w.Report.Waits.RateLimitSeconds = (w.v.Source.Waited() - before).Seconds()
	if err == nil || export.IsLimit(err) {
		if last := batch.compare(w.StateCtx); last != nil {
			err = last
		}
	}
	return err
}

// overtaken notes what of the range Auth0 may have deleted since the last run.
func (w *work) overtaken() {
	rec := &w.Record.Verification
	from, to, ok := tenantlog.Stretch{After: rec.Position, To: rec.To}.Times()
	kept := w.Now().Add(-cmp.Or(w.v.Retention, tenantlog.MaxRetention)).UTC()
	if from.Before(rec.Kept) {
		from = rec.Kept
	}
	if kept.After(to) {
		kept = to
	}
	if !ok || !from.Before(kept) {
		return
	}
	if rec.Expired == nil {
		rec.Expired = &export.Gap{From: from}
	}
	rec.Expired.To = kept
}

// batch is events that are looked for together, and what was passed on the way.
type batch struct {
	w                 *work
	events            []export.Rendered
	types             map[tenantlog.ID]string
	bytes             int
	fetched, filtered int
	last              tenantlog.ID
}

// add takes in a page, and compares once there is enough.
func (b *batch) add(ctx context.Context, events []tenantlog.Event) error {
	for _, e := range events {
		b.fetched++
		b.last = e.ID
		if !b.w.v.Keep(e) {
			b.filtered++
			continue
		}
		if b.types == nil {
			b.types = make(map[tenantlog.ID]string, atOnce)
		}
		out := b.w.v.Stored.Render(e)
		b.bytes += out.Size
		out.Message = nil // what it says does not matter
		b.types[e.ID] = e.Type
		b.events = append(b.events, out)
	}
	if len(b.events) < atOnce && b.bytes < atOnceBytes && b.fetched < 10*atOnce {
		return nil
	}
	return b.compare(ctx)
}

// compare looks for the events, counts, and moves the position past them.
func (b *batch) compare(ctx context.Context) error {
	if b.last == "" {
		return nil
	}
	copies, elsewhere, err := b.find(ctx)
	if err != nil {
		return err
	}
	rec := &b.w.Record.Verification
	rec.Fetched += b.fetched
	rec.Filtered += b.filtered
	rec.Expected += len(b.events)
	b.w.Report.Fetched += b.fetched
	b.w.Report.Filtered += b.filtered
	for _, e := range b.events {
		switch n := copies[e.ID]; {
		case n > 0:
			rec.Stored++
			if n > 1 {
				b.w.found.double(e, b.types[e.ID])
			}
		case elsewhere[e.ID] != "":
			rec.Stored++
			rec.Elsewhere++
		default:
			b.w.found.missing(e, b.types[e.ID])
		}
	}
	rec.Position = b.last
	b.w.found.write()
	*b = batch{w: b.w}
	return b.save(ctx)
}

// find looks for the events where they belong, and for those that are not there
// in the other streams of the group.
func (b *batch) find(ctx context.Context) (copies map[tenantlog.ID]int, elsewhere map[tenantlog.ID]string, err error) {
	copies = make(map[tenantlog.ID]int, len(b.events))
	elsewhere = make(map[tenantlog.ID]string)
	byTarget := make(map[export.Target][]export.Rendered)
	for _, e := range b.events {
		t := b.w.Record.Target.On(e.Time)
		byTarget[t] = append(byTarget[t], e)
	}
	for t, events := range byTarget {
		found, err := b.w.v.Stored.Copies(ctx, t, events)
		if err != nil {
			return nil, nil, cannotRead(err, t)
		}
		var absent []export.Rendered
		for _, e := range events {
			if copies[e.ID] = found[e.ID]; found[e.ID] == 0 {
				absent = append(absent, e)
			}
		}
		if len(absent) == 0 {
			continue
		}
		others, err := b.w.v.Stored.Elsewhere(ctx, t, absent)
		if errors.Is(err, export.ErrCannotRead) {
			b.w.warn("the other streams of " + t.Group + " cannot be searched: what is there alone counts as missing (logs:FilterLogEvents is not allowed)")
			continue
		}
		if errors.Is(err, export.ErrNoGroup) {
			b.w.warn("there is no log group " + t.Group + ", in the region and the account of the settings: all of its events count as missing")
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for id, stream := range others {
			if stream == t.Stream {
				copies[id] = 1 // readable only just now
				continue
			}
			elsewhere[id] = stream
			b.w.warn("events are in " + stream + " alone")
		}
	}
	return copies, elsewhere, nil
}

// cannotRead is the error of a stream that may not be read.
func cannotRead(err error, t export.Target) error {
	if !errors.Is(err, export.ErrCannotRead) {
		return err
	}
	return &export.Error{Kind: export.KindPermission, Err: err,
		Text: "Log stream " + t.Stream + " in log group " + t.Group + " cannot be read, so nothing can be compared.",
		Fix:  "allow logs:GetLogEvents on it; a group of the class Infrequent Access cannot be read by the function."}
}

// warn adds a warning, each text once.
func (w *work) warn(text string) { w.Report.Warn("%s", text) }

// save saves from time to time. That it failed is no matter, unless the
// verification was taken away: the next save makes good for it.
func (b *batch) save(ctx context.Context) error {
	if time.Since(b.w.saved) < saveEvery {
		return nil
	}
	b.w.saved = time.Now()
	if err := b.w.Save(ctx); export.IsLost(err) || errors.Is(err, errStopped) {
		return err
	}
	return nil
}
