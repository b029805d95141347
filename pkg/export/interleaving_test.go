package export

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestInterleavings plays runs of one tenant against each other, a call at a
// time, in any order, with calls that fail, replies that are lost, reads that
// are stale, runs that die, time that passes, an operator who edits CHECKPOINT,
// and replays that are opened, carried on and stopped. In the end, after an
// undisturbed run, each event must be stored exactly once, each edit acted on
// that was not followed by another, and of each replay that is said to be done
// every event be where it was to go, once.
func TestInterleavings(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tape := rapid.SliceOfN(rapid.ByteRange(0, 255), 20, 400).Draw(rt, "tape")
		var problem string
		synctest.Test(t, func(t *testing.T) { problem = play(t.Context(), tape) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

// stage is where the runs are played: all their calls wait here to be let
// through.
type stage struct {
	*world
	ctx     context.Context
	pending []*pendingCall
	runs    []*playedRun
	edits   []edit
	replays []Replay // those that are said to be done
	removed map[tenantlog.ID]bool
	asked   map[tenantlog.ID]int64 // the last step at which a page after the id was asked for
	step    atomic.Int64

	telling sync.Mutex
	story   []string
}

type pendingCall struct {
	run    *playedRun
	name   string
	answer chan verdict
}

// verdict is what becomes of a call.
type verdict int

const (
	pass verdict = iota
	fail
	loseReply
	stale
)

// playedPage is small enough for several fetchers to find work.
const playedPage = 2

type playedRun struct {
	stage *stage
	name  string
	dead  bool
	done  bool
	// prompt is how long a read of the newest version may be stale, 0 for any
	// time. A replay and the live export that meet count on it.
	prompt time.Duration
}

// replayLag is how long a replay waits for what was written to be readable.
const replayLag = 4 * time.Second

var replayTarget = Target{"group", "replay"}

type edit struct {
	value string
	id    tenantlog.ID
	step  int64
}

// play plays the tape and returns what is wrong in the end, "" for nothing.
func play(ctx context.Context, tape []byte) string {
	s := &stage{world: newWorld(), ctx: ctx, asked: make(map[tenantlog.ID]int64), removed: make(map[tenantlog.ID]bool)}
	s.add(25, s.now.Add(-time.Hour))
	for _, b := range tape {
		s.step.Add(1)
		synctest.Wait()
		s.act(b)
	}
	return s.conclude()
}

// act does one thing, as the byte of the tape says.
func (s *stage) act(b byte) {
	pending := s.waiting()
	switch what := int(b) % 16; {
	case what == 0 && s.active() < 3:
		s.start()
	case what == 1:
		s.pass(time.Duration(1+int(b)/16) * time.Second)
	case what == 2 && b > 200:
		s.pass(7 * time.Minute)
	case what == 3 && b > 100:
		s.edit()
	case what == 4 && b > 200 && len(pending) > 0:
		s.kill(pending[int(b)%len(pending)].run)
	case what == 5 && b > 128:
		s.happen()
	case what == 6 && b > 128 && s.active() < 3:
		s.replay(b)
	case what == 7 && b > 180 && s.active() < 3:
		s.carryOn(b)
	case len(pending) > 0:
		s.let(pending[int(b/16)%len(pending)], verdictOf(b))
	case s.active() == 0:
		s.start()
	}
}

// verdictOf lets most calls pass.
func verdictOf(b byte) verdict {
	switch {
	case b%16 == 15 && b > 128:
		return fail
	case b%16 == 14 && b > 128:
		return loseReply
	case b%16 == 13 && b > 128:
		return stale
	}
	return pass
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// waiting are the calls that wait to be let through, the first first.
func (s *stage) waiting() []*pendingCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pending)
}

func (s *stage) active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.runs {
		if !r.done {
			n++
		}
	}
	return n
}

func (s *stage) tell(format string, args ...any) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.story = append(s.story, fmt.Sprintf("%3d ", s.step.Load())+fmt.Sprintf(format, args...))
}

