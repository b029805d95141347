package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/logging"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/cwlogs"
	"auth0-logs-to-cloudwatch/pkg/emf"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/paramstore"
	"auth0-logs-to-cloudwatch/pkg/slack"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// handler keeps what outlives an invocation: clients, and with them
// connections and the Auth0 token. Settings are read anew each time.
type handler struct {
	env  env
	out  io.Writer // where the report lines go: the function's log
	log  *slog.Logger
	aws  aws.Config
	ssm  *ssm.Client
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]*clients
	told map[string]time.Time // when Slack was told of a failure
}

// awsTimeout bounds one exchange with AWS, body included.
const awsTimeout = 10 * time.Second

// setup builds the handler. It calls no service.
func setup(ctx context.Context, e env, out io.Writer, log *slog.Logger) (*handler, error) {
	// Without a limit a call that is never answered would outlast its context:
	// credentials are fetched for all that wait for them together.
	client := awshttp.NewBuildableClient().WithTimeout(awsTimeout)
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(client),
		awsconfig.WithLogger(logging.Nop{})) // what matters comes as an error
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	return &handler{
		env: e, out: out, log: log, aws: cfg,
		ssm:  ssm.NewFromConfig(cfg),
		now:  time.Now,
		kept: make(map[string]*clients),
		told: make(map[string]time.Time),
	}, nil
}

// Handle answers one event with what it asked for: the run's report, or an
// action's result. An error says that the run or the action failed, so that the
// invocation counts as failed.
func (h *handler) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	result, err := h.act(ctx, event)
	if _, bad := errors.AsType[badEvent](err); bad {
		h.log.ErrorContext(ctx, "bad event", slog.String("error", err.Error()))
	}
	return result, err
}

func (h *handler) act(ctx context.Context, event json.RawMessage) (any, error) {
	r, err := parseRequest(event)
	if err != nil {
		return nil, err
	}
	return actions[r.action](h, ctx, r)
}

// export runs the export of a tenant with the settings it has now.
func (h *handler) export(ctx context.Context, r request) (any, error) {
	t, err := h.open(ctx, r.tenant)
	x := h.exporter(t)
	if err != nil {
		return answer(x.Fail(ctx, err))
	}
	report := x.Run(ctx, t.parameters[export.RunName], t.parameters[export.CheckpointName])
	if report.Outcome == export.OK {
		h.carryOn(ctx, t)
	}
	return answer(report)
}

// exporter is the export of a tenant with the settings that it has.
func (h *handler) exporter(t tenant) *export.Exporter {
	x := &export.Exporter{
		Options: options(t.settings, t.warnings, t.err), Parameters: t.store, Replay: t.parameters[export.ReplayName],
		Publish: h.publisher(h.notifier(t)), Now: h.now, Grace: h.env.claimGrace, ReadLag: h.env.readLag,
	}
	x.Tenant = t.name
	if clients := h.clients(t); clients != nil {
		x.Source, x.Sink = clients.source, cwlogs.New(clients.logs, h.now)
	}
	return x
}

// leastTime is the least that is worth beginning a part of a long action for.
const leastTime = time.Second

// carryOn goes on with the long actions that are open, in the time that the
// live export has left.
func (h *handler) carryOn(ctx context.Context, t tenant) {
	verification, replay := t.parameters[verify.ParameterName], t.parameters[export.ReplayName]
	if verification.Version != 0 && timeLeft(ctx) {
		share := remaining(ctx)
		if replay.Version != 0 {
			share /= 2
		}
		part, cancel := context.WithTimeout(ctx, share)
		h.verifier(t).CarryOn(part, verification)
		cancel()
	}
	if replay.Version != 0 && timeLeft(ctx) {
		h.replayer(t).CarryOn(ctx, replay)
	}
}

// timeLeft reports whether there is time to begin a part of a long action.
func timeLeft(ctx context.Context) bool { return remaining(ctx) >= leastTime }

// remaining is the time until the deadline, and a whole run's where there is
// none.
func remaining(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return 5 * time.Minute
}

// answer is what the invocation that made a report ends with.
func answer(r export.Report) (any, error) {
	if r.Outcome == export.Failed {
		return nil, errors.New(r.Error.Error())
	}
	return &r, nil
}

// tenant is a tenant's parameters and the settings they make.
type tenant struct {
	name       string
	store      *paramstore.Store
	parameters map[string]export.Parameter
	settings   config.Config
	warnings   []string
	err        error // names every setting that is missing or bad
}

