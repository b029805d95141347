package export

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestLedgerPosition: in whatever order deliveries end, the position is the
// last event before which everything is done.
func TestLedgerPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skipped := rapid.SliceOfN(rapid.Bool(), 1, 60).Draw(t, "skipped")
		l := ledger{position: "start"}
		done := make(map[int]bool)
		var places, events []int
		for i, skip := range skipped {
			id := tenantlog.ID(fmt.Sprintf("%03d", i))
			if skip {
				l.skip(id)
				done[i] = true
				continue
			}
			places, events = append(places, l.add(id)), append(events, i)
		}
		order := rapid.Permutation(slices.Collect(numbers(len(places)))).Draw(t, "order of acknowledgements")
		for _, k := range order {
			l.done(places[k])
			done[events[k]] = true
			if got, want := l.position, contiguous(len(skipped), done); got != want {
				t.Fatalf("position %q, want %q", got, want)
			}
		}
		if l.waiting() != 0 {
			t.Fatalf("%d entries are kept of what is done", l.waiting())
		}
	})
}

func numbers(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func contiguous(n int, done map[int]bool) tenantlog.ID {
	position := tenantlog.ID("start")
	for i := range n {
		if !done[i] {
			break
		}
		position = tenantlog.ID(fmt.Sprintf("%03d", i))
	}
	return position
}

// TestLedgerForgets: a row of skipped events costs no memory.
func TestLedgerForgets(t *testing.T) {
	var l ledger
	l.add("1")
	for range 1000 {
		l.skip("2")
	}
	if l.waiting() > 2 {
		t.Errorf("%d entries for one event and a row of skipped ones", l.waiting())
	}
}