// pass lets time go by; what waits for the clock wakes up.
func (s *stage) pass(d time.Duration) {
	s.tell("%s pass", d)
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	time.Sleep(d)
}

// edit writes a time to CHECKPOINT, as an operator does: each time another
// one, before the first event.
func (s *stage) edit() {
	at := s.log[0].Date.Add(time.Duration(len(s.edits)-3600) * time.Second).UTC()
	e := edit{value: at.Format(time.RFC3339), id: tenantlog.At(at), step: s.step.Load()}
	s.edits = append(s.edits, e)
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.set(CheckpointName, e.value)
	s.tell("the operator writes %s as version %d", e.value, v)
}

// happen adds an event, old enough to be taken, unless the log's last one is
// as young: ids never come below one that was served.
func (s *stage) happen() {
	at := s.clock().Add(-settleTime - time.Second)
	if last, _ := s.log[len(s.log)-1].ID.Time(); at.Sub(last) >= time.Second {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.add(1, at)
	}
}

func (s *stage) start() {
	r := &playedRun{stage: s, name: string(rune('A' + len(s.runs)%26))}
	s.runs = append(s.runs, r)
	s.mu.Lock()
	run, checkpoint := s.current(RunName), s.current(CheckpointName)
	s.mu.Unlock()
	s.tell("run %s starts with RUN %d and CHECKPOINT %d", r.name, run.Version, checkpoint.Version)
	x := s.played(r)
	r.goes(func(ctx context.Context) { x.Run(ctx, run, checkpoint) })
}

// played is an exporter whose calls are those of the run.
func (s *stage) played(r *playedRun) *Exporter {
	return s.exporter(func(x *Exporter) {
		x.Source, x.Sink, x.Parameters = r, r, r
		x.Replay = s.current(ReplayName)
		x.reach = reach{fetchers: 3, pages: leastPages, bytes: 1000}
		x.Publish = func(_ context.Context, report Report) error {
			s.tell("run %s ends %s at %s %s%v", r.name, report.Outcome, report.To, report.Skipped, report.Error)
			if p := report.Replay; p != nil {
				s.tell("of the replay %+v", *p)
				if p.State == StateDone {
					s.mu.Lock()
					defer s.mu.Unlock()
					s.replays = append(s.replays, *p)
				}
			}
			return nil
		}
	})
}

