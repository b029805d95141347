package widget

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// Run is a run that ended with a report.
type Run struct {
	export.Report
	// Stream is the log stream that holds the report.
	Stream string
}

// History is what was read of the past.
type History struct {
	// Tenants are the tenants' runs by their names.
	Tenants map[string]TenantRuns
	// Since is the time from which on no run is missing.
	Since time.Time
}

// TenantRuns are the last runs of a tenant, the newest first, at most Kept.
type TenantRuns struct {
	All    []Run
	Failed []Run
}

// Kept is how many runs, and how many failed ones, are kept of each tenant.
const Kept = 20

const (
	// historyTime bounds a Read, and historyPages the pages that it asks for;
	// many may be empty. Some regions allow five calls a second for the whole
	// account.
	historyTime  = 5 * time.Second
	historyPages = 50
	// farBack is how far back runs are looked for, and enoughRuns with how many
	// of all tenants no further look is begun: for one that is off, or runs once
	// a day, the whole log of busy ones would be read at each refresh.
	farBack    = 14 * 24 * time.Hour
	enoughRuns = 2000
	// growth is how much further each look goes than the one before.
	growth = 4
)

// logsClient is what is called of CloudWatch Logs.
type logsClient interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// Log is the export function's own log, where each run leaves its report.
//
// It is read with FilterLogEvents, and not by a query of Logs Insights: that
// takes a second or more and two kinds of call, may be held up behind other
// queries (the account has a number of them at a time), and is billed by the
// bytes in the log, at each refresh of each open dashboard; FilterLogEvents
// answers at once and costs nothing. It reads from old to new, so spans of time
// are read one after the other, the newest first. No filter pattern is given:
// reports are most of this log.
type Log struct {
	client logsClient
	group  string
	now    func() time.Time
}

// NewLog returns the log in the group.
func NewLog(c *cloudwatchlogs.Client, group string, now func() time.Time) *Log {
	return &Log{client: c, group: group, now: now}
}

// Read is as Runs wants it. After an error, which is an *export.Error, the
// history holds what was read before.
func (l *Log) Read(ctx context.Context, tenants []string, span time.Duration) (History, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	now := l.now()
	found := make(collection)
	h := History{Since: now}
	pages := historyPages
	for back := span; ; back = min(back*growth, farBack) {
		read, err := l.window(ctx, now.Add(-back), h.Since, &pages)
		if err != nil {
			h.Tenants = found.newest()
			return h, err
		}
		found.add(read)
		h.Since = now.Add(-back)
		if back >= farBack || found.enough(tenants) {
			h.Tenants = found.newest()
			return h, nil
		}
	}
}

// errPages says that a history holds more than is read of it.
var errPages = &export.Error{Kind: export.KindState, Text: "There are more runs than are read at a time."}

// window reads the runs that ended from start on and before end. A part of
// them is of no use: it would be the older part.
func (l *Log) window(ctx context.Context, start, end time.Time, pages *int) ([]Run, error) {
	var runs []Run
	var token *string
	for {
		if *pages == 0 {
			return nil, errPages
		}
		*pages--
		out, err := l.page(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String(l.group),
			StartTime:    aws.Int64(start.UnixMilli()),
			EndTime:      aws.Int64(end.UnixMilli() - 1), // it is inclusive
			NextToken:    token,
		})
		if err != nil {
			return nil, l.explain(err)
		}
		runs = appendRuns(runs, out.Events)
		if token = out.NextToken; token == nil {
			return runs, nil
		}
	}
}

// pageTries is how often a page is asked for that breaks off: the SDK itself
// does not ask again for an answer that it has read half of.
const pageTries = 3

func (l *Log) page(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (out *cloudwatchlogs.FilterLogEventsOutput, err error) {
	for range pageTries {
		out, err = l.client.FilterLogEvents(ctx, in)
		if _, answered := errors.AsType[smithy.APIError](err); err == nil || answered || ctx.Err() != nil {
			break
		}
	}
	return out, err
}

func appendRuns(runs []Run, events []types.FilteredLogEvent) []Run {
	for _, e := range events {
		if r, ok := parseReport([]byte(aws.ToString(e.Message))); ok {
			runs = append(runs, Run{Report: r, Stream: aws.ToString(e.LogStreamName)})
		}
	}
	return runs
}

// parseReport reads a line of the function's log. It is not ok for one that is
// no report of the live export: those of a replay and a verification have a
// position and a result of their own.
func parseReport(line []byte) (r export.Report, ok bool) {
	if !bytes.Contains(line, []byte(`"report"`)) {
		return r, false // most other lines, without decoding them
	}
	var root struct {
		Report *export.Report `json:"report"`
	}
	if json.Unmarshal(line, &root) != nil || root.Report == nil {
		return r, false
	}
	r = *root.Report
	return r, r.Action == export.ExportAction && r.Tenant != "" && r.Outcome != "" && !r.Ended.IsZero()
}

// collection is the runs found of each tenant.
type collection map[string][]Run

func (c collection) add(runs []Run) {
	for _, r := range runs {
		c[r.Tenant] = append(c[r.Tenant], r)
	}
}

// enough reports whether each of the tenants has as many runs as are kept, or
// all together so many that the others are not looked for any further.
func (c collection) enough(tenants []string) bool {
	all := 0
	for _, runs := range c {
		all += len(runs)
	}
	return all >= enoughRuns || !slices.ContainsFunc(tenants, func(t string) bool { return len(c[t]) < Kept })
}

func (c collection) newest() map[string]TenantRuns {
	all := make(map[string]TenantRuns)
	for tenant, runs := range c {
		slices.SortStableFunc(runs, func(a, b Run) int { return b.Ended.Compare(a.Ended) })
		var failed []Run
		for _, r := range runs {
			if r.Outcome == export.Failed {
				failed = append(failed, r)
			}
		}
		all[tenant] = TenantRuns{All: first(runs), Failed: first(failed)}
	}
	return all
}

// first are the first runs of the list, as many as are kept.
func first(runs []Run) []Run { return slices.Clip(runs[:min(len(runs), Kept)]) }

// explain puts an error of CloudWatch Logs into words for the operator.
func (l *Log) explain(err error) error {
	e := &export.Error{Kind: export.KindState, Err: err, Text: "CloudWatch Logs does not answer in time for " + l.group + "."}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return e
	}
	switch code := api.ErrorCode(); code {
	case "AccessDeniedException":
		e.Kind = export.KindPermission
		e.Text = fmt.Sprintf("The widget may not call logs:FilterLogEvents on %s.", l.group)
		e.Fix = "allow it in the role of the widget's function."
	case "ResourceNotFoundException":
		e.Text = fmt.Sprintf("There is no log group %s.", l.group)
		e.Fix = "run the export once, or check EXPORT_LOG_GROUP."
	case "ThrottlingException":
		e.Text = "CloudWatch Logs holds back for too many calls; the next refresh tries again."
	default:
		e.Text = fmt.Sprintf("CloudWatch Logs refused logs:FilterLogEvents on %s: %s.", l.group, cmp.Or(code, "no reason given"))
	}
	return e
}
