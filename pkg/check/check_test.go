package check

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// services answer well, each a function of which a test may replace.
type services struct {
	reach    func(context.Context) (time.Time, error)
	token    func(context.Context) (bool, error)
	readLogs func(context.Context) (int, int, error)
	read     func(context.Context) (bool, error)
	mayWrite func(context.Context) error
	aws      func(context.Context) (time.Time, error)
	ticks    func(context.Context) ([]string, []string, time.Time, error)
}

func working() *services {
	return &services{
		reach:    func(context.Context) (time.Time, error) { return now, nil },
		token:    func(context.Context) (bool, error) { return false, nil },
		readLogs: func(context.Context) (int, int, error) { return 50, 49, nil },
		read:     func(context.Context) (bool, error) { return true, nil },
		mayWrite: func(context.Context) error { return nil },
		aws:      func(context.Context) (time.Time, error) { return now, nil },
		ticks: func(context.Context) ([]string, []string, time.Time, error) {
			return []string{"rule, rate(5 minutes)"}, nil, now.Add(time.Minute), nil
		},
	}
}

func (s *services) Reach(ctx context.Context) (time.Time, error)        { return s.reach(ctx) }
func (s *services) NewToken(ctx context.Context) (bool, error)          { return s.token(ctx) }
func (s *services) ReadLogs(ctx context.Context) (int, int, error)      { return s.readLogs(ctx) }
func (s *services) MayWrite(ctx context.Context, _ string) error        { return s.mayWrite(ctx) }
func (s *services) ServerTime(ctx context.Context) (time.Time, error)   { return s.aws(ctx) }
func (s *services) PostTest(context.Context, string, time.Time) error   { return nil }
func (s *services) Stream(context.Context, export.Target) (bool, error) { return true, nil }

func (s *services) Group(context.Context, string) (about, limits string, err error) {
	return "class STANDARD", "", nil
}

func (s *services) Write(context.Context, export.Target, time.Time, []byte) (bool, error) {
	return false, nil
}

func (s *services) Read(ctx context.Context, _ export.Target, _ time.Time, _ []byte) (bool, error) {
	return s.read(ctx)
}

func (s *services) Ticks(ctx context.Context, _ string, _, _ time.Time) (on, off []string, next time.Time, err error) {
	return s.ticks(ctx)
}

func (s *services) check() *Check {
	return &Check{
		Tenant: "acme", Auth0: s, Logs: s, Parameters: s, Slack: s, Schedule: s, PostToSlack: true, Now: func() time.Time { return now },
		Settings: Settings{Path: "/settings/acme", Count: 7, Domain: "acme.eu.auth0.com", Audience: "https://acme.eu.auth0.com/api/v2/", RateShare: 80,
			Target: export.Target{Group: "group", Stream: "stream"}},
	}
}

// link is the one of this name.
func link(t *testing.T, r Result, name string) Link {
	t.Helper()
	for _, l := range r.Links {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("there is no link %s", name)
	return Link{}
}

func TestHeadroom(t *testing.T) {
	tests := map[string]struct {
		share, limit, remaining int
		want                    Status
	}{
		"plenty":                       {80, 50, 49, OK},
		"the last that may be drawn":   {80, 50, 10, OK},
		"none":                         {80, 50, 9, Failed},
		"a bucket of one":              {80, 1, 0, OK},
		"a bucket of two":              {1, 2, 1, OK},
		"a bucket of two, drawn empty": {1, 2, 0, Failed},
		"all of it is ours":            {100, 50, 0, OK},
		"hardly any of it is ours":     {1, 50, 48, Failed},
		"no limit told":                {80, 0, 0, OK},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := working()
			s.readLogs = func(context.Context) (int, int, error) { return test.limit, test.remaining, nil }
			c := s.check()
			c.Settings.RateShare = test.share
			if l := link(t, c.Run(t.Context()), "rate limit"); l.Status != test.want {
				t.Errorf("%+v, want %s", l, test.want)
			}
		})
	}
}

