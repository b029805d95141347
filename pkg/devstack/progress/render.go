package progress

import (
	"fmt"
	"strings"
	"time"
)

const (
	narrow = 60 // columns that leave no room for a bar
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	plain  = "\x1b[0m"
)

// render is the line as it is drawn: the bar, the text and the time. It stays
// out of the last column, where terminals would begin another line.
func (s State) render(t Terminal, elapsed, left time.Duration) string {
	columns := t.columns()
	times := "  " + clock(elapsed)
	if left >= time.Second {
		times += ", about " + clock(left) + " left"
	}
	room := columns - 1 - len(times)
	if s.Total <= 0 || columns < narrow {
		return cut(cut(s.Text, room)+times, columns-1)
	}
	cells := min(columns/6, 30)
	return s.bar(cells, t.Color) + " " + cut(s.Text, room-cells-len("[] ")) + times
}

// bar is as many cells wide, and two brackets.
func (s State) bar(cells int, color bool) string {
	full := min(max(s.Done, 0), s.Total) * cells / s.Total
	done, rest := strings.Repeat("#", full), strings.Repeat("-", cells-full)
	switch {
	case !color || full == 0:
	case s.Wrong:
		done = red + done + plain
	default:
		done = green + done + plain
	}
	return "[" + done + rest + "]"
}

// cut shortens a text to as many characters, and shows that it did.
func cut(text string, most int) string {
	const mark = "..."
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	if most <= len(mark) {
		return string(letters[:max(most, 0)])
	}
	return string(letters[:most-len(mark)]) + mark
}

// clock is a time in minutes and seconds, with hours where there are any.
func clock(d time.Duration) string {
	seconds := int(d / time.Second)
	if hours := seconds / 3600; hours > 0 {
		return fmt.Sprintf("%d:%02d:%02d", hours, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