// open reads a tenant's parameters. Bad settings are no error of open.
func (h *handler) open(ctx context.Context, name string) (tenant, error) {
	t := tenant{name: name, store: paramstore.New(h.ssm, h.env.root, name)}
	var err error
	if t.parameters, err = readAll(ctx, t.store); err != nil {
		return t, err
	}
	if len(t.parameters) == 0 {
		// Nothing is written for what may be a misspelt name.
		return t, &export.Error{Kind: export.KindSettings, Text: fmt.Sprintf("There are no parameters under %s.", t.store.Path()),
			Fix: "put the tenant's settings there, or check the tenant's name in the event and CONFIG_ROOT."}
	}
	values := make(map[string]string, len(t.parameters))
	for name, p := range t.parameters {
		values[name] = p.Value
	}
	t.settings, t.warnings, t.err = config.Parse(name, values, config.Env{Region: h.env.region})
	return t, nil
}

// readAll reads the tenant's parameters, in time for its failure to be told.
func readAll(ctx context.Context, store *paramstore.Store) (map[string]export.Parameter, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)*4/5)
		defer cancel()
	}
	return store.All(ctx)
}

// options translates settings into what a run needs of them.
func options(c config.Config, warnings []string, err error) export.Options {
	o := export.Options{
		Tenant:    c.Tenant,
		BatchSize: c.BatchSize,
		Keep:      c.Filter.Keep,
		Target:    export.Target{Group: c.Logs.Group, Stream: c.Logs.Stream},
		Start:     export.Start{Text: c.StartFrom.Text, ID: c.StartFrom.After},
		Retention: retention(c),
		Slack:     export.SlackSettings{Success: c.Slack.SendSuccess, DigestHour: c.Slack.DailyHour},
		Warnings:  warnings,
		Region:    c.Logs.Region,
	}
	if err != nil {
		o.SettingsErr = &export.Error{Kind: export.KindSettings, Err: err, Text: err.Error() + ".",
			Fix: fmt.Sprintf("correct these parameters of the tenant %s.", c.Tenant)}
	}
	return o
}

// retention is how long Auth0 keeps the tenant's events, 0 where it is not
// known.
func retention(c config.Config) time.Duration {
	return time.Duration(c.Auth0.RetentionDays) * 24 * time.Hour
}

// logResult writes the result of an action that makes no report to the
// function's log, on one line and under the action's name.
func (h *handler) logResult(action string, ended time.Time, result any) error {
	line, err := emf.Result(action, ended, result)
	if err == nil {
		_, err = h.out.Write(line)
	}
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// publisher returns what tells a report to whom it concerns: a line in the
// function's log, and Slack where there is something to say.
func (h *handler) publisher(n *slack.Notifier) func(context.Context, export.Report) error {
	return func(ctx context.Context, r export.Report) error {
		line, err := emf.Line(r, h.env.metrics)
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if _, err := h.out.Write(line); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if n == nil || r.Notice == nil || h.toldAlready(r) {
			return nil
		}
		if err := n.Post(ctx, r); err != nil {
			h.log.WarnContext(ctx, "slack", slog.String("tenant", r.Tenant), slog.String("error", err.Error()))
			return err
		}
		h.remember(r)
		return nil
	}
}

// tellAgain is how often a lasting failure is told.
const tellAgain = time.Hour

// toldAlready reports whether Slack has heard of the tenant's failure within
// the hour. RUN says so too; but where RUN cannot be written, only the warm
// function remembers.
func (h *handler) toldAlready(r export.Report) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return r.Notice.Kind == export.NoticeFailure && r.Ended.Sub(h.told[failuresOf(r)]) < tellAgain
}

// remember notes what Slack was told.
func (h *handler) remember(r export.Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.told, failuresOf(r))
	if r.Notice.Kind == export.NoticeFailure {
		h.told[failuresOf(r)] = r.Ended
	}
}

// failuresOf is what failures are remembered together.
func failuresOf(r export.Report) string { return r.Tenant + "/" + r.Action }

// notifier returns the way to the tenant's Slack channel, nil where none is
// set.
func (h *handler) notifier(t tenant) *slack.Notifier {
	url := t.settings.Slack.WebhookURL
	if url == "" {
		return nil
	}
	return slack.New(slack.Options{
		WebhookURL: url.Reveal(),
		Function: slack.Function{
			Region: h.env.region, LogGroup: h.env.logGroup, LogStream: h.env.logStream,
			Checkpoint: t.store.Path() + "/" + export.CheckpointName,
		},
	})
}
