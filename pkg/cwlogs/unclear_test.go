package cwlogs

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	standin "auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// doubtfulLogs is CloudWatch Logs with ends that are not clear, in memory: a
// synthetic clock does not go with a server.
type doubtfulLogs struct {
	client
	puts    int
	stores  []bool // whether the n-th put is stored although its answer is lost; beyond it, puts are answered
	lag     time.Duration
	refuses error // what reading is answered with
	stored  []storedMessage
}

type storedMessage struct {
	types.OutputLogEvent
	readable time.Time
}

var errLost = &smithyhttp.ResponseError{
	Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusInternalServerError}},
	Err:      &smithy.GenericAPIError{Code: "InternalFailure"},
}

func (l *doubtfulLogs) PutLogEvents(_ context.Context, in *cloudwatchlogs.PutLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error) {
	l.puts++
	lost := l.puts <= len(l.stores)
	if !lost || l.stores[l.puts-1] {
		for _, e := range in.LogEvents {
			l.stored = append(l.stored, storedMessage{types.OutputLogEvent{Message: e.Message, Timestamp: e.Timestamp}, time.Now().Add(l.lag)})
		}
	}
	if lost {
		return nil, errLost
	}
	return &cloudwatchlogs.PutLogEventsOutput{}, nil
}

func (l *doubtfulLogs) GetLogEvents(_ context.Context, in *cloudwatchlogs.GetLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error) {
	if l.refuses != nil {
		return nil, l.refuses
	}
	out := &cloudwatchlogs.GetLogEventsOutput{NextForwardToken: aws.String("end")}
	if in.NextToken != nil {
		return out, nil
	}
	for _, m := range l.stored {
		if !m.readable.After(time.Now()) && *m.Timestamp >= *in.StartTime && *m.Timestamp < *in.EndTime {
			out.Events = append(out.Events, m.OutputLogEvent)
		}
	}
	return out, nil
}

func TestUnclearPuts(t *testing.T) {
	tests := map[string]struct {
		logs      doubtfulLogs
		puts      int
		stored    int // messages of the two events
		receipt   export.Receipt
		fails     bool
		atMost    time.Duration
		timeLimit time.Duration
	}{
		"stored, the answer lost":            {logs: doubtfulLogs{stores: []bool{true}}, puts: 1, stored: 2, receipt: export.Receipt{Puts: 1}, atMost: 0},
		"stored and hidden for five seconds": {logs: doubtfulLogs{stores: []bool{true}, lag: 5 * time.Second}, puts: 1, stored: 2, receipt: export.Receipt{Puts: 1}, atMost: 6 * time.Second},
		"not stored":                         {logs: doubtfulLogs{stores: []bool{false}}, puts: 2, stored: 2, receipt: export.Receipt{Puts: 1}, atMost: 11 * time.Second},
		"not stored, twice":                  {logs: doubtfulLogs{stores: []bool{false, false}}, puts: 3, stored: 2, receipt: export.Receipt{Puts: 1}, atMost: 22 * time.Second},
		"never clear":                        {logs: doubtfulLogs{stores: []bool{false, false, false}}, puts: 3, fails: true, atMost: 33 * time.Second},
		"no time to look for long":           {logs: doubtfulLogs{stores: []bool{true}, lag: 8 * time.Second}, puts: 1, stored: 2, fails: true, atMost: 3 * time.Second, timeLimit: 3 * time.Second},
		"reading not allowed":                {logs: doubtfulLogs{stores: []bool{true}, refuses: &smithy.GenericAPIError{Code: "AccessDeniedException"}}, puts: 2, stored: 4, receipt: export.Receipt{Puts: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := tt.logs
				s := &Sink{client: &logs, now: func() time.Time { return now }}
				ctx := t.Context()
				if tt.timeLimit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeLimit)
					defer cancel()
				}
				started := time.Now()
				b := &export.Batch{Target: target, Events: []export.Rendered{s.Render(event(time.Minute)), s.Render(event(2 * time.Minute))}}
				receipt, err := s.Deliver(ctx, b)
				if (err != nil) != tt.fails {
					t.Errorf("error %v", err)
				}
				if logs.puts != tt.puts || len(logs.stored) != tt.stored || receipt.Puts != tt.receipt.Puts {
					t.Errorf("%d puts, %d stored, receipt %+v; want %d, %d and %d puts", logs.puts, len(logs.stored), receipt, tt.puts, tt.stored, tt.receipt.Puts)
				}
				if took := time.Since(started); took > tt.atMost {
					t.Errorf("it took %s, want %s at most", took, tt.atMost)
				}
				if warned := len(receipt.Warnings) > 0; warned != (tt.logs.refuses != nil) {
					t.Errorf("warnings %q", receipt.Warnings)
				}
			})
		})
	}
}

// TestPutsThatMayBeStoredAreNotRepeated holds the real client against a
// server: its own retries send again only what was surely not stored.
func TestPutsThatMayBeStoredAreNotRepeated(t *testing.T) {
	tests := map[string]struct {
		action fault.Action
		puts   int // before anything is looked up
	}{
		"lost reply":   {fault.LoseReply(), 1},
		"dropped":      {fault.Drop(), 1},
		"server error": {awsjson.ErrorReply(500, "InternalFailure", "oops"), 1},
		"unavailable":  {awsjson.ErrorReply(503, "ServiceUnavailableException", "later"), 1},
		"throttled":    {awsjson.ErrorReply(400, "ThrottlingException", "Rate exceeded"), 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{})
			b.group(t, target.Stream, 0)
			b.faults.Add(fault.Rule{Op: "PutLogEvents", Times: 1, Do: tt.action})
			d := delivery{Sink: b.sink, target: target}
			_, err := d.put(t.Context(), target.Stream, b.batch(event(time.Minute)).Events)
			if n := b.faults.Calls("PutLogEvents"); n != tt.puts {
				t.Errorf("%d puts, want %d", n, tt.puts)
			}
			if unclear := isUnclear(err); unclear != (tt.puts == 1) {
				t.Errorf("unclear %v: %v", unclear, err)
			}
		})
	}
}

func TestIsUnclear(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	tests := map[string]struct {
		err  error
		want bool
	}{
		"none":              {nil, false},
		"refused request":   {&smithy.GenericAPIError{Code: "InvalidParameterException", Fault: smithy.FaultClient}, false},
		"throttled":         {&smithy.GenericAPIError{Code: "ThrottlingException", Fault: smithy.FaultClient}, false},
		"no connection":     {dial, false},
		"reset":             {&net.OpError{Op: "read", Err: errors.New("reset")}, true},
		"time-out":          {context.DeadlineExceeded, true},
		"server error":      {errLost, true},
		"role not assumed":  {&smithy.OperationError{ServiceID: "CloudWatch Logs", Err: &smithy.OperationError{ServiceID: "STS", Err: errors.New("no")}}, false},
		"told of in words":  {explainPut(errLost, "g", "s"), true},
		"stream is missing": {&types.ResourceNotFoundException{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := isUnclear(tt.err); got != tt.want {
				t.Errorf("unclear %v, want %v", got, tt.want)
			}
		})
	}
}