func TestClock(t *testing.T) {
	at := func(off time.Duration) func(context.Context) (time.Time, error) {
		return func(context.Context) (time.Time, error) { return now.Add(off), nil }
	}
	silent := func(context.Context) (time.Time, error) { return time.Time{}, nil }
	broken := func(context.Context) (time.Time, error) { return time.Time{}, errors.New("broken") }
	tests := map[string]struct {
		auth0, aws func(context.Context) (time.Time, error)
		status     Status
		text       string
	}{
		"the same":          {at(0), at(0), OK, "The function's clock agrees with AWS's and agrees with Auth0's."},
		"a fraction more":   {at(-1900 * time.Millisecond), at(-999 * time.Millisecond), OK, "The function's clock agrees with AWS's and agrees with Auth0's."},
		"forgiven, ahead":   {at(-11 * time.Second), at(0), OK, "The function's clock agrees with AWS's and is 10 s ahead of Auth0's."},
		"too far ahead":     {at(-12 * time.Second), at(0), Failed, "The function's clock agrees with AWS's and is 11 s ahead of Auth0's."},
		"forgiven, behind":  {at(0), at(10 * time.Second), OK, "The function's clock is 10 s behind AWS's and agrees with Auth0's."},
		"too far behind":    {at(0), at(11 * time.Second), Failed, "The function's clock is 11 s behind AWS's and agrees with Auth0's."},
		"one tells nothing": {silent, at(0), OK, "The function's clock agrees with AWS's and could not be compared with Auth0's."},
		"one is off, one broken": {at(time.Minute), broken, Failed,
			"The function's clock could not be compared with AWS's and is 1 min behind Auth0's."},
		"neither tells": {silent, broken, Skipped, "Not known: neither Auth0 nor AWS has told its time."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := working()
			s.reach, s.aws = test.auth0, test.aws
			if l := link(t, s.check().Run(t.Context()), "clock"); l.Status != test.status || l.Text != test.text {
				t.Errorf("%s %q, want %s %q", l.Status, l.Text, test.status, test.text)
			}
		})
	}
}

// TestPosition: whose word counts, and whether Auth0 still has what follows.
func TestPosition(t *testing.T) {
	const hour = time.Hour
	id := func(ago time.Duration) tenantlog.ID { return tenantlog.At(now.Add(-ago)) }
	ours := string(id(hour))
	run := func(position tenantlog.ID, checkpoint string, start string) Run {
		var r Run
		r.Record.Position, r.Record.StartFrom = position, start
		r.Record.Checkpoint.Value, r.Record.Checkpoint.Version = checkpoint, 2
		return r
	}
	edited := run(id(hour), ours, "")
	edited.PassedOver = []string{"RUN:7 is mine."}
	checkpoint := func(version int64, value string) export.Parameter {
		return export.Parameter{Version: version, Value: value}
	}
	start := func(text string, ago time.Duration) export.Start {
		return export.Start{Text: text, ID: func(now time.Time) tenantlog.ID { return tenantlog.At(now.Add(-ago)) }}
	}
	tests := map[string]struct {
		settings Settings
		want     Status
		says     string
	}{
		"first run":                    {Settings{}, OK, "begins with the oldest event that Auth0 still has (the first run)"},
		"first run, START_FROM":        {Settings{Start: start("x", 2*hour)}, OK, "2026-11-23 08:00:00 UTC (START_FROM), 2 h ago"},
		"START_FROM oldest":            {Settings{Start: export.Start{Text: "oldest", ID: func(time.Time) tenantlog.ID { return tenantlog.Oldest }}}, OK, "oldest event that Auth0 still has (START_FROM)"},
		"the last run":                 {Settings{Run: run(id(hour), ours, ""), Checkpoint: checkpoint(2, ours)}, OK, "2026-11-23 09:00:00 UTC (the last run), 1 h ago"},
		"CHECKPOINT not written yet":   {Settings{Run: run(id(hour), ours, ""), Checkpoint: checkpoint(1, string(id(3*hour)))}, OK, "(the last run), 1 h ago"},
		"CHECKPOINT deleted":           {Settings{Run: run(id(hour), ours, "")}, OK, "(the last run), 1 h ago"},
		"CHECKPOINT edited":            {Settings{Run: run(id(hour), ours, ""), Checkpoint: checkpoint(3, "2026-11-22")}, OK, "2026-11-22 00:00:00 UTC (CHECKPOINT), 1 d 10 h ago"},
		"edited, and START_FROM too":   {Settings{Run: run(id(hour), ours, ""), Checkpoint: checkpoint(3, "2026-11-22"), Start: start("new", hour)}, OK, "(CHECKPOINT)"},
		"START_FROM changed":           {Settings{Run: run(id(hour), ours, "old"), Checkpoint: checkpoint(2, ours), Start: start("new", 5*hour)}, OK, "(START_FROM), 5 h ago"},
		"START_FROM acted on":          {Settings{Run: run(id(hour), ours, "old"), Checkpoint: checkpoint(2, ours), Start: start("old", 5*hour)}, OK, "(the last run), 1 h ago"},
		"RUN lost":                     {Settings{Checkpoint: checkpoint(7, ours), Start: start("x", 5*hour)}, OK, "(CHECKPOINT), 1 h ago"},
		"RUN edited":                   {Settings{Run: edited, Checkpoint: checkpoint(2, ours)}, OK, "(the last run), 1 h ago; Auth0 keeps at most 30 days of events. RUN:7 is mine."},
		"RUN unread":                   {Settings{Run: Run{Err: &export.Error{Text: "no.", Fix: "do."}}}, Failed, "no."},
		"CHECKPOINT malformed":         {Settings{Checkpoint: checkpoint(7, "yesterday")}, Failed, "CHECKPOINT: "},
		"a bit in the future":          {Settings{Start: start("x", -4*time.Minute)}, OK, "(START_FROM), under 1 s ago"},
		"in the future":                {Settings{Start: start("x", -6*time.Minute)}, Failed, "START_FROM lies in the future"},
		"as old as any plan keeps":     {Settings{Start: start("x", 30*24*hour)}, OK, "at most 30 days"},
		"older than any plan keeps":    {Settings{Start: start("x", 30*24*hour+time.Second)}, Failed, "those from before 2026-10-24 10:00:00 UTC are gone"},
		"older than the plan keeps":    {Settings{Retention: 24 * hour, Run: run(id(25*hour), ours, ""), Checkpoint: checkpoint(2, ours)}, Failed, "Auth0 keeps 1 day of events"},
		"not older than the plan's":    {Settings{Retention: 24 * hour, Run: run(id(23*hour), ours, ""), Checkpoint: checkpoint(2, ours)}, OK, "Auth0 keeps 1 day of events"},
		"an id of the years before":    {Settings{Checkpoint: checkpoint(7, "49574419589858254662358307566469418022270857965582942242")}, OK, "an id that tells no time"},
		"START_FROM could not be read": {Settings{Problems: []Problem{{"START_FROM", "bad"}}}, Skipped, "START_FROM"},
		"nothing could be read":        {Settings{Err: errors.New("x")}, Skipped, "could not be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := working().check()
			c.Settings = test.settings
			l := link(t, c.Run(t.Context()), "position")
			if l.Status != test.want || !strings.Contains(l.Text, test.says) || (l.Status == Failed) != (l.Fix != "") {
				t.Errorf("%+v, want %s and %q", l, test.want, test.says)
			}
		})
	}
}

