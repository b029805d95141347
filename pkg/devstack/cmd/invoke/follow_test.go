package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

func pathOfTests() string { return os.Getenv("PATH") }

// printed is a screen that is no terminal, and what was printed.
func printed() (screen, *bytes.Buffer) {
	var text bytes.Buffer
	return screen{Line: progress.Start(&text, progress.Terminal{}, time.Now), lines: true}, &text
}

// played is a place where a script is played: what happens at each wait.
type played struct {
	value                    string // of REPLAY
	lines                    []string
	sends                    int
	script                   []func(*played)
	readErr, logErr, sendErr error
}

func (p *played) call(context.Context, []byte) ([]byte, error) { return nil, errors.New("not called") }

func (p *played) send(context.Context, []byte) (sent, error) {
	p.sends++
	return sent{id: "request-1", at: time.Now()}, p.sendErr
}

func (p *played) parameter(_ context.Context, tenant, name string) (string, error) {
	if tenant != "acme" || name != "REPLAY" {
		return "", fmt.Errorf("read %s of %s", name, tenant)
	}
	return p.value, p.readErr
}

func (p *played) log(context.Context, time.Time) ([]string, error) { return p.lines, p.logErr }

func (p *played) group() string { return "/aws/lambda/x" }

// wait plays a scene, and none when they are over.
func (p *played) wait(ctx context.Context, d time.Duration) error {
	time.Sleep(d)
	if len(p.script) > 0 {
		scene := p.script[0]
		p.script = p.script[1:]
		scene(p)
	}
	return ctx.Err()
}

func (p *played) say(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	p.lines = append(p.lines, string(line))
}

// report logs a report about the replay.
func (p *played) report(change func(*export.Report, *export.Replay)) {
	replay := replayOf()
	r := export.Report{Tenant: "acme", Action: export.ReplayAction, Outcome: export.OK, Started: time.Now(), Ended: time.Now(), Replay: &replay}
	change(&r, &replay)
	p.say(map[string]any{"report": r})
}

// opened is when the replay of these tests is opened: a second after the start.
var opened time.Time

func replayOf() export.Replay {
	return export.Replay{Progress: export.Progress{
		Stretch: tenantlog.Stretch{After: tenantlog.At(now.Add(-10 * time.Hour)), To: tenantlog.At(now)},
		Target:  export.Target{Group: "g", Stream: "acme-replay"}, State: export.StateOpen, Opened: opened, Runs: 1,
		Position: tenantlog.At(now.Add(-10 * time.Hour)),
	}}
}

// at has REPLAY say how far it is.
func (p *played) at(hours int, exported int) {
	replay := replayOf()
	replay.Position, replay.Exported = tenantlog.At(now.Add(-10*time.Hour+time.Duration(hours)*time.Hour)), exported
	value, err := json.Marshal(export.ReplayRecord{Replay: replay})
	if err != nil {
		panic(err)
	}
	p.value = string(value)
}

func done(p *played) {
	p.value = ""
	p.report(func(_ *export.Report, r *export.Replay) { r.State, r.Exported, r.Runs = export.StateDone, 42, 3 })
}

func failing(p *played) {
	p.report(func(r *export.Report, _ *export.Replay) {
		r.Outcome, r.Error = export.Failed, &export.Error{Kind: export.KindPermission, Text: "It may not.", Fix: "allow it."}
	})
}

func stopped(p *played) {
	p.value = ""
	p.report(func(_ *export.Report, r *export.Replay) { r.State = export.StateStopped })
}

func nothing(*played) {}

