package progress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// window is a terminal without colors.
func window(columns int) Terminal {
	return Terminal{Width: func() int { return columns }}
}

// work is what a command prints and shows.
func work(l *Line) {
	fmt.Fprintln(l, "Building ...")
	l.Show(State{Total: 4, Text: "0 of 4 plays"})
	time.Sleep(2500 * time.Millisecond)
	fmt.Fprint(l, "1 ok\n2 ok\n")
	l.Show(State{Done: 2, Total: 4, Text: "2 of 4 plays"})
	time.Sleep(time.Second)
	l.Close()
	fmt.Fprintln(l, "4 plays")
}

func TestLine(t *testing.T) {
	for name, test := range map[string]struct {
		terminal Terminal
		want     string
	}{
		"no terminal": {Terminal{}, "Building ...\n1 ok\n2 ok\n4 plays\n"},
		"terminal": {window(80), strings.Join([]string{
			"Building ...\n",
			"[-------------] 0 of 4 plays  0:00",
			"[-------------] 0 of 4 plays  0:01",
			"[-------------] 0 of 4 plays  0:02",
			"1 ok\n2 ok\n[-------------] 0 of 4 plays  0:02",
			"[######-------] 2 of 4 plays  0:02, about 0:02 left",
			"[######-------] 2 of 4 plays  0:03, about 0:02 left",
			"4 plays\n",
		}, clear)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				work(Start(&out, test.terminal, time.Now))
				got := out.String()
				if test.terminal.Width != nil {
					got = strings.TrimPrefix(got, clear)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("printed (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestLeft holds the estimate to what was done since the work began.
func TestLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Start(io.Discard, window(80), time.Now)
		defer l.Close()
		for _, step := range []struct {
			after time.Duration
			state State
			want  time.Duration
		}{
			{0, State{Text: "building"}, 0},
			{time.Minute, State{Total: 10}, 0},
			{10 * time.Second, State{Done: 2, Total: 10}, 40 * time.Second},
			{15 * time.Second, State{Done: 2, Total: 10, Text: "next"}, 25 * time.Second},
			{time.Minute, State{Done: 2, Total: 10}, 0},
			{15 * time.Second, State{Done: 5, Total: 10}, 100 * time.Second},
			{time.Second, State{Done: 5}, 0},
			{time.Second, State{Done: 10, Total: 10}, 0},
		} {
			time.Sleep(step.after)
			l.Show(step.state)
			if got := l.left(time.Now()); got != step.want {
				t.Errorf("%+v: %v left, want %v", step.state, got, step.want)
			}
		}
	})
}

func TestRender(t *testing.T) {
	const title = "the operator puts the new secret in Parameter Store"
	for name, test := range map[string]struct {
		state         State
		terminal      Terminal
		elapsed, left time.Duration
		want          string
	}{
		"no total":         {State{Text: "building"}, window(80), 61 * time.Second, 0, "building  1:01"},
		"an hour":          {State{Text: "building"}, window(80), 3661 * time.Second, 0, "building  1:01:01"},
		"width unknown":    {State{Total: 1}, window(0), 0, 0, "[-------------]   0:00"},
		"all done":         {State{Done: 3, Total: 3, Text: "3 of 3"}, window(80), 0, 0, "[#############] 3 of 3  0:00"},
		"more than all":    {State{Done: 4, Total: 3, Text: "4 of 3"}, window(80), 0, 0, "[#############] 4 of 3  0:00"},
		"wide":             {State{Done: 1, Total: 2}, window(200), 0, 0, "[" + strings.Repeat("#", 15) + strings.Repeat("-", 15) + "]   0:00"},
		"text cut":         {State{Done: 1, Total: 2, Text: title}, window(60), 0, time.Minute, "[#####-----] the operator puts th...  0:00, about 1:00 left"},
		"no bar":           {State{Done: 1, Total: 2, Text: title}, window(59), 0, time.Minute, "the operator puts the new secret...  0:00, about 1:00 left"},
		"letters":          {State{Text: "ääääääääää"}, window(15), 0, 0, "äääää...  0:00"},
		"no room":          {State{Text: title}, window(8), time.Second, 0, "t  0:01"},
		"no room at all":   {State{Text: title}, window(4), time.Second, 0, "  0"},
		"color":            {State{Done: 1, Total: 2}, Terminal{window(60).Width, true}, 0, 0, "[\x1b[32m#####\x1b[0m-----]   0:00"},
		"nothing to color": {State{Total: 2}, Terminal{window(60).Width, true}, 0, 0, "[----------]   0:00"},
		"color of wrong":   {State{Done: 1, Total: 2, Wrong: true}, Terminal{window(60).Width, true}, 0, 0, "[\x1b[31m#####\x1b[0m-----]   0:00"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.state.render(test.terminal, test.elapsed, test.left)); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRenderFits draws no line that a terminal would break in two.
func TestRenderFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 300).Draw(t, "columns")
		s := State{
			Done: rapid.IntRange(-1, 400).Draw(t, "done"), Total: rapid.IntRange(0, 300).Draw(t, "total"),
			Text: rapid.StringMatching(`[a-zä ]{0,120}`).Draw(t, "text"),
		}
		line := s.render(window(columns), time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "elapsed")), time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "left")))
		if n := len([]rune(line)); n >= columns {
			t.Fatalf("%d characters in %d columns: %q", n, columns, line)
		}
	})
}

