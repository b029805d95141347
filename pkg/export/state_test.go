package export

import (
	"testing"
	"time"
)

// TestLostRecordWhereAuth0IsAhead: where RUN was lost, events that have a time
// after ours in their id may have been sent too.
func TestLostRecordWhereAuth0IsAhead(t *testing.T) {
	w := newWorld()
	w.add(20, w.now.Add(-25*time.Second))
	behind := func(x *Exporter) { x.Now = func() time.Time { return w.now.Add(-clockAllowance / 2) } }
	if r := w.run(t, behind); r.Exported != 20 {
		t.Fatalf("report %+v", r)
	}
	delete(w.params, RunName)
	w.set(CheckpointName, string(w.log[9].ID))
	if r := w.run(t, behind); r.Present != 10 || r.Exported != 0 {
		t.Errorf("found %d and exported %d, want 10 and none", r.Present, r.Exported)
	}
	w.check(t)
}
