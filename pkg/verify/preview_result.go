package verify

import (
	"cmp"
	"math"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// PreviewResult is what a preview has found. Costs are those of a month of 30
// days, extrapolated from the range.
type PreviewResult struct {
	Tenant  string         `json:"tenant"`
	Action  string         `json:"action"`
	Outcome export.Outcome `json:"outcome"`
	Error   *export.Error  `json:"error,omitempty"`
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended"`
	// From and To are the ends of the range. ReadTo is set where only its
	// beginning could be read: all figures are then of the part up to there.
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	ReadTo time.Time `json:"readTo,omitzero"`
	// Pages counts the requests, Read the events on their pages that were
	// counted.
	Pages int   `json:"pages"`
	Read  int64 `json:"read"`
	// Sampled is nil where each event was counted.
	Sampled *PreviewSample `json:"sampled,omitempty"`
	// All is the whole log, Present and Proposed what the filters keep of it.
	All      PreviewTotal  `json:"all"`
	Present  PreviewTotal  `json:"present"`
	Proposed *PreviewTotal `json:"proposed,omitempty"`
	// Types are sorted by their bytes, the most first; More sums up those of
	// lower rank.
	Types    []PreviewType `json:"types"`
	More     *PreviewMore  `json:"moreTypes,omitempty"`
	Prices   PreviewPrices `json:"prices"`
	Warnings []string      `json:"warnings,omitempty"`
	Version  string        `json:"version"`
	// Text is the result as a table for people, a line each.
	Text []string `json:"text,omitempty"`

	present  filter.Filter
	proposed *filter.Filter
}

// PreviewSample says how an estimate was made.
type PreviewSample struct {
	// Rounds are the independent estimates whose mean was taken.
	Rounds int `json:"rounds"`
	// Share is what part of the events were read, 0 to 1.
	Share float64 `json:"share"`
	// CountedTo is up to when each event was counted, from the range's
	// beginning on: the estimate is of what follows.
	CountedTo time.Time `json:"countedTo"`
}

// PreviewTotal is what there is, or what a filter keeps of it. Where it is
// estimated, the true number lies between the two others in 95 of 100 previews.
type PreviewTotal struct {
	Events        int64     `json:"events"`
	EventsBetween *[2]int64 `json:"eventsBetween,omitempty"`
	// Bytes are counted as CloudWatch Logs bills them.
	Bytes        int64     `json:"bytes"`
	BytesBetween *[2]int64 `json:"bytesBetween,omitempty"`
	PreviewCost
}

// PreviewType is one type of events.
type PreviewType struct {
	// Type is the code; Name and Level are empty for one that the type table
	// does not know.
	Type   string `json:"type"`
	Name   string `json:"name,omitempty"`
	Level  string `json:"level,omitempty"`
	Events int64  `json:"events"`
	Bytes  int64  `json:"bytes"`
	// Share is that of all bytes, 0 to 1.
	Share float64 `json:"share"`
	// USDPerMonth is the price of taking them in, in the log class Standard.
	USDPerMonth float64 `json:"usdPerMonth"`
	// Present and Proposed say whether the filters keep the type.
	Present  bool  `json:"present"`
	Proposed *bool `json:"proposed,omitempty"`
}

// PreviewMore are the types that are not listed.
type PreviewMore struct {
	Types  int   `json:"types"`
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes"`
}

const (
	// maxTypes is how many types a result lists.
	maxTypes = 100
	// maxCode is how much is shown of a type code.
	maxCode = 64
)

// fill puts the figures into the result.
func (c *count) fill(r *PreviewResult) {
	end := r.To
	if !r.ReadTo.IsZero() {
		end = r.ReadTo
	}
	factor := month.Seconds() / max(end.Sub(r.From), time.Second).Seconds()
	r.present, r.proposed = c.p.Present, c.p.Proposed
	r.All, r.Present = c.total(nil, factor), c.total(&c.p.Present, factor)
	if c.p.Proposed != nil {
		t := c.total(c.p.Proposed, factor)
		r.Proposed = &t
	}
	if len(c.rounds) > 0 {
		r.Sampled = &PreviewSample{Rounds: len(c.rounds), CountedTo: c.rest.from,
			Share: math.Round(1e4*min(1, float64(r.Read)/float64(max(1, r.All.Events)))) / 1e4}
	}
	c.fillTypes(r, factor)
	r.Text = r.text()
}

func (c *count) fillTypes(r *PreviewResult, factor float64) {
	t := c.byType()
	all := t.total(nil).bytes
	r.Types = []PreviewType{}
	for i, code := range t.codes() {
		a := t[code]
		row := PreviewType{
			Type: clip(code), Events: int64(math.Round(a.events)), Bytes: int64(math.Round(a.bytes)),
			Share: math.Round(1e4*a.bytes/max(1, all)) / 1e4, USDPerMonth: costOf(a.bytes * factor).IngestUSDPerMonth,
			Present: keeps(&c.p.Present, code),
		}
		if i >= maxTypes {
			r.more(row)
			continue
		}
		if known, ok := tenantlog.LookupType(code); ok {
			row.Name, row.Level = known.Name, known.Level.String()
		}
		if c.p.Proposed != nil {
			kept := keeps(c.p.Proposed, code)
			row.Proposed = &kept
		}
		r.Types = append(r.Types, row)
	}
}

func (r *PreviewResult) more(row PreviewType) {
	if r.More == nil {
		r.More = &PreviewMore{}
	}
	r.More.Types++
	r.More.Events += row.Events
	r.More.Bytes += row.Bytes
}

// clip keeps a stranger's type code short and printable.
func clip(code string) string {
	short := []rune{}
	for _, c := range code {
		if len(short) == maxCode {
			return string(short) + "..."
		}
		if c < ' ' || 0x7f <= c && c <= 0x9f || c == 0xfffd {
			c = '?'
		}
		short = append(short, c)
	}
	return string(short)
}

// order sorts codes by bytes, the most first.
func (t tally) order(a, b string) int {
	return cmp.Or(cmp.Compare(t[b].bytes, t[a].bytes), cmp.Compare(a, b))
}
