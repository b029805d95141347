package verify

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// PreviewRequest is what an event asks of a preview.
type PreviewRequest struct {
	// From and To are the ends of the range as tenantlog.ParseStretch reads
	// them; empty for the last 24 hours and for now.
	From string `json:"from"`
	To   string `json:"to"`
	// LogLevel and LogTypes are the proposed settings of these names. One that
	// is nil stays as it is.
	LogLevel *string `json:"LOG_LEVEL"`
	LogTypes *string `json:"LOG_TYPES"`
}

// PreviewSettings are the tenant's settings that a request is read beside.
type PreviewSettings struct {
	LogLevel, LogTypes string
	// Retention is how long Auth0 keeps the tenant's events, 0 where it is not
	// known.
	Retention time.Duration
}

// PreviewPlan is a request that can be carried out.
type PreviewPlan struct {
	Range tenantlog.Stretch
	// From and To are its ends in time.
	From, To time.Time
	// Proposed is the filter to compare with the present one, nil for none.
	Proposed *filter.Filter
	// RetentionUnknown says that events of the range may be deleted at Auth0
	// without this being known.
	RetentionUnknown bool
	Warnings         []string
}

const (
	// previewFrom is where the range begins that a request does not tell.
	previewFrom = "-24h"
	// shortestRetention is that of Auth0's smallest plan.
	shortestRetention = 24 * time.Hour
)

// Plan reads the request. The error is in words for whoever wrote it.
func (q PreviewRequest) Plan(s PreviewSettings, now time.Time) (PreviewPlan, error) {
	p := PreviewPlan{RetentionUnknown: s.Retention == 0}
	var err error
	now = now.UTC()
	p.Range, err = tenantlog.ParseStretch(cmp.Or(q.From, previewFrom), cmp.Or(q.To, now.Format(time.RFC3339)), now)
	if err != nil {
		return p, err
	}
	kept, err := p.Range.CheckRetention(s.Retention, now)
	if err != nil {
		return p, err
	}
	if !kept.IsZero() {
		p.warn("Auth0 keeps nothing from before %s: the range begins there", kept.Format(time.RFC3339))
		p.Range.After = tenantlog.At(kept)
	}
	if end := tenantlog.At(now); p.Range.To > end && p.Range.After < end {
		p.Range.To = end
		p.warn("the range ends at %s: later events have not happened yet", now.Format(time.RFC3339))
	}
	var ok bool
	if p.From, p.To, ok = p.Range.Times(); !ok {
		return p, errors.New("from or to is a log_id that has no time in it: expected the log_id of an event, or a time")
	}
	if p.From.After(now) {
		return p, fmt.Errorf("from lies in the future: it is %s now", now.Format(time.RFC3339))
	}
	return p, p.propose(q, s)
}

// propose reads the proposed filter.
func (p *PreviewPlan) propose(q PreviewRequest, s PreviewSettings) error {
	if q.LogLevel == nil && q.LogTypes == nil {
		return nil
	}
	level, types := s.LogLevel, s.LogTypes
	if q.LogLevel != nil {
		level = *q.LogLevel
	}
	if q.LogTypes != nil {
		types = *q.LogTypes
	}
	if _, err := filter.Parse(level, ""); err != nil {
		return badSetting("LOG_LEVEL", err)
	}
	f, err := filter.Parse(level, types)
	if err != nil {
		return badSetting("LOG_TYPES", err)
	}
	p.Proposed = &f
	if q.LogTypes == nil {
		return nil // reading the settings has warned
	}
	for _, item := range f.Unmatched() {
		p.warn("LOG_TYPES: %.40s matches no type that is known so far: check its spelling, unless it is new at Auth0", item)
	}
	return nil
}

// badSetting names the key that the filter refused, with its reasons on one
// line.
func badSetting(name string, err error) error {
	return fmt.Errorf("the event's %s: %s", name, words.Reasons(err))
}

func (p *PreviewPlan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}
