// Package widget is the custom widget of a CloudWatch dashboard that shows how
// each tenant's export stands and, where it may, steers it: the HTML, what an
// operator's click does, and the history of runs that it reads from the export
// function's log.
//
// The dashboard calls the widget's function as the viewer, with what it should
// know in the event, and shows the HTML that it returns; scripts are taken out
// ("Details about custom widgets", CloudWatch user guide).
package widget

import (
	"context"
	"log/slog"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
)

// Rules are the EventBridge rules that start the export function.
type Rules interface {
	// All returns them in the order of their names.
	All(context.Context) ([]schedule.Rule, error)
	// Enable and Disable switch the named rule on and off.
	Enable(ctx context.Context, name string) error
	Disable(ctx context.Context, name string) error
	// Reschedule gives the named rule another schedule expression and leaves
	// the rest of it as it is.
	Reschedule(ctx context.Context, name, expression string) error
}

// Parameters are a tenant's parameters in Parameter Store. The widget reads and
// writes no others than CHECKPOINT and RUN.
type Parameters interface {
	// Named returns those of the named parameters that there are, by their
	// names. NAME:VERSION asks for a version of one.
	Named(ctx context.Context, names ...string) (map[string]export.Parameter, error)
	// Put writes a parameter and returns its new version.
	Put(ctx context.Context, name, value string) (int64, error)
}

// Runs is the history of runs.
type Runs interface {
	// Read returns the last runs of the tenants, or of whoever had any where
	// tenants is empty. It looks at the given span of time first and further
	// back as long as a tenant has too few and that does not take too long.
	Read(ctx context.Context, tenants []string, span time.Duration) (History, error)
}

// Runner starts a run of the export function and does not wait for it.
type Runner interface {
	Start(ctx context.Context, tenant string) error
}

// Options are what a Widget is made of.
type Options struct {
	Rules Rules
	Runs  Runs
	// Parameters returns the parameters of a tenant, and an error for a name
	// that no tenant can have.
	Parameters func(tenant string) (Parameters, error)
	Runner     Runner

	// MaySteer allows whoever may invoke the function to act.
	MaySteer bool
	// MaxSilence is how long a tenant may go without a successful run before
	// an alarm goes off; 0 where there is no such alarm.
	MaxSilence time.Duration
	// Place says where things are, for links.
	Place Place
	Now   func() time.Time
	// Log tells what was done: whoever looks for who did it finds the
	// invocation in CloudTrail, where its data events are kept.
	Log *slog.Logger
}

// Place is where the export function's things are.
type Place struct {
	Region string
	// Account is the twelve digits of the function's account, and Partition
	// its partition, such as "aws".
	Account, Partition string
	// LogGroup is the function's own.
	LogGroup string
	// Root is the path that the tenants' parameters live under.
	Root string
}

// Widget answers the dashboard's calls.
type Widget struct{ Options }

// New returns a widget.
func New(o Options) *Widget { return &Widget{o} }

// Handle answers one call with HTML, or with Markdown where the dashboard asks
// for a description. endpoint is the ARN that the widget itself was called by:
// its buttons call the same. The error is for an event that is no widget's;
// what cannot be read or done is said in the HTML.
func (w *Widget) Handle(ctx context.Context, event []byte, endpoint string) (string, error) {
	r, err := parseRequest(event)
	if err != nil {
		return "", err
	}
	if r.describe {
		return description, nil
	}
	rules, err := w.rules(ctx)
	said := w.obey(ctx, r, rules, err)
	if said.changedRules {
		rules, err = w.rules(ctx)
	}
	f := w.gather(ctx, r.view, rules)
	f.rulesErr = err
	return w.render(r, endpoint, said, f)
}

// readTime bounds the reading of the rules, and that of all else: the viewer
// waits for it. A click reads the rules twice and has actTime between; all that
// is within the 30 s that the function has.
const readTime = 6 * time.Second

func (w *Widget) rules(ctx context.Context) ([]schedule.Rule, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return w.Rules.All(ctx)
}
