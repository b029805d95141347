package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	checkpointName = export.CheckpointName
	runName        = export.RunName
	startName      = "START_FROM"
	streamName     = "CLOUDWATCH_LOG_STREAM_NAME"
	oddEvent       = "an odd log event"
)

// act is something that an operator can do, or that can happen at the tenant.
type act struct {
	name   string
	weight int
	do     func(*stage, Act)
	// quiet acts wait until no run is at work.
	quiet bool
	// edits says where the export is to go on, or makes the function forget.
	// moves has it go on in another log stream.
	edits, moves bool
	// asks invokes another action, and refills has events stored in the
	// export's stream by it.
	asks, refills bool
}

func acts() []act {
	all := []act{
		{name: "log events", weight: 12, do: happen},
		{name: oddEvent, weight: 3, do: happenOdd},
		{name: "CHECKPOINT taken back", weight: 1, do: takeBack, edits: true},
		{name: "CHECKPOINT to nonsense", weight: 1, do: func(st *stage, a Act) { st.slip(a, "yesterday") }, edits: true},
		{name: "CHECKPOINT to the future", weight: 1, edits: true, do: func(st *stage, a Act) {
			st.slip(a, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}},
		{name: "CHECKPOINT deleted", weight: 1, do: unsetCheckpoint, quiet: true, edits: true},
		{name: "RUN broken", weight: 3, do: breakRun},
		{name: "RUN deleted", weight: 1, do: loseRun, quiet: true, edits: true},
		{name: "another batch size", weight: 2, do: func(st *stage, a Act) { st.set("BATCH_SIZE", fmt.Sprint(a.N)) }},
		{name: "a setting broken", weight: 1, do: breakSetting},
		{name: "the stream's name spelled otherwise", weight: 2, do: respell},
		{name: "another stream", weight: 12, do: moveStream, moves: true},
		{name: "a cold start", weight: 2, do: func(st *stage, _ Act) { st.lambda.Cool() }},
	}
	all = append(all, actionActs()...)
	for _, p := range points() {
		all = append(all,
			act{name: "CHECKPOINT to " + p.name, weight: 3, edits: true, do: func(st *stage, a Act) { st.edit(checkpointName, a.Where, p) }},
			act{name: "START_FROM to " + p.name, weight: 1, edits: true, do: func(st *stage, a Act) { st.edit(startName, a.Where, p) }})
	}
	return all
}

// point is a way to say where an export is to go on: it makes a text of an
// event that was exported.
type point struct {
	name string
	text func(id tenantlog.ID, at time.Time) string
}

func points() []point {
	return []point{
		{"a log_id", func(id tenantlog.ID, _ time.Time) string { return string(id) }},
		{"a log_id that is none", func(id tenantlog.ID, _ time.Time) string { return string(id.Before()) }},
		{"a time", func(_ tenantlog.ID, at time.Time) string { return at.Format(time.RFC3339) }},
		{"a date", func(_ tenantlog.ID, at time.Time) string { return at.Format(time.DateOnly) }},
	}
}

// edit writes a wish. It never leads ahead of what was exported: what lies
// between would be left out by the operator's own will.
func (st *stage) edit(parameter string, where float64, p point) {
	id := st.exported(where)
	at, ok := id.Time()
	if !ok {
		at = st.began.Add(-100 * time.Hour)
		id = tenantlog.At(at)
	}
	for range 1000 {
		text := p.text(id, at.UTC())
		if from := st.from(parameter, text); !st.wishes.used(from) {
			st.wish(parameter, text, from)
			return
		}
		// Another one, a little earlier.
		at = at.Add(-time.Second)
		if p.name == "a date" {
			at = at.Add(-24 * time.Hour)
		}
		id = id.Before()
	}
}

// from is the id that a page is asked for after where a wish is acted on.
func (st *stage) from(parameter, text string) tenantlog.ID {
	point, err := tenantlog.ParsePoint(text)
	switch {
	case err != nil:
		return ""
	case parameter == startName:
		return point.From()
	}
	return point.After()
}

// wish writes a parameter that says where to go on.
func (st *stage) wish(parameter, text string, from tenantlog.ID) {
	st.wishes.add(wish{parameter: parameter, text: text, at: time.Now(), from: from})
	st.set(parameter, text)
}

// exported picks an event among those that are exported for certain, "" where
// there is none: the position in RUN is behind what was accepted.
func (st *stage) exported(where float64) tenantlog.ID {
	position := st.position()
	var ids []tenantlog.ID
	for id := range st.tenant.Documents() {
		if id > position {
			break
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[int(where*float64(len(ids)))]
}

// position is that of the newest record in RUN, "" where there is none.
func (st *stage) position() tenantlog.ID {
	var record export.RunRecord
	if json.Unmarshal([]byte(st.tenant.Get(runName)), &record) != nil {
		return ""
	}
	return record.Position
}

func takeBack(st *stage, _ Act) {
	history := st.stack.SSM.History(st.tenant.Parameter(checkpointName))
	for _, v := range slices.Backward(history) {
		if _, err := tenantlog.ParseID(v.Value); err == nil {
			st.wish(checkpointName, v.Value, "")
			return
		}
	}
}

// slip writes to CHECKPOINT what cannot be acted on; the operator mends it.
func (st *stage) slip(a Act, text string) {
	st.wish(checkpointName, text, "")
	st.mendLater(func() { st.edit(checkpointName, a.Where, points()[a.N%len(points())]) })
}

func unsetCheckpoint(st *stage, _ Act) {
	if st.position() == "" {
		return // the wish would be lost that stands for a position
	}
	st.wishes.add(wish{parameter: checkpointName, text: "deleted", at: time.Now()})
	st.tell("CHECKPOINT is deleted")
	st.tenant.Unset(checkpointName)
}

// breakRun writes something else to RUN, the newest valid record stays in its
// history.
func breakRun(st *stage, a Act) {
	value := `{"format":1,"expects":0}`
	history := st.stack.SSM.History(st.tenant.Parameter(runName))
	switch a.N % 4 {
	case 0:
		value = "broken by hand"
	case 1:
		value = `{"format":99}`
	case 2:
		if len(history) > 0 {
			value = history[int(a.Where*float64(len(history)))].Value
		}
	}
	st.set(runName, value)
}

// loseRun deletes RUN. What it says of events in doubt is then for CHECKPOINT
// to say, so that one must be there.
func loseRun(st *stage, _ Act) {
	if st.tenant.Get(checkpointName) == "" {
		return
	}
	st.tell("RUN is deleted")
	st.tenant.Unset(runName)
	st.wishes.add(wish{parameter: runName, text: "deleted", at: time.Now()})
}

func breakSetting(st *stage, _ Act) {
	good := st.tenant.Get("BATCH_SIZE")
	st.set("BATCH_SIZE", "none")
	st.mendLater(func() {
		if good == "" {
			st.tenant.Unset("BATCH_SIZE")
			return
		}
		st.set("BATCH_SIZE", good)
	})
}

// respell gives the stream the same name in other words.
func respell(st *stage, _ Act) {
	old := st.tenant.Get(streamName)
	name := strings.Replace(old, "{tenant}", st.tenant.Name, 1)
	if name == old {
		name = strings.Replace(old, st.tenant.Name, "{tenant}", 1)
	}
	st.set(streamName, name)
}

// moveStream has the export go on in another stream.
func moveStream(st *stage, a Act) {
	st.set(streamName, fmt.Sprintf("%s.%d", st.tenant.Get(streamName), a.N))
}
