package schedule

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

const (
	// callTimeout bounds one call: the SDK itself sets no limit to how long it
	// waits for an answer.
	callTimeout = 10 * time.Second
	// atOnce is how many rules are read at the same time: a stack may have one
	// for each of fifty tenants, and someone waits for the page.
	atOnce = 4
)

// client is what is called of EventBridge.
type client interface {
	ListRuleNamesByTarget(context.Context, *eventbridge.ListRuleNamesByTargetInput, ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error)
	ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
	DescribeRule(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	EnableRule(context.Context, *eventbridge.EnableRuleInput, ...func(*eventbridge.Options)) (*eventbridge.EnableRuleOutput, error)
	DisableRule(context.Context, *eventbridge.DisableRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DisableRuleOutput, error)
	PutRule(context.Context, *eventbridge.PutRuleInput, ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error)
}

// Rule is a scheduled rule that starts the export function.
type Rule struct {
	Name        string
	Description string
	// Expression is the schedule expression as EventBridge has it, for Parse.
	Expression string
	Enabled    bool
	// ManagedBy is the principal of the AWS service that made the rule and
	// alone may change it; "" for a rule of the account's own.
	ManagedBy string
	// Tenants are those that a tick of the rule exports, in the order of their
	// names. They are as the targets' constant inputs name them, and not
	// checked to be valid. Switching the rule switches all of them.
	Tenants []string
	// Unread are the ids of targets on the function whose input does not say
	// what a tick does: something that the function refuses, or what depends on
	// the event. An input that asks for another action, such as a verification,
	// is neither unread nor one that exports a tenant.
	Unread []string
}

// Rules are the scheduled rules that start one function. They may be used by
// several goroutines. All errors are *export.Error.
type Rules struct {
	client   client
	function string
}

// New returns the rules that have functionARN for a target. They are on the
// default event bus, as scheduled rules always are.
func New(c *eventbridge.Client, functionARN string) *Rules { return newRules(c, functionARN) }

func newRules(c client, functionARN string) *Rules {
	return &Rules{client: c, function: functionARN}
}

// All returns the rules in the order of their names; none is no error. Rules
// that only match events are left out.
func (r *Rules) All(ctx context.Context) ([]Rule, error) {
	names, err := r.names(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]*Rule, len(names))
	err = each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		found[i], err = r.read(ctx, names[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	var rules []Rule
	for _, rule := range found {
		if rule != nil {
			rules = append(rules, *rule)
		}
	}
	return rules, nil
}

// Enable switches a rule on. Like all that change one, it refuses a rule that
// does not start the function.
func (r *Rules) Enable(ctx context.Context, name string) error {
	if err := r.own(ctx, name); err != nil {
		return err
	}
	_, err := call(ctx, r.client.EnableRule, &eventbridge.EnableRuleInput{Name: aws.String(name)})
	return explain(err, "events:EnableRule", name)
}

// Disable switches a rule off.
func (r *Rules) Disable(ctx context.Context, name string) error {
	if err := r.own(ctx, name); err != nil {
		return err
	}
	_, err := call(ctx, r.client.DisableRule, &eventbridge.DisableRuleInput{Name: aws.String(name)})
	return explain(err, "events:DisableRule", name)
}

// Reschedule gives a rule another schedule expression, one that Parse can read.
// Everything else of the rule stays: PutRule leaves targets and tags alone, and
// the rest, which it would clear, is sent again. A rule that is off stays off.
func (r *Rules) Reschedule(ctx context.Context, name, expression string) error {
	if _, err := Parse(expression); err != nil {
		return unreadable(err)
	}
	if err := r.own(ctx, name); err != nil {
		return err
	}
	rule, err := ask(ctx, r.client.DescribeRule, &eventbridge.DescribeRuleInput{Name: aws.String(name)})
	if err != nil {
		return explain(err, "events:DescribeRule", name)
	}
	_, err = call(ctx, r.client.PutRule, &eventbridge.PutRuleInput{
		Name:               aws.String(name),
		ScheduleExpression: aws.String(expression),
		Description:        rule.Description,
		EventPattern:       rule.EventPattern,
		RoleArn:            rule.RoleArn,
		State:              rule.State, // absent would be ENABLED
	})
	return explainPut(err, name, expression)
}

// names are the names of the rules that start the function, in order.
func (r *Rules) names(ctx context.Context) ([]string, error) {
	var names []string
	in := &eventbridge.ListRuleNamesByTargetInput{TargetArn: aws.String(r.function)}
	for {
		out, err := ask(ctx, r.client.ListRuleNamesByTarget, in)
		if err != nil {
			return nil, explain(err, "events:ListRuleNamesByTarget", "")
		}
		names = append(names, out.RuleNames...)
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			slices.Sort(names)
			return names, nil
		}
	}
}

// read returns a rule, nil for one that has no schedule, or that has gone or been
// given another target since its name was read.
func (r *Rules) read(ctx context.Context, name string) (*Rule, error) {
	out, err := ask(ctx, r.client.DescribeRule, &eventbridge.DescribeRuleInput{Name: aws.String(name)})
	switch {
	case isNotFound(err):
		return nil, nil
	case err != nil:
		return nil, explain(err, "events:DescribeRule", name)
	case aws.ToString(out.ScheduleExpression) == "":
		return nil, nil
	}
	targets, err := r.targets(ctx, name)
	switch {
	case isNotFound(err), err == nil && len(targets) == 0:
		return nil, nil
	case err != nil:
		return nil, err
	}
	rule := &Rule{
		Name:        name,
		Description: aws.ToString(out.Description),
		Expression:  aws.ToString(out.ScheduleExpression),
		Enabled:     out.State != types.RuleStateDisabled,
		ManagedBy:   aws.ToString(out.ManagedBy),
	}
	rule.addTargets(targets)
	return rule, nil
}

// targets are a rule's targets on the function.
func (r *Rules) targets(ctx context.Context, name string) ([]types.Target, error) {
	var targets []types.Target
	in := &eventbridge.ListTargetsByRuleInput{Rule: aws.String(name)}
	for {
		out, err := ask(ctx, r.client.ListTargetsByRule, in)
		if err != nil {
			return nil, explain(err, "events:ListTargetsByRule", name)
		}
		for _, t := range out.Targets {
			if aws.ToString(t.Arn) == r.function {
				targets = append(targets, t)
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return targets, nil
		}
	}
}

// own refuses a rule that does not start the function: a name comes from
// outside, and the role may be allowed more rules than these.
func (r *Rules) own(ctx context.Context, name string) error {
	targets, err := r.targets(ctx, name)
	if err == nil && len(targets) == 0 {
		return foreign(name)
	}
	return err
}

func (r *Rule) addTargets(targets []types.Target) {
	for _, t := range targets {
		tenant, ok := tenantOf(t)
		switch {
		case ok:
			r.Tenants = append(r.Tenants, tenant)
		case !asksForAction(t):
			r.Unread = append(r.Unread, aws.ToString(t.Id))
		}
	}
	slices.Sort(r.Tenants)
	r.Tenants = slices.Compact(r.Tenants)
}

// defaultTenant is the tenant of an event that names none.
const defaultTenant = "default"

// tenantOf reads the tenant that the function exports for a target, by the
// function's own rules: a scheduled event and {} name none, and anything but
// a tenant in a constant input is refused or another action.
func tenantOf(t types.Target) (tenant string, ok bool) {
	if t.InputPath != nil || t.InputTransformer != nil {
		return "", false
	}
	if t.Input == nil {
		return defaultTenant, true
	}
	keys := keysOf(*t.Input)
	if keys == nil {
		return "", false
	}
	if len(keys) == 0 {
		return defaultTenant, true
	}
	raw, named := keys["tenant"]
	if !named || len(keys) > 1 || json.Unmarshal(raw, &tenant) != nil {
		return "", false
	}
	return tenant, tenant != ""
}

// asksForAction reports whether a target's constant input asks the function for
// something else than the export.
func asksForAction(t types.Target) bool {
	var action string
	return json.Unmarshal(keysOf(aws.ToString(t.Input))["action"], &action) == nil && action != ""
}

// keysOf are the members of a JSON object, nil for anything else.
func keysOf(input string) (keys map[string]json.RawMessage) {
	if json.Unmarshal([]byte(input), &keys) != nil {
		return nil
	}
	return keys
}

// call makes one call that changes something, within its time.
func call[In, Out any](ctx context.Context, do func(context.Context, In, ...func(*eventbridge.Options)) (Out, error), in In) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return do(ctx, in)
}

// askTries is how often a call that changes nothing is made when it breaks off:
// the SDK itself does not ask again for an answer that it has read half of.
const askTries = 3

// ask makes one call that changes nothing, again where it breaks off, all
// within the time of one.
func ask[In, Out any](ctx context.Context, do func(context.Context, In, ...func(*eventbridge.Options)) (Out, error), in In) (out Out, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for range askTries {
		out, err = do(ctx, in)
		if err == nil || code(err) != "" || ctx.Err() != nil {
			break
		}
	}
	return out, err
}

// each calls do with 0 to n-1, atOnce at a time, and returns the first error,
// which ends the other calls.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		calls sync.WaitGroup
		once  sync.Once
		first error
	)
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx, i); err != nil {
				once.Do(func() { first = err })
				cancel()
			}
		})
	}
	calls.Wait()
	return first
}
