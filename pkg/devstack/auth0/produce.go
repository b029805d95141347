package auth0

import "time"

// reserve takes n numbers for events to generate.
func (t *Tenant) reserve(n int) (first uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first = t.seq
	t.seq += uint64(n)
	return first
}

// Generate adds n log events whose indexing times spread evenly over from up
// to to. Their dates lie up to five seconds earlier, so they do not always
// ascend with the ids. Documents are decided by Options.Seed and by how many
// were generated before; they are made when they are read and not kept.
func (t *Tenant) Generate(n int, from, to time.Time) {
	first := t.reserve(n)
	step := to.Sub(from) / time.Duration(max(1, n))
	events := make([]event, n)
	for i := range events {
		place, jitter := i, t.gen.draw(first+uint64(i)).jitter
		if together := i - i%burst; t.gen.draw(first + uint64(together)).bursts {
			place, jitter = together, 0
		}
		indexed := from.Add(time.Duration(place)*step + time.Duration(jitter*float64(step)))
		events[i] = t.gen.newEvent(first+uint64(i), indexed)
	}
	t.journal.merge(events)
}

// production is the making of events as time goes by.
type production struct {
	every time.Duration
	from  time.Time
	made  int
}

// Live has the tenant produce log events from now on, at an even pace; zero
// ends it. They appear when log events are asked for, or by Tick.
func (t *Tenant) Live(perMinute float64) {
	t.Tick()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = production{from: t.opt.Now()}
	if perMinute > 0 {
		t.live.every = time.Duration(float64(time.Minute) / perMinute)
	}
}

// Tick adds the events that live production made since the last call, and
// returns their number.
func (t *Tenant) Tick() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live.every <= 0 {
		return 0
	}
	due := int(t.opt.Now().Sub(t.live.from) / t.live.every)
	var events []event
	for ; t.live.made < due; t.live.made++ {
		indexed := t.live.from.Add(time.Duration(t.live.made+1) * t.live.every)
		events = append(events, t.gen.newEvent(t.seq, indexed))
		t.seq++
	}
	if len(events) > 0 {
		t.journal.merge(events)
	}
	return len(events)
}

// emit adds one event of the given type, indexed now.
func (t *Tenant) emit(code string, now time.Time) {
	seq := t.reserve(1)
	e := t.gen.newEvent(seq, now)
	d := t.gen.draw(seq)
	d.code, d.shape = code, &t.gen.shapes[code][0]
	e.doc = string(t.gen.append(nil, d, e.id, e.date))
	t.journal.merge([]event{e})
}