func (r *playedRun) goes(run func(context.Context)) {
	s := r.stage
	go func() {
		ctx, cancel := context.WithTimeout(s.ctx, 5*time.Minute)
		defer cancel()
		run(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		r.done = true
	}()
}

// replayer begins a run that works on a replay.
func (s *stage) replayer(doing string) (*playedRun, *Replayer) {
	r := &playedRun{stage: s, name: string(rune('a' + len(s.runs)%26)), prompt: replayLag / 2}
	s.runs = append(s.runs, r)
	s.tell("run %s %s", r.name, doing)
	x := &Replayer{Exporter: *s.played(r)}
	x.ReadLag = replayLag
	return r, x
}

// replay opens a replay of a part of the log, into the export's stream or
// another.
func (s *stage) replay(b byte) {
	r, x := s.replayer("opens a replay")
	want := Replay{Progress: Progress{Target: mainTarget, Stretch: tenantlog.Stretch{After: s.log[0].ID.Before(), To: s.log[int(b)%20+2].ID}}}
	if b&16 != 0 {
		want.Target = replayTarget
	} else {
		s.remove(int(b) % 5)
	}
	p := x.Replay
	r.goes(func(ctx context.Context) {
		if _, err := x.Open(ctx, want, p); err != nil {
			s.tell("run %s: %v", r.name, err)
		}
	})
}

// remove takes some events out of the export's stream, so that there is
// something to replay.
func (s *stage) remove(every int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := 0
	s.streams[mainTarget] = slices.DeleteFunc(s.streams[mainTarget], func(e Rendered) bool {
		i++
		remove := i%5 == every
		if remove {
			s.removed[e.ID] = true
		}
		return remove
	})
}

// carryOn goes on with a replay, or stops it.
func (s *stage) carryOn(b byte) {
	r, x := s.replayer("carries on")
	p := x.Replay
	r.goes(func(ctx context.Context) {
		if b < 220 {
			x.CarryOn(ctx, p)
		} else if _, err := x.Stop(ctx, p); err != nil {
			s.tell("run %s: %v", r.name, err)
		}
	})
}

func (s *stage) kill(r *playedRun) {
	s.tell("run %s is killed", r.name)
	s.mu.Lock()
	r.dead = true
	s.mu.Unlock()
	for _, c := range s.waiting() {
		if c.run == r {
			s.let(c, fail)
		}
	}
}

func (s *stage) let(c *pendingCall, v verdict) {
	s.mu.Lock()
	s.pending = slices.DeleteFunc(s.pending, func(p *pendingCall) bool { return p == c })
	s.mu.Unlock()
	c.answer <- v
	synctest.Wait()
}

// call waits until the stage lets it through.
func (r *playedRun) call(ctx context.Context, name string, effect func(v verdict) error) error {
	s := r.stage
	s.mu.Lock()
	if r.dead {
		s.mu.Unlock()
		return errBroken
	}
	c := &pendingCall{run: r, name: name, answer: make(chan verdict, 1)}
	s.pending = append(s.pending, c)
	s.mu.Unlock()
	select {
	case v := <-c.answer:
		s.tell("run %s: %s %s", r.name, name, [...]string{"", "FAILS", "LOSES ITS REPLY", "IS STALE"}[v])
		if v == fail {
			return errBroken
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := effect(v); err != nil || v != loseReply {
			return err
		}
		return errBroken
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending = slices.DeleteFunc(s.pending, func(p *pendingCall) bool { return p == c })
		return ctx.Err()
	}
}

// The run's services, each call let through by the stage.

func (r *playedRun) Page(ctx context.Context, after tenantlog.ID) (page tenantlog.Page, err error) {
	err = r.call(ctx, "page after "+string(after), func(verdict) error {
		r.stage.asked[after] = r.stage.step.Load()
		page = tenantlog.Page{ServerTime: r.stage.now, Next: after}
		for _, e := range r.stage.log {
			if e.ID > after && len(page.Events) < playedPage {
				page.Events = append(page.Events, e)
				page.Next = e.ID
			}
		}
		return nil
	})
	return page, err
}

func (r *playedRun) Since(context.Context, time.Time) (tenantlog.Page, error) {
	return tenantlog.Page{}, errBroken
}
func (r *playedRun) Concurrency() int                  { return 3 }
func (r *playedRun) Waited() time.Duration             { return 0 }
func (r *playedRun) Limits() Limits                    { return r.stage.Limits() }
func (r *playedRun) Render(e tenantlog.Event) Rendered { return r.stage.Render(e) }
func (r *playedRun) stored(t Target) map[tenantlog.ID]bool {
	all := make(map[tenantlog.ID]bool)
	for _, e := range r.stage.streams[t] {
		all[e.ID] = true
	}
	return all
}

func (r *playedRun) Find(ctx context.Context, t Target, events []Rendered) (found map[tenantlog.ID]bool, err error) {
	err = r.call(ctx, "find", func(verdict) error {
		found = make(map[tenantlog.ID]bool)
		all := r.stored(t)
		for _, e := range events {
			if all[e.ID] {
				found[e.ID] = true
			}
		}
		return nil
	})
	return found, err
}

func (r *playedRun) Deliver(ctx context.Context, b *Batch) (receipt Receipt, err error) {
	err = r.call(ctx, fmt.Sprintf("deliver %d from %s", len(b.Events), b.Events[0].ID), func(verdict) error {
		r.stage.streams[b.Target] = append(r.stage.streams[b.Target], b.Events...)
		receipt = Receipt{Puts: 1}
		return nil
	})
	if err != nil {
		return Receipt{}, &Error{Kind: KindDelivery, Text: "not delivered", Err: err}
	}
	return receipt, nil
}

func (r *playedRun) Get(ctx context.Context, name string, version int64) (p Parameter, err error) {
	err = r.call(ctx, fmt.Sprint("get ", name, ":", version), func(v verdict) error {
		newest := r.stage.current(name).Version
		switch {
		case v != stale:
		case version == 0 && (r.prompt > 0 || name == ReplayName) && r.stage.now.Sub(r.stage.current(name).Modified) > replayLag/2:
		case version == 0 && newest > 1:
			version = newest - 1
		case version >= newest-1 && version > 0:
			return ErrNoParameter
		}
		p, err = r.stage.version(name, version)
		return err
	})
	return p, err
}

func (r *playedRun) Put(ctx context.Context, name, value string) (version int64, err error) {
	err = r.call(ctx, "put "+name, func(verdict) error {
		version = r.stage.set(name, value)
		r.stage.tell("version %d of %s: %s", version, name, value)
		return nil
	})
	return version, err
}

func (r *playedRun) Delete(ctx context.Context, name string) error {
	return r.call(ctx, "delete "+name, func(verdict) error {
		delete(r.stage.params, name)
		return nil
	})
}

// conclude lets everything end, runs twice undisturbed and looks at what is
// there: the second run is for an edit that the first one found under way.
func (s *stage) conclude() string {
	s.tell("the end is undisturbed")
	for range 2 {
		s.drain()
		s.pass(20 * time.Minute) // claims of the dead lapse
		s.drain()
		s.start()
		s.drain()
		s.carryOn(0)
	}
	s.drain()
	wrong := s.wrongReplays()
	count := make(map[tenantlog.ID]int)
	for _, e := range s.streams[mainTarget] {
		count[e.ID]++
	}
	for _, e := range s.log {
		if n := count[e.ID]; n > 1 || n == 0 && !s.removed[e.ID] {
			wrong = append(wrong, fmt.Sprintf("event %s is stored %d times", e.ID, count[e.ID]))
		}
	}
	for i, e := range s.edits {
		if superseded := i+1 < len(s.edits); !superseded && s.asked[e.id] < e.step {
			wrong = append(wrong, fmt.Sprintf("the edit of step %d to %s was never acted on", e.step, e.value))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return strings.Join(wrong, "\n") + "\n\n" + strings.Join(s.story, "\n")
}

// wrongReplays says what is wrong with the replays that are said to be done.
func (s *stage) wrongReplays() (wrong []string) {
	count := make(map[tenantlog.ID]int)
	for _, e := range s.streams[replayTarget] {
		if count[e.ID]++; count[e.ID] > 1 {
			wrong = append(wrong, fmt.Sprintf("event %s is stored %d times by replays", e.ID, count[e.ID]))
		}
	}
	for _, p := range s.replays {
		for _, e := range s.log {
			if p.Target == replayTarget && p.After < e.ID && e.ID <= p.To && count[e.ID] == 0 {
				wrong = append(wrong, fmt.Sprintf("event %s was left out by a replay", e.ID))
			}
		}
	}
	if p := s.current(ReplayName); p.Version != 0 {
		if valid, _ := decode(&ReplayRecord{}, ReplayName, p); valid {
			wrong = append(wrong, "a replay is open in the end: "+p.Value)
		}
	}
	return wrong
}

// drain lets every call pass until no run is left.
func (s *stage) drain() {
	for n := 0; s.active() > 0; n++ {
		synctest.Wait()
		if n > 5000 {
			panic("a run never ends:\n" + strings.Join(s.story[max(0, len(s.story)-200):], "\n"))
		}
		if pending := s.waiting(); len(pending) > 0 {
			s.let(pending[0], pass)
		} else {
			s.pass(time.Second)
		}
	}
}
