package export

import (
	"context"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Reader reads a tenant's log in order, ahead of whoever takes its events, with
// as many requests at a time as the rate limit leaves room for.
type Reader struct {
	Source Source
	Now    func() time.Time
	// Seen is the id of an event that Auth0 has answered before and still keeps,
	// "" where none is known. That nothing comes after an earlier id is then not
	// believed.
	Seen tenantlog.ID
	// Warn is told of what Auth0 answered that is odd, page by page.
	Warn func(text string)

	reach reach // other than the default in tests
}

func (x *Exporter) reader() *Reader { return &Reader{Source: x.Source, Now: x.Now, reach: x.reach} }

// Read hands the events of a stretch of the log to take, a page at a time, in
// order, and returns its error as it is. It stops asking for pages at the time
// given; an error IsLimit says that there are more, and where a later Read goes
// on is for the caller to know. Nothing that it started is at work when it
// returns.
func (l *Reader) Read(ctx context.Context, s tenantlog.Stretch, until time.Time, take func([]tenantlog.Event) error) error {
	pages, stop := l.start(ctx, s.After, s.To, until)
	defer stop()
	over := false
	for p := range pages {
		for _, text := range p.warnings {
			l.Warn(text)
		}
		if p.err != nil {
			return p.err
		}
		if err := take(p.events); err != nil {
			return err
		}
		over = !p.caughtUp.IsZero()
	}
	if !over {
		return errTimeUp
	}
	return nil
}
