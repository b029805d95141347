package export

import (
	"context"
	"time"
)

// times are the ends of a run's stages. Each leaves the next its time, so that
// a run with more to do than fits ends saved and reported before the function
// is killed.
type times struct {
	fetch   time.Time // no page is asked for afterwards
	deliver time.Time // no batch is sent afterwards
	state   time.Time // no parameter is written afterwards, but for Slack's sake
	tell    time.Time // Slack is not waited for any longer
	end     time.Time
}

const (
	// maxReserve is what is kept of a run's time for delivery, state and
	// report; of short runs a fifth.
	maxReserve = 15 * time.Second
	// defaultTime is a run's time where the context sets none.
	defaultTime = 5 * time.Minute
)

// plan divides the time until ctx's deadline. It counts on the system's clock,
// as contexts do.
func plan(ctx context.Context) times {
	now := time.Now()
	end, ok := ctx.Deadline()
	if !ok {
		end = now.Add(defaultTime)
	}
	reserve := min(maxReserve, end.Sub(now)/5)
	return times{
		fetch:   end.Add(-reserve),
		deliver: end.Add(-reserve / 2),
		state:   end.Add(-reserve / 5),
		tell:    end.Add(-reserve / 20),
		end:     end,
	}
}