// seen is what a terminal shows of what was written to it.
func seen(written string) string {
	lines := strings.Split(written, "\n")
	for i, line := range lines {
		lines[i] = line[strings.LastIndex(line, clear)+1:]
		lines[i] = strings.TrimPrefix(lines[i], clear[1:])
	}
	return strings.Join(lines, "\n")
}

// TestWritePieces prints text in pieces of any kind with the line shown
// between: nothing of the text is lost or mixed with the line.
func TestWritePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		l := Start(&out, window(80), time.Now)
		printed := ""
		for _, piece := range rapid.SliceOf(rapid.StringMatching(`[a-z\n]{0,6}`)).Draw(t, "pieces") {
			l.Show(State{Total: 1, Text: "shown"})
			if n, err := io.WriteString(l, piece); n != len(piece) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(piece), err)
			}
			printed += piece
		}
		l.Close()
		if got := seen(out.String()); got != printed {
			t.Fatalf("seen %q, printed %q", got, printed)
		}
	})
}

// TestWriteAtOnce prints and shows from several goroutines: under the race
// detector, and each line stays whole.
func TestWriteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := Start(&out, window(80), time.Now)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for i := range 20 {
					fmt.Fprintln(l, "a line")
					l.Show(State{Done: i, Total: 20})
					time.Sleep(300 * time.Millisecond)
				}
			})
		}
		all.Wait()
		l.Close()
		if diff := cmp.Diff(strings.Repeat("a line\n", 80), seen(out.String())); diff != "" {
			t.Errorf("seen (-want +got):\n%s", diff)
		}
	})
}

// full is a file on a full disk.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteFails(t *testing.T) {
	for name, terminal := range map[string]Terminal{"no terminal": {}, "terminal": window(80)} {
		t.Run(name, func(t *testing.T) {
			l := Start(full{}, terminal, time.Now)
			defer l.Close()
			if _, err := fmt.Fprintln(l, "a line"); !errors.Is(err, errFull) {
				t.Errorf("error %v, want %v", err, errFull)
			}
		})
	}
}

// TestClose closes twice, and shows nothing from then on.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := Start(&out, window(80), time.Now)
		l.Close()
		l.Close()
		out.Reset()
		l.Show(State{Text: "late"})
		time.Sleep(5 * time.Second)
		if out.Len() > 0 {
			t.Errorf("drew %q after Close", &out)
		}
	})
}

func TestDetect(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device that is always there
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for name, test := range map[string]struct {
		file        *os.File
		env         map[string]string
		none, color bool
	}{
		"device":   {file: device, env: map[string]string{"TERM": "xterm"}, color: true},
		"no color": {file: device, env: map[string]string{"TERM": "xterm", "NO_COLOR": "1"}},
		"dumb":     {file: device, env: map[string]string{"TERM": "dumb"}, none: true},
		"file":     {file: file, env: map[string]string{"TERM": "xterm"}, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := Detect(test.file, func(name string) string { return test.env[name] })
			if got.none() != test.none || got.Color != test.color {
				t.Errorf("none %t, color %t, want %t, %t", got.none(), got.Color, test.none, test.color)
			}
			if !got.none() && got.columns() != 80 {
				t.Errorf("%d columns, want 80 where the device cannot tell", got.columns())
			}
		})
	}
}
