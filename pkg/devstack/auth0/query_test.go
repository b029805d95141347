package auth0

import "testing"

// Whatever is asked, a query matches or is refused; what it matches lies in
// the ranges, which the event's own id and date show.
func FuzzParseQuery(f *testing.F) {
	f.Add("")
	f.Add("date:[2026-11-20T00:00:00Z TO *]")
	f.Add("log_id:[* TO 90020251001053916537654000000000000001223372122475524001] AND date:[2026-11-20 TO 2026-11-21]")
	f.Add("type:s OR type:f")
	f.Fuzz(func(t *testing.T, q string) {
		parsed, err := parseQuery(q)
		if err != nil {
			return
		}
		if parsed.idFrom != nil && parsed.idTo != nil && *parsed.idFrom <= *parsed.idTo {
			date := int64(0)
			if parsed.dateFrom != nil {
				date = *parsed.dateFrom
			}
			if (parsed.dateTo == nil || date <= *parsed.dateTo) && !parsed.match(event{id: *parsed.idFrom, date: date}) {
				t.Errorf("%q does not match its own start", q)
			}
		}
	})
}
