package page

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// screenshots is the environment variable that names a folder for pictures of
// the page; without it none are made.
const screenshots = "SCREENSHOTS"

// patience is how long the browser is given for one thing; it is far longer
// than any of them takes.
const patience = 60 * time.Second

// sees waits until the part of the page that a selector names holds a text, as
// a person does who reloads nothing.
func (c *chrome) sees(selector, text string) {
	c.t.Helper()
	c.awaits(selector, "document.querySelector("+quote(selector)+")?.textContent ?? ''", text)
}

// awaits waits until an expression's value holds a text.
func (c *chrome) awaits(what, expression, text string) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		// While a page loads there is nothing to ask.
		got, err := c.eval(expression)
		if err == nil && strings.Contains(got, text) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s never showed %q (%v): %.2000s", what, text, err, got)
		}
		_, _ = c.eval("new Promise((done) => setTimeout(done, 50))")
	}
}

// acts runs a statement in the page, such as a click.
func (c *chrome) acts(statement string) {
	c.t.Helper()
	if _, err := c.eval("{" + statement + "; undefined}"); err != nil && !strings.Contains(err.Error(), "navigat") {
		c.t.Fatalf("%s: %v", statement, err)
	}
}

func (c *chrome) clicks(selector string) {
	c.t.Helper()
	c.acts("document.querySelector(" + quote(selector) + ").click()")
}

func (c *chrome) types(selector, text string) {
	c.t.Helper()
	c.acts("document.querySelector(" + quote(selector) + ").value = " + quote(text))
}

// runs starts a run and sees it end: a run that is started before the last one
// has ended is skipped.
func (c *chrome) runs() {
	c.t.Helper()
	c.awaits("the page", "document.readyState", "complete")
	const ended = "document.querySelectorAll('#function .runs td:nth-child(5)').length"
	before, err := c.eval(ended)
	if err != nil {
		c.t.Fatal(err)
	}
	c.clicks("form[action='/run'] button")
	c.awaits("the list of runs", ended+" > "+before, "true")
}

func quote(s string) string {
	text, _ := json.Marshal(s) // a string cannot fail
	return string(text)
}

// picture keeps a picture of the page, if pictures are wanted.
func (c *chrome) picture(name string) {
	c.t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	var shot struct{ Data []byte }
	c.do("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := smaller(shot.Data)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// smaller is a PNG with the 256 colours that it has most of.
func smaller(data []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	counts := make(map[color.Color]int)
	area := full.Bounds()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			counts[full.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	few := image.NewPaletted(area, colours[:min(len(colours), 256)])
	draw.Draw(few, area, full, area.Min, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, few)
	return b.Bytes(), err
}

// TestInABrowser is what a person does who is shown the page. Nothing is
// reloaded by hand: what runs leave behind comes in by itself.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	c := openChrome(t)
	v := visitBehind(t, 150, 12*time.Second) // little, since pictures show both clocks
	c.do("Page.navigate", map[string]any{"url": v.url}, nil)
	c.sees("#figures", "150 waiting for a run")

	// A run, and its events.
	c.runs()
	c.sees("#figures", "150 in CloudWatch Logs")
	c.sees("#stream", "150 of 150 events")
	c.sees("#widget", "Exported by it150 events")
	c.sees("#arrivals", "stored")

	// A fault, on and off.
	fault := func(on string) { c.clicks("form.fault:has([value=secret]) button[value=" + on + "]") }
	fault("true")
	c.sees(".fault.on", "Client secret rotated")
	c.runs()
	c.sees("#slack", "acme: export failed")
	c.sees("#widget", "Auth0 does not accept the client id or client secret")
	c.picture("dev-page-failed")
	fault("false")
	c.sees("#said", "Off: Client secret rotated")
	c.runs()
	c.sees("#slack", "acme: export works again")

	// More events happen, and arrive.
	c.types("#tenant [name=burst]", "20")
	c.clicks("#tenant form:has([name=burst]) button")
	c.sees("#figures", "20 waiting for a run")
	c.sees("#arrivals", "waiting")
	v.passes(5 * time.Second)
	c.runs()
	c.sees("#figures", "170 in CloudWatch Logs")

	// CHECKPOINT, by the parameter.
	long := v.now().Add(-48 * time.Hour).UTC().Format(time.RFC3339)
	row := "#parameters form:has([value=CHECKPOINT])"
	c.types(row+" [name=value]", long)
	c.clicks(row + " button:not([name])")
	c.sees("#said", "CHECKPOINT is written.")
	c.runs()
	c.sees("#widget", "Already in the stream170 events")

	// A run's details, and away with them.
	const details = "#widget .popup[open] .over"
	c.clicks("#widget .popup summary")
	c.sees(details, "Checkpoint before")
	c.acts("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))")
	c.awaits("the details", "document.querySelector("+quote(details)+") === null", "true")

	// A replay, by the widget, with its confirmation.
	long = v.now().Add(-36 * time.Hour).UTC().Format(time.RFC3339)
	c.types("#widget [name='replay/acme']", long)
	c.clicks("#widget .ask:has(button[value*='\"do\":\"replay\",\"tenant\":\"acme\"}']) summary")
	c.sees("#widget .ask[open]", "Set acme's CHECKPOINT to what the field says?")
	c.clicks("#widget .ask[open] button")
	c.sees("#widget", "CHECKPOINT of acme is "+long)
	if got := v.local.tenant.Get(export.CheckpointName); got != long {
		t.Errorf("CHECKPOINT %q, want %q", got, long)
	}

	// The other theme.
	c.clicks("form[action='/theme'] button")
	c.sees("html.dark header", "Auth0 logs to CloudWatch")
	c.picture("dev-page")
	v.runs()
	if got := v.local.tenant.Get(export.CheckpointName); got == long {
		t.Error("the run after the replay left CHECKPOINT as it was")
	}
	v.stored(170, 0)
}
