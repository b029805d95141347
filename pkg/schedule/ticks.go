package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Ticks tells which rules export a tenant, each as "NAME, EXPRESSION": those
// that are on and those that are off. next is when one of them fires next, seen
// from now, and zero where that is not known; last is when one is last known to
// have fired, zero for never.
func (r *Rules) Ticks(ctx context.Context, tenant string, now, last time.Time) (on, off []string, next time.Time, err error) {
	rules, err := r.All(ctx)
	if err != nil {
		return nil, nil, time.Time{}, err
	}
	for _, rule := range rules {
		if !slices.Contains(rule.Tenants, tenant) {
			continue
		}
		about := fmt.Sprintf("%s, %s", rule.Name, rule.Expression)
		if !rule.Enabled {
			off = append(off, about)
			continue
		}
		on = append(on, about)
		e, err := Parse(rule.Expression)
		if err != nil {
			continue // EventBridge has the last word on what it takes
		}
		if due, ok := e.Next(now, last); ok && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return on, off, next, nil
}
