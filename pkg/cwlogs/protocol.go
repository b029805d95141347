package cwlogs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// withQuickEvents has the SDK send the events of a put as quickEvents writes
// them.
func withQuickEvents(o *cloudwatchlogs.Options) { o.Protocol = quickEvents{o.Protocol} }

// quickEvents is the SDK's protocol but for the events of a put, nearly all
// that is sent: they are written into one buffer of the right size, while the
// SDK's grows as it is filled, and is copied again and again.
type quickEvents struct{ smithyhttp.ClientProtocol }

// SerializeRequest has the SDK write the request, a put without its events,
// and then adds these.
func (q quickEvents) SerializeRequest(ctx context.Context, op *smithy.OperationSchema, in smithy.Serializable, req *smithyhttp.Request) error {
	put, ok := in.(*cloudwatchlogs.PutLogEventsInput)
	if !ok {
		return q.ClientProtocol.SerializeRequest(ctx, op, in, req)
	}
	head := *put
	head.LogEvents = nil
	if err := q.ClientProtocol.SerializeRequest(ctx, op, &head, req); err != nil {
		return err
	}
	members, err := io.ReadAll(req.GetStream())
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	full, err := req.SetStream(bytes.NewReader(addEvents(members, put.LogEvents)))
	if err != nil {
		return fmt.Errorf("set request: %w", err)
	}
	*req = *full
	return nil
}

// The parts of an event in a request. A put always has other members before
// its events: the names of group and stream.
const (
	beforeEvents    = `,"logEvents":[`
	beforeMessage   = `{"message":`
	beforeTimestamp = `,"timestamp":`
	afterEvents     = `]}`
	// maxEventFrame is more than an event takes beside its message's bytes.
	maxEventFrame = len(beforeMessage) + len(`""`) + len(beforeTimestamp) + len("-9223372036854775808") + len("},")
)

// addEvents is the JSON object with the events as one more member. Their
// messages must be valid UTF-8, and no pointer may be nil.
func addEvents(object []byte, events []types.InputLogEvent) []byte {
	size := len(object) + len(beforeEvents) + len(afterEvents)
	for _, e := range events {
		size += maxEventFrame + len(*e.Message) + strings.Count(*e.Message, `"`) + strings.Count(*e.Message, `\`)
	}
	body := make([]byte, 0, size)
	body = append(body, object[:len(object)-1]...)
	body = append(body, beforeEvents...)
	for i, e := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, beforeMessage...)
		body = appendQuoted(body, *e.Message)
		body = append(body, beforeTimestamp...)
		body = strconv.AppendInt(body, *e.Timestamp, 10)
		body = append(body, '}')
	}
	return append(body, afterEvents...)
}

// appendQuoted appends text as a JSON string. A message is mostly one line of
// JSON: many quotes, some backslashes, and hardly a control character.
func appendQuoted(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[done:i]...)
		if c >= ' ' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
		}
		done = i + 1
	}
	dst = append(dst, text[done:]...)
	return append(dst, '"')
}
