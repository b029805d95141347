package export

import (
	"testing"
	"time"
)

// TestKeepVerified writes the result into RUN and nothing else, and makes no RUN
// where it is gone.
func TestKeepVerified(t *testing.T) {
	w := settledLog(20)
	w.run(t, nil)
	params := w.exporter(nil).Parameters
	now := func() time.Time { return w.now }
	before, _, err := DecodeRun(w.current(RunName))
	if err != nil {
		t.Fatal(err)
	}
	if err := KeepVerified(t.Context(), params, now, Verified{Expected: 20}); err != nil {
		t.Fatal(err)
	}
	after, valid, err := DecodeRun(w.current(RunName))
	if err != nil || !valid || after.Verified == nil || after.Verified.Expected != 20 || after.Position != before.Position || after.High != before.High {
		t.Errorf("RUN became %+v, %v", after, err)
	}
	delete(w.params, RunName)
	if err := KeepVerified(t.Context(), params, now, Verified{Expected: 20}); err == nil {
		t.Error("no error without RUN")
	}
	if got := w.current(RunName); got.Version != 0 {
		t.Errorf("RUN was made: %s", got.Value)
	}
}
