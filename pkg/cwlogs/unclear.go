package cwlogs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// maxPutTries is how often the SDK may send a put that was surely not
	// stored.
	maxPutTries = 6
	// lookTime is how long a put whose end is unclear is looked for before
	// it is sent again: what was accepted may take seconds to be readable.
	lookTime = 10 * time.Second
	// lookPause is the pause between two looks.
	lookPause = 2 * time.Second
	// maxUnclear is how many unclear ends in a row a batch is given.
	maxUnclear = 3
)

// withoutRepeats has the SDK repeat a put only where the service surely has
// not stored it: PutLogEvents knows no token by which it would recognise one
// sent twice.
func withoutRepeats(o *cloudwatchlogs.Options) {
	o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
		s.MaxAttempts = maxPutTries
		s.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			return aws.BoolTernary(surelyNotStored(err))
		})}
	})
}

// surelyNotStored reports whether a failed put may be sent again at once: it
// was throttled, or never left for want of a connection.
func surelyNotStored(err error) bool {
	switch code(err) {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// isUnclear reports whether a failed put may have been stored all the same: no
// answer came, or the service says that it failed itself.
func isUnclear(err error) bool {
	if _, broken := credentialsError(err); err == nil || broken || surelyNotStored(err) {
		return false
	}
	if code(err) == "" {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.HTTPStatusCode() >= http.StatusInternalServerError
}

// errNoTime says that what became of a put cannot be found out in time.
var errNoTime = errors.New("no time to look for what was put")

// putClearly puts events as put does, and finds out what became of a put whose
// end is unclear: the events are looked for in the stream, and those that do
// not turn up are sent again. Where time does not suffice, the error of the
// unclear put is returned.
func (d *delivery) putClearly(ctx context.Context, stream string, events []export.Rendered) (refused []export.Rendered, err error) {
	for range maxUnclear {
		refused, err = d.put(ctx, stream, events)
		if !isUnclear(err) {
			return refused, err
		}
		rest, lookErr := d.notStored(ctx, stream, events)
		if lookErr != nil {
			return nil, err
		}
		d.count(slices.DeleteFunc(slices.Clone(events), func(e export.Rendered) bool {
			return slices.ContainsFunc(rest, func(r export.Rendered) bool { return r.ID == e.ID })
		}))
		if events = rest; len(events) == 0 {
			return nil, nil
		}
	}
	return nil, err
}

// notStored looks for events of an unclear put until all have turned up or
// long enough has passed, and returns those that have not. An error means that
// nothing can be said.
func (d *delivery) notStored(ctx context.Context, stream string, events []export.Rendered) ([]export.Rendered, error) {
	target := export.Target{Group: d.target.Group, Stream: stream}
	for until := time.Now().Add(lookTime); ; {
		found, err := d.Find(ctx, target, events)
		if errors.Is(err, export.ErrCannotRead) {
			d.warn("%s cannot be read back: a batch whose delivery was unclear was sent again (%v)", stream, err)
			return events, nil
		}
		over := !time.Now().Before(until)
		if err != nil && over {
			return nil, err
		}
		if err == nil {
			rest := slices.DeleteFunc(slices.Clone(events), func(e export.Rendered) bool { return found[e.ID] })
			if len(rest) == 0 || over {
				return rest, nil
			}
		}
		if !pause(ctx, lookPause) {
			return nil, errNoTime
		}
	}
}

// pause waits for d, or reports false at once where ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *delivery) warn(format string, args ...any) {
	d.receipt.Warnings = append(d.receipt.Warnings, fmt.Sprintf(format, args...))
}
