package export

import (
	"errors"
	"testing"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestStoppedWhileItFails: a run that fails after its action was stopped says
// that it was stopped, with what it did, and takes the record away.
func TestStoppedWhileItFails(t *testing.T) {
	w := settledLog(40)
	w.run(t, nil)
	atWork := (&Replayer{Exporter: *w.exporter(nil)}).begin(t.Context())
	defer atWork.Close()
	s := tenantlog.Stretch{After: w.log[0].ID, To: w.log[39].ID}
	if err := atWork.open(Replay{Progress: Progress{Stretch: s, Target: replayTarget}}, Parameter{}); err != nil {
		t.Fatal(err)
	}
	if err := atWork.Claim(); err != nil {
		t.Fatal(err)
	}
	atWork.Record.Exported = 7
	if _, err := (&Replayer{Exporter: *w.exporter(nil)}).Stop(t.Context(), w.current(ReplayName)); err != nil {
		t.Fatal(err)
	}
	atWork.Leave(errors.New("out of order"))
	atWork.Publish(t.Context())
	r := atWork.Report
	if r.Outcome != OK || r.Error != nil || r.Notice != nil || r.Replay.State != StateStopped || r.Replay.Exported != 7 {
		t.Errorf("report %+v, %+v", r, r.Replay)
	}
	if w.current(ReplayName).Version != 0 {
		t.Error("REPLAY is still there")
	}
}
