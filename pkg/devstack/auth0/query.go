package auth0

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// query is a search: inclusive ranges of dates and of ids. The zero value
// matches every event.
type query struct {
	dateFrom, dateTo *int64 // Unix milliseconds
	idFrom, idTo     *tenantlog.ID
}

// clause is one range of a query: field, from, to.
var clause = regexp.MustCompile(`^([A-Za-z_.]+):\[(\S+) TO (\S+)\]$`)

// parseQuery reads the part of Auth0's "Log Search Query Syntax" that selects
// ranges: date:[T TO U] and log_id:[X TO Y], either end *, joined by AND.
func parseQuery(q string) (query, error) {
	var parsed query
	if strings.TrimSpace(q) == "" {
		return parsed, nil
	}
	for part := range strings.SplitSeq(q, " AND ") {
		part = strings.TrimSpace(part)
		if field, _, ok := strings.Cut(part, ":"); ok && field != "date" && field != "log_id" {
			return query{}, fmt.Errorf("unknown field %q", field)
		}
		m := clause.FindStringSubmatch(part)
		if m == nil {
			return query{}, fmt.Errorf("expected FIELD:[A TO B] at %q", part)
		}
		if err := parsed.add(m[1], m[2], m[3]); err != nil {
			return query{}, err
		}
	}
	return parsed, nil
}

func (q *query) add(field, from, to string) (err error) {
	if field == "date" {
		if q.dateFrom, err = bound(from, parseDate); err == nil {
			q.dateTo, err = bound(to, parseDate)
		}
		return err
	}
	if q.idFrom, err = bound(from, tenantlog.ParseID); err == nil {
		q.idTo, err = bound(to, tenantlog.ParseID)
	}
	return err
}

// bound reads one end of a range, nil for an open one.
func bound[T any](s string, parse func(string) (T, error)) (*T, error) {
	if s == "*" {
		return nil, nil
	}
	v, err := parse(s)
	return &v, err
}

func parseDate(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	if err != nil {
		return 0, fmt.Errorf("%q is no date", s)
	}
	return t.UnixMilli(), nil
}

func (q query) match(e event) bool {
	return within(e.date, q.dateFrom, q.dateTo) && within(e.id, q.idFrom, q.idTo)
}

func within[T int64 | tenantlog.ID](v T, from, to *T) bool {
	return (from == nil || *from <= v) && (to == nil || v <= *to)
}
