package verify

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"auth0-logs-to-cloudwatch/pkg/words"
)

// text is the result for people.
func (r *PreviewResult) text() []string {
	lines := []string{
		fmt.Sprintf("Preview of %s: %s to %s (%s)", r.Tenant, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), words.Between(r.From, r.To)),
		r.how(),
		"",
	}
	lines = append(lines, r.totals()...)
	lines = append(lines, "")
	lines = append(lines, r.typeTable()...)
	lines = append(lines, "",
		"A month is 30 days, extrapolated from the "+words.Between(r.From, r.end())+" that were looked at.",
		fmt.Sprintf("Prices: %s, %s, before the free tier; ingestion $%.2f a GB (Infrequent Access $%.2f).",
			r.Prices.Region, r.Prices.Date, r.Prices.IngestUSDPerGB, r.Prices.IngestIAUSDPerGB),
		fmt.Sprintf("Storage: $%.2f a GB and month, compressed to %.0f %%: one month's events, for each month that they are kept.",
			r.Prices.StorageUSDPerGBMonth, 100*r.Prices.Compressed))
	for _, w := range r.Warnings {
		lines = append(lines, "Warning: "+w)
	}
	return lines
}

// end is the end of what the figures are of.
func (r *PreviewResult) end() time.Time {
	if r.ReadTo.IsZero() {
		return r.To
	}
	return r.ReadTo
}

// how says how the figures came about.
func (r *PreviewResult) how() string {
	read := fmt.Sprintf("%s read on %s", words.Count(r.Read, "event"), words.Count(r.Pages, "page"))
	switch {
	case r.Sampled == nil && r.ReadTo.IsZero():
		return fmt.Sprintf("Each event was counted, on %s.", words.Count(r.Pages, "page"))
	case r.Sampled == nil:
		return fmt.Sprintf("Only the beginning was read, up to %s: %s.", r.ReadTo.Format(time.RFC3339), read)
	}
	return fmt.Sprintf("Estimated from a sample: %s, %.1f %% of all; 95 %% interval %s to %s events, %s to %s.", read, 100*r.Sampled.Share,
		words.Number(r.All.EventsBetween[0]), words.Number(r.All.EventsBetween[1]), words.Volume(r.All.BytesBetween[0]), words.Volume(r.All.BytesBetween[1]))
}

func (r *PreviewResult) totals() []string {
	rows := [][]string{{"filter", "events", "size", "ingested a month", "in Infreq. Access", "stored, each month", ""}}
	row := func(name string, t PreviewTotal, keeps string) {
		rows = append(rows, []string{name, words.Number(t.Events), words.Volume(t.Bytes), usd(t.IngestUSDPerMonth), usd(t.IngestIAUSDPerMonth),
			usd(t.StorageUSDPerMonthKept), keeps})
	}
	row("none", r.All, "everything")
	row("present", r.Present, r.present.String())
	if r.Proposed != nil {
		row("proposed", *r.Proposed, r.proposed.String())
	}
	return table(rows, 1, 2, 3, 4, 5)
}

func (r *PreviewResult) typeTable() []string {
	rows := [][]string{{"type", "level", "events", "size", "share", "USD a month", "present", "proposed", "name"}}
	for _, t := range r.Types {
		proposed := "-"
		if t.Proposed != nil {
			proposed = yes(*t.Proposed)
		}
		rows = append(rows, []string{cmp.Or(t.Type, "(none)"), cmp.Or(t.Level, "unknown"), words.Number(t.Events), words.Volume(t.Bytes),
			fmt.Sprintf("%.1f %%", 100*t.Share), usd(t.USDPerMonth), yes(t.Present), proposed, t.Name})
	}
	lines := table(rows, 2, 3, 4, 5)
	if r.More != nil {
		lines = append(lines, fmt.Sprintf("and %s more: %s, %s", words.Count(r.More.Types, "type"), words.Count(r.More.Events, "event"), words.Volume(r.More.Bytes)))
	}
	return lines
}

func yes(kept bool) string {
	if kept {
		return "keep"
	}
	return "drop"
}

// usd writes dollars with cents; what is less than a cent is not nothing.
func usd(v float64) string {
	if 0 < v && v < 0.005 {
		return "< $0.01"
	}
	return fmt.Sprintf("$%.2f", v)
}

// table aligns the cells of rows of equal length in columns; those named are
// set to the right.
func table(rows [][]string, right ...int) []string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	toRight := make(map[int]bool)
	for _, i := range right {
		toRight[i] = true
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if toRight[i] {
				cells[i] = pad + cell
			} else {
				cells[i] = cell + pad
			}
		}
		lines[n] = strings.TrimRight(strings.Join(cells, "  "), " ")
	}
	return lines
}
