package emf

import (
	"strings"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// How much of a report goes into a line, in bytes and in entries. In all that
// is under 40 KB; JSON writes a byte as six at worst.
const (
	maxName     = 128
	maxSentence = 4000
	maxEntry    = 256
	maxEntries  = 50
	maxEvents   = 10
)

// bounded is the report with its texts and lists cut. The report that r was
// copied from stays as it is.
func bounded(r export.Report) export.Report {
	r.Tenant = cut(r.Tenant, maxName)
	r.Action = cut(r.Action, maxName)
	r.Outcome = cut(r.Outcome, maxName)
	r.Skipped = cut(r.Skipped, maxSentence)
	r.From, r.To = cut(r.From, maxName), cut(r.To, maxName)
	r.Version = cut(r.Version, maxName)
	if r.Error != nil {
		r.Error = &export.Error{
			Kind: cut(r.Error.Kind, maxName),
			Text: cut(r.Error.Text, maxSentence),
			Fix:  cut(r.Error.Fix, maxSentence),
		}
	}
	for _, rescued := range []*export.Rescued{&r.Late, &r.Slimmed, &r.Wrapped} {
		rescued.First = first(rescued.First, maxEvents, maxName)
	}
	r.UnknownTypes = first(r.UnknownTypes, maxEntries, maxName)
	r.Warnings = first(r.Warnings, maxEntries, maxEntry)
	return r
}

// first is the first most of list, each cut to limit bytes.
func first[S ~string](list []S, most, limit int) []S {
	var kept []S
	for _, s := range list[:min(len(list), most)] {
		kept = append(kept, cut(s, limit))
	}
	return kept
}

// cut is s within limit bytes, valid UTF-8, with "..." for what is missing.
func cut[S ~string](s S, limit int) S {
	const ellipsis = "..."
	if len(s) <= limit {
		return s
	}
	return S(strings.ToValidUTF8(string(s[:limit-len(ellipsis)]), "")) + ellipsis
}
