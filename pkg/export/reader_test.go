package export

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestReaderKeepsToTheStretch reads stretches of logs of all shapes, with one
// fetcher and with several: exactly the events after the one end up to the
// other come, in order, and few requests are made beyond the end.
func TestReaderKeepsToTheStretch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4000).Draw(rt, "events")
		apart := rapid.SampledFrom([]time.Duration{0, 20 * time.Millisecond, 300 * time.Millisecond, 40 * time.Second}).Draw(rt, "apart")
		room := rapid.SampledFrom([]int{1, 4, 12}).Draw(rt, "room")
		from, to := rapid.IntRange(-1, n-1).Draw(rt, "from"), rapid.IntRange(0, n-1).Draw(rt, "to")
		to = max(to, from+1)
		toTime := rapid.Bool().Draw(rt, "the end is a time")
		if to == n {
			rt.Skip("nothing left to read")
		}
		synctest.Test(t, func(t *testing.T) {
			d := farAway(stretch{n: n, apart: apart})
			d.room = room
			s := tenantlog.Stretch{After: d.after, To: d.events[to].ID}
			if from >= 0 {
				s.After = d.events[from].ID
			}
			if at, ok := s.To.Time(); toTime && ok {
				s.To = tenantlog.At(at)
			}
			want := slices.DeleteFunc(idsOf(d.events), func(id tenantlog.ID) bool { return id <= s.After || id > s.To })
			var got []tenantlog.ID
			err := (&Reader{Source: d, Now: time.Now, Warn: func(string) {}}).Read(t.Context(), s, time.Now().Add(time.Hour), func(events []tenantlog.Event) error {
				got = append(got, idsOf(events)...)
				return nil
			})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%d events of %v, %v; want %d", len(got), s, err, len(want))
			}
			if most := len(want)/d.page + 2 + len(want)/d.page/4 + room; d.requests > most {
				t.Errorf("%d requests for %d events, want %d at most", d.requests, len(want), most)
			}
		})
	})
}

// TestReaderEnds: at the time, and with whatever the taker says.
func TestReaderEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := farAway(stretch{n: 50_000, apart: 60 * time.Millisecond})
		all := tenantlog.Stretch{After: d.after, To: d.events[len(d.events)-1].ID}
		taken := 0
		err := (&Reader{Source: d, Now: time.Now, Warn: func(string) {}}).Read(t.Context(), all, time.Now().Add(time.Second), func(events []tenantlog.Event) error {
			taken += len(events)
			return nil
		})
		if !IsLimit(err) || taken == 0 || taken == len(d.events) {
			t.Errorf("%d events, %v; want some and the time's end", taken, err)
		}
		enough := errors.New("enough")
		err = (&Reader{Source: d, Now: time.Now, Warn: func(string) {}}).Read(t.Context(), all, time.Now().Add(time.Hour), func([]tenantlog.Event) error { return enough })
		if !errors.Is(err, enough) {
			t.Errorf("%v, want what the taker said", err)
		}
	})
}
