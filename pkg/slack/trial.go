package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	blockkit "github.com/slack-go/slack"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// KindSlack is the kind of error where a test message does not arrive.
const KindSlack export.Kind = "slack"

// PostTest sends a message that says of itself that it is a test, as Post would
// send it. Its errors are *export.Error.
func (n *Notifier) PostTest(ctx context.Context, tenant string, at time.Time) error {
	title := clean(tenant, maxTenant) + ": test message"
	lead := fmt.Sprintf("This is a test, sent by the action check at %s. Nothing is wrong, and there is nothing to do: messages about this tenant's export arrive here.", date(at))
	body, err := json.Marshal(Payload{Text: title + "\n" + lead, Blocks: []blockkit.Block{
		blockkit.NewHeaderBlock(blockkit.NewTextBlockObject(blockkit.PlainTextType, title, false, false)),
		section(lead),
	}})
	if err != nil {
		return &export.Error{Kind: KindSlack, Text: "The Slack message cannot be encoded.", Fix: fixReport, Err: err}
	}
	err = n.deliver(ctx, body)
	if e, ok := errors.AsType[*Error](err); ok {
		return &export.Error{Kind: KindSlack, Text: e.Text, Fix: e.Fix, Err: err}
	}
	return err
}