func TestFollow(t *testing.T) {
	tests := map[string]struct {
		place played
		args  string
		// want is what the error holds, "" for none; text what is printed.
		want, text string
		within     time.Duration
		unsent     bool
	}{
		"done in its first run": {
			place: played{script: []func(*played){done}},
			text:  "done      in 3 runs", within: 5 * time.Second,
		},
		"carried on": {
			place: played{script: []func(*played){
				func(p *played) { p.at(0, 0) }, func(p *played) { p.at(4, 10) }, nothing, func(p *played) { p.at(5, 20) }, done,
			}},
			text: "40 %: 10 events added", within: time.Minute,
		},
		"the report comes late": {
			place: played{script: []func(*played){
				func(p *played) { p.at(0, 0) }, func(p *played) { p.value = "" }, nothing, nothing, done,
			}},
			text: "added     42 events", within: time.Minute,
		},
		"refused": {
			place: played{script: []func(*played){nothing, func(p *played) {
				p.say(map[string]string{"message": "bad event", "requestId": "request-0", "error": "of another"})
				p.say(map[string]string{"message": "bad event", "requestId": "request-1", "error": "a replay is open"})
			}}},
			want: "the function refuses it: a replay is open", within: 10 * time.Second,
		},
		"another is open and stays so": {
			place: played{value: `{"state":"open","opened":"2026-11-01T00:00:00Z"}`},
			want:  "nothing was seen of it for 2m0s", within: 3 * time.Minute,
		},
		"could not begin": {
			place: played{script: []func(*played){func(p *played) {
				p.report(func(r *export.Report, _ *export.Replay) {
					r.Replay, r.Outcome, r.Error = nil, export.Failed, &export.Error{Kind: export.KindSettings, Text: "AUTH0_DOMAIN is missing."}
				})
			}}},
			want: "the replay could not begin: settings: AUTH0_DOMAIN is missing.", within: 5 * time.Second,
		},
		"failing, then stopped": {
			place: played{script: []func(*played){
				func(p *played) { p.at(0, 0); failing(p) }, nothing, stopped,
			}},
			want: "the replay is not done: stopped", text: "A run failed: permission: It may not. Fix: allow it.", within: time.Minute,
		},
		"the event is lost": {
			want: "nothing was seen of it for 2m0s: neither the parameter REPLAY nor a line in /aws/lambda/x", within: 3 * time.Minute,
		},
		"deleted by hand": {
			place: played{script: []func(*played){func(p *played) { p.at(0, 0) }, func(p *played) { p.value = "" }}},
			want:  "REPLAY is gone, and no report", within: 3 * time.Minute,
		},
		"the schedule is off": {
			place: played{script: []func(*played){func(p *played) { p.at(1, 1) }}},
			want:  "nothing has moved for 1h0m0s", text: "is the schedule on?", within: 70 * time.Minute,
		},
		"a look fails now and then": {
			place: played{script: []func(*played){
				func(p *played) { p.at(0, 0) }, func(p *played) { p.readErr = errors.New("reset") }, nothing,
				func(p *played) { p.readErr = nil }, done,
			}},
			text: "done      in 3 runs", within: time.Minute,
		},
		"AWS is away": {
			place: played{script: []func(*played){func(p *played) { p.logErr = errors.New("reset") }}},
			want:  "the replay is not followed any longer, and goes on: reset", within: time.Minute,
		},
		"the right is taken away": {
			place: played{script: []func(*played){func(p *played) { p.readErr = &forbidden{"ssm:GetParameter", "/r/acme/REPLAY"} }}},
			want:  "your AWS credentials do not allow ssm:GetParameter on /r/acme/REPLAY", within: 5 * time.Second,
		},
		"may not read REPLAY": {
			place: played{readErr: &forbidden{"ssm:GetParameter", "/r/acme/REPLAY"}},
			want:  "nothing was asked for", unsent: true,
		},
		"may not read the log": {
			place: played{logErr: &forbidden{"logs:FilterLogEvents", "g"}},
			want:  "nothing was asked for", unsent: true,
		},
		"may not invoke": {
			place: played{sendErr: &forbidden{"lambda:InvokeFunction", "f"}},
			want:  "your AWS credentials do not allow lambda:InvokeFunction on f",
		},
		"nothing to follow": {
			args: "replay -tenant=acme -function=f -follow=true",
			want: "no replay of tenant acme is open", unsent: true,
		},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opened = time.Now().Add(time.Second).UTC()
				started := time.Now()
				args := test.args
				if args == "" {
					args = "replay -tenant=acme -function=f -from=-10h -to=-1h"
				}
				out, text := printed()
				place := test.place
				w := mustParse(t, args)
				err := w.do(t.Context(), out, &place)
				if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("ended with %v, want %q", err, test.want)
				}
				if !strings.Contains(text.String(), test.text) {
					t.Errorf("printed, without %q:\n%s", test.text, text)
				}
				if took := time.Since(started); took > test.within {
					t.Errorf("took %s, want %s at most", took, test.within)
				}
				if (place.sends == 0) != test.unsent {
					t.Errorf("the function was invoked %d times", place.sends)
				}
			})
		})
	}
}

func mustParse(t *testing.T, args string) wish {
	t.Helper()
	w, err := parse(strings.Fields(args), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestFollowOpen follows what somebody asked for before.
func TestFollowOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened = time.Now().Add(-3 * time.Hour).UTC()
		place := &played{script: []func(*played){func(p *played) { p.at(9, 7) }, done}}
		place.at(5, 5)
		out, text := printed()
		w := mustParse(t, "replay -tenant=acme -function=f -follow=true")
		if err := w.do(t.Context(), out, place); err != nil {
			t.Error(err)
		}
		if place.sends != 0 || !strings.Contains(text.String(), "90 %") || !strings.Contains(text.String(), "done") {
			t.Errorf("invoked %d times, printed:\n%s", place.sends, text)
		}
	})
}

// TestInterrupted: Ctrl-C ends the following alone, and says so.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened = time.Now().Add(time.Second).UTC()
		ctx, interrupt := context.WithCancel(t.Context())
		place := &played{script: []func(*played){func(p *played) { p.at(1, 1) }, func(*played) { interrupt() }}}
		out, text := printed()
		w := mustParse(t, "replay -tenant=acme -stack=prod -from=-10h -to=-1h")
		if err := w.do(ctx, out, place); err != nil {
			t.Errorf("ended with %v", err)
		}
		for _, want := range []string{"the replay has not", "make replay STACK=prod TENANT=acme FOLLOW=true", "make replay STACK=prod TENANT=acme STOP=true"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("printed, without %q:\n%s", want, text)
			}
		}
	})
}

// TestProgress is told once for each change, and in words for either action.
func TestProgress(t *testing.T) {
	r := record{
		Stretch:  tenantlog.Stretch{After: tenantlog.At(now.Add(-4 * time.Hour)), To: tenantlog.At(now)},
		Position: tenantlog.At(now.Add(-time.Hour)), Exported: 1234, Present: 5, Expected: 77, Missing: 1,
	}
	for action, want := range map[string]string{
		export.ReplayAction: "up to 2026-11-23T09:00:00Z, 75 %: 1,234 events added, 5 there before",
		export.VerifyAction: "up to 2026-11-23T09:00:00Z, 75 %: 77 events compared, 1 missing, 0 double",
	} {
		if got := r.progress(action); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	old := record{Stretch: tenantlog.Stretch{After: "1", To: "9"}, Position: "5"}
	if got, want := old.progress(export.ReplayAction), "up to 5: 0 events added, 0 there before"; got != want {
		t.Errorf("without times: got %q, want %q", got, want)
	}
}
