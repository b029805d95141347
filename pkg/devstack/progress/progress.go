// Package progress tells on a terminal how far long work is, in one line that
// is redrawn in place below what the work prints. Elsewhere (a file, a pipe, a
// build log) it passes on what is printed and adds nothing.
package progress

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// State is how far the work is.
type State struct {
	// Done and Total measure the work in any unit. With a Total of 0 there is
	// neither a bar nor an estimate.
	Done, Total int
	// Text says in words how far the work is and what goes on now, in one line.
	Text string
	// Wrong says that something went wrong already: the bar turns red.
	Wrong bool
}

// Line is the line of progress, and the way to print beside it. Its methods
// may be called at once from several goroutines.
type Line struct {
	out      io.Writer
	terminal Terminal
	now      func() time.Time
	stop     func() // ends the redrawing, once

	mu      sync.Mutex
	state   *State // nil: no line is shown
	started time.Time
	began   time.Time // the last time that nothing was done yet
	reached time.Time // when Done came to where it is
	partial []byte    // printed, but without its newline so far
}

// clear takes away the line that the cursor is in.
const clear = "\r\x1b[K"

// Start begins to count the time by now. It draws nothing before Show, and
// nothing at all where terminal is none.
func Start(out io.Writer, terminal Terminal, now func() time.Time) *Line {
	at := now()
	l := &Line{out: out, terminal: terminal, now: now, stop: func() {}, started: at, began: at, reached: at}
	if !terminal.none() {
		l.tick()
	}
	return l
}

// tick redraws the line every second, for its clocks, until l.stop is called.
func (l *Line) tick() {
	ticker := time.NewTicker(time.Second)
	done := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		for {
			select {
			case <-ticker.C:
				l.redraw()
			case <-done:
				return
			}
		}
	})
	l.stop = sync.OnceFunc(func() {
		ticker.Stop()
		close(done)
		ticking.Wait()
	})
}

// Show replaces what the line says.
func (l *Line) Show(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now()
	if l.state == nil || l.state.Done != s.Done {
		l.reached = at
	}
	if s.Done == 0 {
		l.began = at
	}
	l.state = &s
	_ = l.draw(nil) // who prints hears of the error
}

// Write prints above the line. On a terminal, text after the last newline
// waits for its own newline or for Close.
func (l *Line) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.terminal.none() {
		return l.out.Write(text)
	}
	l.partial = append(l.partial, text...)
	end := bytes.LastIndexByte(l.partial, '\n') + 1
	if end == 0 {
		return len(text), nil
	}
	err := l.draw(l.partial[:end])
	l.partial = l.partial[end:]
	return len(text), err
}

// Close takes the line away, for good. What is written later is printed as on
// no terminal. It may be called again.
func (l *Line) Close() {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = nil
	if !l.terminal.none() {
		_ = l.draw(l.partial)
	}
	l.terminal, l.partial = Terminal{}, nil
}

func (l *Line) redraw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != nil {
		_ = l.draw(nil)
	}
}

// draw prints whole lines in the place of the line and the line below them, in
// one write: nothing is seen of the steps between.
func (l *Line) draw(lines []byte) error {
	if l.terminal.none() {
		return nil
	}
	text := append([]byte(clear), lines...)
	if l.state != nil {
		at := l.now()
		text = append(text, l.state.render(l.terminal, at.Sub(l.started), l.left(at))...)
	}
	_, err := l.out.Write(text)
	return err
}

// left estimates how long the work still takes, from how long it took so far:
// 0 where that says nothing. It counts down until more is done.
func (l *Line) left(at time.Time) time.Duration {
	s := l.state
	if s.Done <= 0 || s.Done >= s.Total {
		return 0
	}
	rest := float64(l.reached.Sub(l.began)) * float64(s.Total-s.Done) / float64(s.Done)
	return max(time.Duration(rest)-at.Sub(l.reached), 0)
}
