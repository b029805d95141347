package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// What can be asked for beside a replay and a verification.
const (
	checkAction   = "check"
	previewAction = "preview"
	runAction     = "run"
)

// usages say how each action is asked for, as make has it.
var usages = map[string]string{
	checkAction:         "make check [SLACK=true]",
	previewAction:       "make preview [FROM=-7d TO=-1h] [LOG_LEVEL=warning] [LOG_TYPES=s,gd_*]",
	runAction:           "make run",
	export.ReplayAction: "make replay FROM=-7d TO=-1h [TYPES=f*] [STREAM=name] [DRY_RUN=true], or STOP=true, or FOLLOW=true",
	export.VerifyAction: "make verify FROM=-7d TO=-1h [FILL=true], or STOP=true, or FOLLOW=true",
}

// usage is an action's usage with what goes with every action.
func usage(action string) string {
	return usages[action] + ", and with each TENANT=name and STACK=name or FUNCTION=name"
}

// wish is what is asked for.
type wish struct {
	action          string
	tenant          string
	function, stack string

	from, to, types, stream string
	logLevel, logTypes      string

	slack, dryRun, fill, stop, follow bool
}

// parse reads the command's arguments. Its errors say what was expected.
func parse(args []string, now time.Time) (wish, error) {
	if len(args) == 0 || usages[args[0]] == "" {
		return wish{}, fmt.Errorf("which action? Expected %s, %s, %s, %s or %s", checkAction, export.ReplayAction, export.VerifyAction, previewAction, runAction)
	}
	w := wish{action: args[0]}
	flags := w.flags()
	err := flags.Parse(args[1:])
	switch {
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("%.80q is no flag", flags.Arg(0))
	default:
		err = w.check(now)
	}
	if err != nil {
		return w, fmt.Errorf("%s: %w. Expected %s", w.action, err, usage(w.action))
	}
	return w, nil
}

func (w *wish) flags() *flag.FlagSet {
	flags := flag.NewFlagSet(w.action, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&w.tenant, "tenant", "default", "")
	flags.StringVar(&w.function, "function", "", "")
	flags.StringVar(&w.stack, "stack", "", "")
	yes := func(name string, value *bool) {
		flags.BoolFunc(name, "", func(s string) error {
			if s != "true" && s != "false" {
				return errors.New("expected true or false")
			}
			*value = s == "true"
			return nil
		})
	}
	if w.action == checkAction {
		yes("slack", &w.slack)
	}
	if w.long() || w.action == previewAction {
		flags.StringVar(&w.from, "from", "", "")
		flags.StringVar(&w.to, "to", "", "")
	}
	if w.long() {
		yes("stop", &w.stop)
		yes("follow", &w.follow)
	}
	switch w.action {
	case export.ReplayAction:
		flags.StringVar(&w.types, "types", "", "")
		flags.StringVar(&w.stream, "stream", "", "")
		yes("dry-run", &w.dryRun)
	case export.VerifyAction:
		yes("fill", &w.fill)
	case previewAction:
		flags.StringVar(&w.logLevel, "log-level", "", "")
		flags.StringVar(&w.logTypes, "log-types", "", "")
	}
	return flags
}

// long reports whether the action is carried on by scheduled runs.
func (w *wish) long() bool {
	return w.action == export.ReplayAction || w.action == export.VerifyAction
}

func (w *wish) deployed() bool { return w.function != "" || w.stack != "" }

// check finds what the function would refuse, as far as it can be known here:
// what is asked for asynchronously is answered by nobody.
func (w *wish) check(now time.Time) error {
	if err := config.ValidTenant(w.tenant); err != nil {
		return err
	}
	if w.function != "" && w.stack != "" {
		return errors.New("STACK and FUNCTION are both given: one of them names the function")
	}
	if !w.long() {
		return nil
	}
	if w.stop || w.follow {
		return w.checkAlone()
	}
	if !w.deployed() {
		w.from, w.to = cmp.Or(w.from, "-1d"), cmp.Or(w.to, "-10m")
		w.stream = cmp.Or(w.stream, w.tenant) // the export's own: what is missing there is added
	}
	_, err := tenantlog.ParseStretch(w.from, w.to, now)
	return err
}

// checkAlone refuses what goes with no other wish.
func (w *wish) checkAlone() error {
	alone := wish{action: w.action, tenant: w.tenant, function: w.function, stack: w.stack, stop: w.stop, follow: w.follow}
	switch {
	case w.stop && w.follow, *w != alone:
		return errors.New("STOP and FOLLOW go with nothing else")
	case !w.deployed():
		return errors.New("STOP and FOLLOW need STACK or FUNCTION: a local stack lives no longer than the command")
	}
	return nil
}

// event is the function's event.
func (w *wish) event() []byte {
	keys := map[string]any{"tenant": w.tenant}
	if w.action != runAction {
		keys["action"] = w.action
	}
	for name, value := range map[string]string{"from": w.from, "to": w.to, "types": w.types, "LOG_LEVEL": w.logLevel, "LOG_TYPES": w.logTypes} {
		if value != "" {
			keys[name] = value
		}
	}
	if w.stream != "" && w.action == export.ReplayAction {
		keys["stream"] = w.stream
	}
	for name, value := range map[string]bool{"slack": w.slack, "dryRun": w.dryRun, "fill": w.fill, "stop": w.stop} {
		if value {
			keys[name] = true
		}
	}
	text, err := json.Marshal(keys)
	if err != nil {
		panic(err) // texts and truths have a form in JSON
	}
	return text
}

// again is the command for the same function and tenant with another wish.
func (w *wish) again(with string) string {
	parts := []string{"make", w.action}
	for _, p := range [][2]string{{"STACK", w.stack}, {"FUNCTION", w.function}, {"TENANT", w.tenant}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	return strings.Join(slices.Concat(parts, []string{with}), " ")
}
