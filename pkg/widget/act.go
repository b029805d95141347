package widget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// said is what the widget answers to a click.
type said struct {
	text   string
	failed bool
	// changedRules says that the rules are not as they were read.
	changedRules bool
}

// refusal is why something was not done, as a sentence for the operator.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// actTime bounds what a click does.
const actTime = 8 * time.Second

// obey does what a click asks for, if it may, and says what became of it. It
// acts on nothing but the rules that invoke the export function and their
// tenants.
func (w *Widget) obey(ctx context.Context, r request, rules []schedule.Rule, rulesErr error) said {
	if r.wish.Do == "" {
		return said{}
	}
	ctx, cancel := context.WithTimeout(ctx, actTime)
	defer cancel()
	text, err := "", w.allowed(r, rulesErr)
	if err == nil {
		text, err = w.do(ctx, r, rules)
	}
	log := w.Log.With(slog.String("do", r.wish.Do), slog.String("rule", r.wish.Rule), slog.String("tenant", r.wish.Tenant))
	if err != nil {
		log.WarnContext(ctx, "refused", slog.String("error", err.Error()))
		return said{text: "Nothing was done. " + sentence(err), failed: true}
	}
	log.InfoContext(ctx, "done", slog.String("result", text))
	return said{text: text, changedRules: r.wish.Rule != ""}
}

// allowed returns an error where no click is obeyed.
func (w *Widget) allowed(r request, rulesErr error) error {
	switch {
	case !w.MaySteer:
		return refusal("This widget is read-only. It acts where the stack lets it steer (MAY_STEER is true); then whoever may invoke its function may steer the export.")
	case r.configured:
		return refusal(`The widget's parameters on this dashboard hold "do", which would act at each refresh: remove it there.`)
	case rulesErr != nil:
		return refuse("The rules cannot be read: %s", sentence(rulesErr))
	}
	return nil
}

func (w *Widget) do(ctx context.Context, r request, rules []schedule.Rule) (string, error) {
	switch r.wish.Do {
	case doSwitchOn, doSwitchOff:
		return w.switchRule(ctx, r.wish, rules)
	case doReschedule:
		return w.reschedule(ctx, r, rules)
	case doRun:
		return w.start(ctx, r.wish, rules)
	case doReplay:
		return w.replay(ctx, r, rules)
	}
	return "", refuse("%q is nothing that this widget does.", r.wish.Do)
}

// knows returns an error for a rule that is not one of the export function's.
func knows(rules []schedule.Rule, name string) error {
	if !slices.ContainsFunc(rules, func(r schedule.Rule) bool { return r.Name == name }) {
		return refuse("No rule %q invokes the export function.", name)
	}
	return nil
}

// knowsTenant returns an error for a tenant that no rule names.
func knowsTenant(rules []schedule.Rule, name string) error {
	if name == "" || len(rulesOf(rules, name)) == 0 {
		return refuse("No rule exports a tenant %q.", name)
	}
	return nil
}

func (w *Widget) switchRule(ctx context.Context, what wish, rules []schedule.Rule) (string, error) {
	if err := knows(rules, what.Rule); err != nil {
		return "", err
	}
	change, word := w.Rules.Enable, "on"
	if what.Do == doSwitchOff {
		change, word = w.Rules.Disable, "off"
	}
	if err := change(ctx, what.Rule); err != nil {
		return "", err
	}
	return fmt.Sprintf("The rule %s is %s. A deployment of the stack may set it again: change the stack's parameter too.", what.Rule, word), nil
}

// scheduleField is the name of the input field with a rule's schedule. A rule
// that exports several tenants is shown, and has a field, with each of them.
func scheduleField(rule, tenant string) string { return "schedule/" + rule + "/" + tenant }

func (w *Widget) reschedule(ctx context.Context, r request, rules []schedule.Rule) (string, error) {
	name := r.wish.Rule
	if err := knows(rules, name); err != nil {
		return "", err
	}
	e, err := schedule.Parse(strings.TrimSpace(r.forms[scheduleField(name, r.wish.Tenant)]))
	if err != nil {
		return "", refuse("The new schedule is not understood: %v.", err)
	}
	if err := w.Rules.Reschedule(ctx, name, e.String()); err != nil {
		return "", err
	}
	return fmt.Sprintf("The rule %s runs %s. A deployment of the stack may set it again: change the stack's parameter too.", name, e.Words()), nil
}

func (w *Widget) start(ctx context.Context, what wish, rules []schedule.Rule) (string, error) {
	if err := knowsTenant(rules, what.Tenant); err != nil {
		return "", err
	}
	if err := w.Runner.Start(ctx, what.Tenant); err != nil {
		return "", err
	}
	return fmt.Sprintf("A run of %s was started; its report is here some seconds after it has ended.", what.Tenant), nil
}

// replayField is the name of the input field with the place where a replay of
// the tenant starts.
func replayField(tenant string) string { return "replay/" + tenant }

// replay writes CHECKPOINT: that is the replay, and the next run acts on it, or
// ends at once where one is at work.
func (w *Widget) replay(ctx context.Context, r request, rules []schedule.Rule) (string, error) {
	name := r.wish.Tenant
	if err := knowsTenant(rules, name); err != nil {
		return "", err
	}
	from := r.wish.From
	if from == "" {
		from = strings.TrimSpace(r.forms[replayField(name)])
	}
	if from == "" {
		return "", refusal("Say where to start: a log_id, a time such as 2026-11-23T10:00:00Z, or a date.")
	}
	point, err := tenantlog.ParsePoint(from)
	if err != nil {
		return "", refuse("The start is not understood: %v.", err)
	}
	if when, known := point.When(); known && when.After(w.Now().Add(export.MaxAhead)) {
		return "", refuse("%s lies in the future.", when.UTC().Format(time.RFC3339))
	}
	parameters, err := w.Parameters(name)
	if err != nil {
		return "", err
	}
	if _, err := parameters.Put(ctx, export.CheckpointName, from); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s of %s is %s: the next run exports from there. What is stored already is not stored again.", export.CheckpointName, name, from), nil
}

// sentence is an error as a text for the operator.
func sentence(err error) string {
	if e, ok := errors.AsType[*export.Error](err); ok {
		if e.Fix == "" {
			return e.Text
		}
		return e.Text + " Fix: " + e.Fix
	}
	return err.Error()
}
