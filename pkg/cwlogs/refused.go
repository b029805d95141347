package cwlogs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// putAll puts events as putClearly does. Where the service refuses a call as
// invalid, one event of it may be the reason, by a rule not known here: the
// call is halved until that one is alone, and it is stored in short. Where
// even that is refused it is not the event, and the error is returned.
func (d *delivery) putAll(ctx context.Context, stream string, events []export.Rendered) (refused []export.Rendered, err error) {
	refused, err = d.putClearly(ctx, stream, events)
	if _, invalid := errors.AsType[*types.InvalidParameterException](err); !invalid {
		return refused, err
	}
	if len(events) == 1 {
		return d.putShort(ctx, stream, events[0])
	}
	half := len(events) / 2
	for _, part := range [][]export.Rendered{events[:half], events[half:]} {
		some, err := d.putAll(ctx, stream, part)
		if err != nil {
			return nil, err
		}
		refused = append(refused, some...)
	}
	return refused, nil
}

// putShort stores an event that was refused as it is.
func (d *delivery) putShort(ctx context.Context, stream string, e export.Rendered) (refused []export.Rendered, err error) {
	short := e
	short.Message = inShort(e.ID, e.Message)
	refused, err = d.putClearly(ctx, stream, []export.Rendered{short})
	if err == nil && e.Form != export.Slimmed { // which is counted anyway
		d.receipt.Slimmed = append(d.receipt.Slimmed, e.ID)
	}
	return refused, err
}
