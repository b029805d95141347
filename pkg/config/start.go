package config

import (
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// After is the id after which an export begins that this start is for. Without
// a start it is the oldest.
func (s Start) After(now time.Time) tenantlog.ID {
	switch s.Kind {
	case Now:
		return tenantlog.At(now)
	case At:
		return s.Point.From()
	case Absent, Oldest:
	}
	return tenantlog.Oldest
}
