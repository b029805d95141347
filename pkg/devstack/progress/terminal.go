package progress

import "os"

// Terminal is what there is to draw on. The zero Terminal is none.
type Terminal struct {
	// Width tells the columns at this moment, 0 where it cannot: 80 then. A
	// window may change its size at any time.
	Width func() int
	// Color says that colors are welcome.
	Color bool
}

// Detect finds out whether a file is a terminal that can redraw a line, as
// TERM says, and whether it may have colors: not where NO_COLOR is set
// (no-color.org).
func Detect(file *os.File, getenv func(string) string) Terminal {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || getenv("TERM") == "dumb" {
		return Terminal{}
	}
	return Terminal{Width: func() int { return width(file) }, Color: getenv("NO_COLOR") == ""}
}

func (t Terminal) none() bool { return t.Width == nil }

func (t Terminal) columns() int {
	const usual = 80
	if n := t.Width(); n > 0 {
		return n
	}
	return usual
}
