package chaos

import (
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// replayStreams begins the names of the streams that replays go into.
const replayStreams = "replay."

// actionActs are events of an operator that ask for something else than the
// export. Like the export they meet faults, kills and other runs.
func actionActs() []act {
	return []act{
		{name: "a replay into another stream", weight: 4, asks: true, do: func(st *stage, a Act) {
			st.askReplay(a, fmt.Sprintf(`,"stream":"%s%d"`, replayStreams, a.N%3))
		}},
		{name: "events vanish and are replayed", weight: 4, asks: true, refills: true, do: func(st *stage, a Act) {
			st.vanish(a.N)
			st.askReplay(a, fmt.Sprintf(`,"stream":%q`, st.tenant.Get(streamName)))
		}},
		{name: "a replay is stopped", weight: 2, asks: true, do: func(st *stage, _ Act) { st.ask(`{"action":"replay","stop":true}`) }},
		{name: "a verification", weight: 3, asks: true, do: func(st *stage, a Act) { st.askVerify(a, "") }},
		{name: "a verification that fills", weight: 3, asks: true, refills: true, do: func(st *stage, a Act) {
			st.vanish(a.N)
			st.askVerify(a, `,"fill":true`)
		}},
		{name: "a verification is stopped", weight: 1, asks: true, do: func(st *stage, _ Act) { st.ask(`{"action":"verify","stop":true}`) }},
		{name: "a preview", weight: 1, do: func(st *stage, _ Act) { st.ask(`{"action":"preview"}`) }},
		{name: "a check", weight: 1, do: func(st *stage, _ Act) { st.ask(`{"action":"check"}`) }},
	}
}

func (st *stage) askReplay(a Act, more string) {
	if from, to := st.exported(a.Where/2), st.exported(0.5+a.Where/2); from != "" && from < to {
		st.ask(fmt.Sprintf(`{"action":"replay","from":%q,"to":%q%s}`, from, to, more))
	}
}

func (st *stage) askVerify(a Act, more string) {
	if from, to := st.exported(a.Where/2), st.exported(0.5+a.Where/2); from != "" && from < to {
		st.ask(fmt.Sprintf(`{"action":"verify","from":%q,"to":%q%s}`, from, to, more))
	}
}

// vanish takes events out of the export's streams, every n-th of those that are
// there for certain.
func (st *stage) vanish(n int) {
	position := st.position()
	i, gone := 0, 0
	for _, stream := range st.stack.Logs.Streams(st.place) {
		if strings.HasPrefix(stream, replayStreams) {
			continue
		}
		p := st.place
		p.Stream = stream
		gone += st.stack.Logs.Drop(p, func(e logs.Event) bool {
			event, err := tenantlog.Decode([]byte(e.Message))
			i++
			return err == nil && event.ID <= position && i%(n+1) == 0
		})
	}
	st.tell("%d events vanish", gone)
}

// ask invokes the function with an event. That it refuses is no matter.
func (st *stage) ask(event string) {
	st.tell("asked for: %s", event)
	result, err := st.lambda.Invoke(st.ctx, []byte(event))
	if err == nil {
		st.tell("the answer: %.300s", result.Payload)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.output = append(append(st.output, result.Logs...), string(result.Payload))
}

// maxCarryOn is how long undisturbed runs may take to carry an action on to its
// end, claims of the dead included.
const maxCarryOn = 40 * time.Second

// prove has a verification fill in what vanished, and another one say that
// everything is there.
func (st *stage) prove() {
	newest, _ := st.newest()
	var first tenantlog.ID
	for first = range st.tenant.Documents() {
		break
	}
	if newest == "" {
		return
	}
	st.carryOn()
	fill := ""
	if !st.Scene.Moves {
		fill = `,"fill":true`
	}
	event := `{"action":"verify","from":%q,"to":%q%s}`
	st.ask(fmt.Sprintf(event, first, newest, fill))
	st.carryOn()
	if v := st.lastVerification(); v != nil && v.Elsewhere > 0 && !st.Scene.Moves { // what vanished is in a replay's stream
		st.ask(fmt.Sprintf(`{"action":"replay","from":%q,"to":%q,"stream":%q}`, first, newest, st.tenant.Get(streamName)))
		st.carryOn()
	}
	st.ask(fmt.Sprintf(event, first, newest, ""))
	st.carryOn()
	st.judgeVerification()
}

// carryOn lets runs carry on what is open until nothing is.
func (st *stage) carryOn() {
	for until := time.Now().Add(maxCarryOn); time.Now().Before(until); {
		sleep(st.ctx, st.Scene.Lag+200*time.Millisecond)
		open := st.tenant.Get(export.ReplayName) + st.tenant.Get(verify.ParameterName)
		if open == "" {
			return
		}
		st.invoke()
	}
	st.problem("an action never ends: %s %s", st.tenant.Get(export.ReplayName), st.tenant.Get(verify.ParameterName))
}

// judgeVerification holds the last verification against what there is. In a
// scene that moves, late events of former streams cannot be found by it.
func (st *stage) judgeVerification() {
	last := st.lastVerification()
	want := 0
	for _, doc := range st.tenant.Documents() {
		if e, err := tenantlog.Decode(doc); err != nil || st.keep(e) {
			want++
		}
	}
	switch {
	case last == nil || last.State != export.StateDone:
		st.problem("the last verification did not end: %+v", last)
	case last.Expected != want || last.Double > 0 && !st.blinded():
		st.problem("the last verification says %+v, want %d expected and none double", *last, want)
	case !st.Scene.Moves && !last.Complete:
		st.problem("the last verification says %+v, want it complete", *last)
	}
}

func (st *stage) lastVerification() (last *export.Verification) {
	for _, line := range st.output {
		if r := reportOf([]string{line}); r != nil && r.Verify != nil {
			last = r.Verify
		}
	}
	return last
}

// judgeReplays looks at the streams of replays: each event at most once, and all
// of a replay that was said to be done.
func (st *stage) judgeReplays() {
	count := make(map[string]map[tenantlog.ID]int)
	for _, stream := range st.stack.Logs.Streams(st.place) {
		name, _, _ := strings.Cut(stream, "-late-")
		if !strings.HasPrefix(name, replayStreams) {
			continue
		}
		if count[name] == nil {
			count[name] = make(map[tenantlog.ID]int)
		}
		p := st.place
		p.Stream = stream
		for _, e := range st.stack.Logs.Events(p) {
			if event, err := tenantlog.Decode([]byte(e.Message)); err == nil {
				count[name][event.ID]++
			}
		}
	}
	if !st.blinded() {
		for name, ids := range count {
			for id, n := range ids {
				if n > 1 {
					st.problem("log event %s is in %s %d times", id, name, n)
				}
			}
		}
	}
	for _, r := range st.replaysDone() {
		if !strings.HasPrefix(r.Target.Stream, replayStreams) {
			continue
		}
		for id, doc := range st.tenant.Documents() {
			e, err := tenantlog.Decode(doc)
			if r.After < id && id <= r.To && err == nil && st.keep(e) && count[r.Target.Stream][id] == 0 {
				st.problem("the replay into %s is done, and log event %s is not there", r.Target.Stream, id)
			}
		}
	}
}

// replaysDone are the replays that are said to be done.
func (st *stage) replaysDone() (done []export.Replay) {
	for _, line := range st.output {
		if r := reportOf([]string{line}); r != nil && r.Replay != nil && r.Replay.State == export.StateDone {
			done = append(done, *r.Replay)
		}
	}
	return done
}
