package export

import "context"

// delivered is the end of one delivery.
type delivered struct {
	batch   *Batch
	receipt Receipt
	err     error
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
	if !w.claimed {
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
		w.r.Warn("%s", text)
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

// drain waits for all that is under way and returns err with what that adds to
// it.
func (w *walk) drain(err error) error {
	if w.saving {
		err = graver(err, w.endSave(<-w.saves))
	}
	for w.inFlight > 0 {
		err = graver(err, w.settle(<-w.results))
	}
	return err
}
