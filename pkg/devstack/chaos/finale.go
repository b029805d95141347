package chaos

import (
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// settled is how old an event must be to be exported: three seconds by
	// Auth0's clock, which is told in whole ones.
	settled = 4*time.Second + 100*time.Millisecond
	// finalRuns is how many undisturbed runs may be limited by the tenant's
	// rate limit before one is not.
	finalRuns = 10
	// calmTimeout is the timeout of a function that is in no hurry.
	calmTimeout = 20 * time.Second
)

// finale mends everything and lets the function run undisturbed until it has
// caught up, and reports whether it has. Claims of the dead must lapse by
// themselves.
func (st *stage) finale() (caughtUp bool) {
	st.mend()
	st.underWay.Wait()
	st.tell("everything is mended")
	_, newest := st.newest()
	sleep(st.ctx, max(st.Scene.Lag+200*time.Millisecond, time.Until(newest.Add(settled))))
	patience := time.Now().Add(st.Timeout + st.Grace + 2*time.Second)
	for n := range finalRuns {
		p := st.invoke()
		for p.skipped() && time.Now().Before(patience) && sleep(st.ctx, 250*time.Millisecond) {
			p = st.invoke()
		}
		switch {
		case p.ended(export.OK):
			return true
		case p.ended(export.Limited), p.starved():
			// At a low limit that the dead have used up, a function that has not
			// seen a refill yet asks again only after some seconds.
			if n == finalRuns/2 || p.report.Fetched == 0 {
				st.calm()
			}
		case p.took() > st.Timeout*3/4:
			st.calm()
		default:
			st.problem("an undisturbed run ends badly: %s", p)
		}
		sleep(st.ctx, st.Scene.Lag)
	}
	st.problem("no undisturbed run ends well")
	return false
}

// calm gives the function more time than a schedule does: on a busy machine,
// or at a low rate limit, seconds are too little for what was left over.
func (st *stage) calm() {
	st.tell("the timeout is raised to %s", calmTimeout)
	f, err := st.function(calmTimeout)
	if err != nil {
		st.problem("make function: %v", err)
		return
	}
	st.lambda.Close()
	st.lambda = f
}
