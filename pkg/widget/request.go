package widget

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// request is what a call asks for.
type request struct {
	describe bool
	wish     wish
	view     view
	dark     bool
	// zone is the one that the dashboard shows times in.
	zone *time.Location
	// forms are the widget's input fields by name.
	forms map[string]string
	// configured says that the wish is among the parameters that the widget
	// was put on the dashboard with: then nobody has clicked.
	configured bool
}

// wish is what a click asks to have done, in the parameters of its
// cwdb-action.
type wish struct {
	// Do is one of the constants below, "" for nothing.
	Do string `json:"do,omitempty"`
	// Rule or Tenant is what to do it to.
	Rule   string `json:"rule,omitempty"`
	Tenant string `json:"tenant,omitempty"`
	// From is where a replay starts; without it, what the tenant's input field
	// says.
	From string `json:"from,omitempty"`
}

// What a click may ask for.
const (
	doSwitchOn   = "switch-on"
	doSwitchOff  = "switch-off"
	doReschedule = "reschedule"
	doRun        = "run"
	doReplay     = "replay"
)

// view is how the widget looks. Each button passes it on, and it may be among
// the widget's parameters on the dashboard.
type view struct {
	// Only is the tenant to show, "" for all.
	Only string `json:"only,omitempty"`
	// Show is showFailed for a list of failed runs alone.
	Show string `json:"show,omitempty"`
}

const showFailed = "failed"

// parseRequest reads an event of a dashboard. Keys that it does not know are
// ignored: the console adds some as it grows, and people add parameters.
func parseRequest(event []byte) (request, error) {
	var root map[string]json.RawMessage
	if err := json.Unmarshal(event, &root); err != nil || root == nil {
		return request{}, errors.New("the event is no JSON object: expected that of a custom widget")
	}
	if _, describe := root["describe"]; describe {
		return request{describe: true}, nil
	}
	var e struct {
		wish
		view
		Context struct {
			Theme    string `json:"theme"`
			Timezone struct {
				Offset string `json:"offsetISO"`
			} `json:"timezone"`
			Forms struct {
				All json.RawMessage `json:"all"`
			} `json:"forms"`
			Params json.RawMessage `json:"params"`
		} `json:"widgetContext"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return request{}, fmt.Errorf("the event is not that of a custom widget: %w", err)
	}
	// Read as the root is, in which "Do" is "do" too.
	var configured wish
	_ = json.Unmarshal(e.Context.Params, &configured)
	return request{
		wish: e.wish, view: e.view, configured: configured.Do != "",
		dark:  e.Context.Theme == "dark",
		zone:  zone(e.Context.Timezone.Offset),
		forms: textsOf(objectOf(e.Context.Forms.All)),
	}, nil
}

// zone reads an offset such as +01:00; UTC for anything else.
func zone(offset string) *time.Location {
	t, err := time.Parse("-07:00", offset)
	if err != nil {
		return time.UTC
	}
	_, seconds := t.Zone()
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone("UTC"+offset, seconds)
}

// objectOf is the members of a JSON object; none for anything else.
func objectOf(raw json.RawMessage) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object
}

// textsOf are the members that are strings.
func textsOf(object map[string]json.RawMessage) map[string]string {
	texts := make(map[string]string)
	for name, raw := range object {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			texts[name] = s
		}
	}
	return texts
}