// TestEndsBeforeTheDeadline hangs every service: the result is there in time,
// and so it is where one link alone takes its time.
func TestEndsBeforeTheDeadline(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	tests := map[string]struct {
		limit    time.Duration // 0 for none
		hang     func(*services)
		atMost   time.Duration
		wantFail string
	}{
		"all, 3 s": {3 * time.Second, func(s *services) {
			s.reach = func(ctx context.Context) (time.Time, error) { return time.Time{}, hang(ctx) }
			s.aws = s.reach
			s.mayWrite = hang
			s.read = func(ctx context.Context) (bool, error) { return false, hang(ctx) }
			s.ticks = func(ctx context.Context) ([]string, []string, time.Time, error) {
				return nil, nil, time.Time{}, hang(ctx)
			}
		}, 2400 * time.Millisecond, "domain read back CHECKPOINT schedule"},
		"one, 300 s": {300 * time.Second, func(s *services) {
			s.reach = func(ctx context.Context) (time.Time, error) { return time.Time{}, hang(ctx) }
		}, linkTimeout, "domain"},
		"one, no deadline": {0, func(s *services) {
			s.token = func(ctx context.Context) (bool, error) { return false, hang(ctx) }
		}, linkTimeout, "token"},
		"two in a row": {60 * time.Second, func(s *services) { s.mayWrite = hang }, 2 * linkTimeout, "CHECKPOINT RUN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := working()
				test.hang(s)
				ctx := t.Context()
				if test.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.limit)
					defer cancel()
				}
				began := time.Now()
				r := s.check().Run(ctx)
				if took := time.Since(began); took > test.atMost {
					t.Errorf("it took %s, more than %s", took, test.atMost)
				}
				var failed []string
				for _, l := range r.Links {
					if l.Status == Failed {
						failed = append(failed, l.Name)
					}
				}
				if diff := cmp.Diff(test.wantFail, strings.Join(failed, " ")); diff != "" {
					t.Errorf("failed (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestUnknownErrorsAreNotShown: only what is known to hold no secret is.
func TestUnknownErrorsAreNotShown(t *testing.T) {
	s := working()
	s.token = func(context.Context) (bool, error) { return false, errors.New("secret") }
	s.mayWrite = func(context.Context) error { return &export.Error{Text: "Said so.", Err: errors.New("secret")} }
	r := s.check().Run(t.Context())
	if text := strings.Join(r.Text, "\n"); strings.Contains(text, "secret") || !strings.Contains(text, "Said so. Fix: "+fixWait) {
		t.Error(text)
	}
}

// TestWarningsAreTold: a misspelt name is no failure, and is said.
func TestWarningsAreTold(t *testing.T) {
	c := working().check()
	c.Settings.Warnings = []string{"SLACK_SEND_SUCESS: unknown, did you mean SLACK_SEND_SUCCESS?"}
	r := c.Run(t.Context())
	if l := link(t, r, "settings"); l.Status != OK || !strings.Contains(l.Text, "did you mean SLACK_SEND_SUCCESS") {
		t.Errorf("%+v", l)
	}
	if r.Outcome != export.OK || len(r.Text) != len(r.Links)+1 {
		t.Errorf("%s, %d lines for %d links", r.Outcome, len(r.Text), len(r.Links))
	}
}
