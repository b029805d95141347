package schedule

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// silent is an EventBridge that never answers.
type silent struct{ client }

func (silent) ListRuleNamesByTarget(ctx context.Context, _ *eventbridge.ListRuleNamesByTargetInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestSilence shows that no call waits for ever.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := newRules(silent{}, "arn").All(t.Context())
		if waited := time.Since(began); waited != callTimeout {
			t.Errorf("waited %s, want %s", waited, callTimeout)
		}
		e, ok := errors.AsType[*export.Error](err)
		if !ok || e.Text != "EventBridge does not answer events:ListRuleNamesByTarget for the rules that start the export." {
			t.Errorf("got %v", err)
		}
	})
}
