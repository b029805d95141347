package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// place is where a function is: on AWS or on this machine.
type place interface {
	// call invokes the function and waits for its answer. An error that the
	// function answers with is a functionError.
	call(ctx context.Context, event []byte) ([]byte, error)
	// send hands the event over; what comes of it is not waited for.
	send(ctx context.Context, event []byte) (sent, error)
	// parameter reads one of a tenant's parameters: "" where there is none.
	parameter(ctx context.Context, tenant, name string) (string, error)
	// log reads the lines that the function has logged since then.
	log(ctx context.Context, since time.Time) ([]string, error)
	// group names the function's log group.
	group() string
	// wait lets time pass: d, or what stands for it.
	wait(ctx context.Context, d time.Duration) error
}

// sent is how an event was handed over.
type sent struct {
	// id is the request's, and at the time of it on the service's clock.
	id string
	at time.Time
}

// functionError is the error of a function that was asked for what cannot be
// done, or could not do it.
type functionError string

func (e functionError) Error() string { return string(e) }

// answered is a functionError of an error's document as Lambda gives it.
func answered(document []byte) error {
	var e struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if err := json.Unmarshal(document, &e); err != nil || e.ErrorMessage == "" {
		return functionError(document)
	}
	return functionError(e.ErrorMessage)
}

// do has the function do what is wished for, and prints what came of it. The
// error says that it failed, or that there is something to be done.
func (w *wish) do(ctx context.Context, out screen, there place) error {
	if w.long() && !w.stop && !w.dryRun {
		return w.doAndFollow(ctx, out, there)
	}
	out.say("%s", w.event())
	showWaiting(out, "the function is at work")
	answer, err := there.call(ctx, w.event())
	if err != nil {
		return fmt.Errorf("%s: %w", w.action, err)
	}
	return tellResult(out, answer)
}

// tellResult prints the result of an action in its form for people.
func tellResult(out screen, answer []byte) error {
	var r struct {
		Tenant   string         `json:"tenant"`
		Action   string         `json:"action"`
		Outcome  export.Outcome `json:"outcome"`
		Text     []string       `json:"text"`
		Warnings []string       `json:"warnings"`
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("the function's answer is not that of an action: %w: %.200s", err, answer)
	}
	if r.Action == export.ExportAction {
		var report export.Report
		if err := json.Unmarshal(answer, &report); err != nil {
			return fmt.Errorf("the function's answer is no report: %w: %.200s", err, answer)
		}
		r.Text = []string{ran(&report)}
	}
	out.tell(r.Text)
	if r.Action != previewAction { // its text has them
		tellWarnings(out, r.Warnings)
	}
	if r.Outcome == export.Failed {
		return fmt.Errorf("the %s of tenant %s found something wrong", r.Action, r.Tenant)
	}
	return nil
}

// ran is a run of the export in a line.
func ran(r *export.Report) string {
	line := fmt.Sprintf("%s: %s exported, %s there before, %s left out by the filter", r.Outcome,
		words.Count(r.Exported, "event"), words.Number(r.Present), words.Number(r.Filtered))
	if r.Skipped != "" {
		return line + "; " + r.Skipped
	}
	return line + "; up to " + export.PlaceOf(r.To)
}

func tellWarnings(out screen, warnings []string) {
	for _, text := range warnings {
		out.say("warning   %s", text)
	}
}

// doAndFollow asks for a replay or a verification and follows it to its end.
func (w *wish) doAndFollow(ctx context.Context, out screen, there place) error {
	f := &follower{place: there, out: out, tenant: w.tenant, action: w.action, limits: usual}
	if err := f.begin(ctx, w); err != nil {
		return err
	}
	return w.followOn(ctx, f)
}

// followOn follows what was begun. To end the following ends nothing else.
func (w *wish) followOn(ctx context.Context, f *follower) error {
	report, err := f.follow(ctx)
	if err != nil && ctx.Err() != nil && w.deployed() {
		f.out.say("This has ended, the %s has not: the scheduled runs carry it on.\n  follow it  %s\n  end it     %s",
			name(w.action), w.again("FOLLOW=true"), w.again("STOP=true"))
		return nil
	}
	if err != nil {
		return err
	}
	return w.conclude(ctx, f, report)
}

// conclude prints how it ended.
func (w *wish) conclude(ctx context.Context, f *follower, r export.Report) error {
	out := f.out
	if w.action == export.ReplayAction {
		out.tell(r.Replay.Text())
		tellWarnings(out, r.Warnings)
		if r.Replay.State != export.StateDone {
			return fmt.Errorf("the replay is not done: %s", r.Replay.State)
		}
		return nil
	}
	v := r.Verify
	out.tell(v.Text())
	tellWarnings(out, r.Warnings)
	switch {
	case v.State != export.StateDone:
		return fmt.Errorf("the verification is not done: %s", v.State)
	case v.Missing > 0 && v.Fill != "":
		return w.followFill(ctx, f, r)
	case v.Missing > 0 || v.Double > 0:
		return &incomplete{v.Missing, v.Double}
	}
	return nil
}

// incomplete is the error of a verification that found something wrong.
type incomplete struct{ missing, double int }

func (e *incomplete) Error() string {
	return fmt.Sprintf("the log group does not hold everything once: %d missing, %d double", e.missing, e.double)
}

// notAdded begins what a verification says of a replay that it could not open.
const notAdded = "not added: "

// followFill follows the replay that a verification has opened.
func (w *wish) followFill(ctx context.Context, f *follower, r export.Report) error {
	if why, not := strings.CutPrefix(r.Verify.Fill, notAdded); not {
		return errors.New("what is missing was not added: " + why)
	}
	fill := wish{action: export.ReplayAction, tenant: w.tenant, function: w.function, stack: w.stack}
	return fill.followOn(ctx, &follower{
		place: f.place, out: f.out, tenant: w.tenant, action: fill.action, limits: f.limits, sent: sent{at: r.Verify.Opened},
	})
}

// name is an action as a noun.
func name(action string) string {
	if action == export.VerifyAction {
		return "verification"
	}
	return action
}
