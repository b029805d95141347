package lambda

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// output reads what a process writes to standard output and standard error,
// which are one pipe, and splits it into lines.
//
// The pipe's writing end stays open on our side: a mark written into it comes
// out after everything the process wrote before, so flush knows when all of
// that has been read.
type output struct {
	r, w   *os.File
	logs   *logbook
	stream string // the log stream's name
	mark   []byte
	marks  chan struct{} // a token for each mark that came out
	done   chan struct{} // closed when the reading has ended

	marking sync.Mutex // held from writing a mark to its token

	mu        sync.Mutex
	requestID string
	lines     []string
}

func newOutput(logs *logbook, stream string) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open output: %w", err)
	}
	o := &output{
		r: r, w: w, logs: logs, stream: stream,
		mark:  []byte("\x00" + randomHex(16) + "\n"),
		marks: make(chan struct{}),
		done:  make(chan struct{}),
	}
	go o.read()
	return o, nil
}

// begin names the invocation that the lines from now on belong to.
func (o *output) begin(requestID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requestID = requestID
}

// flush returns when everything written before has been split into lines.
func (o *output) flush() {
	o.marking.Lock()
	defer o.marking.Unlock()
	if _, err := o.w.Write(o.mark); err == nil {
		<-o.marks
	}
}

// take returns the lines since it was last called.
func (o *output) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.lines
	o.lines = nil
	return lines
}

// close reads what the process has left, to the last line even if it is not
// finished, and ends the reading: also when a child of the process still holds
// the pipe.
func (o *output) close() {
	o.flush()
	o.marking.Lock()
	defer o.marking.Unlock()
	_ = o.w.Close()
	_ = o.r.Close()
	<-o.done
}

// read splits the pipe into lines until it is closed. A line that is not
// finished when a mark comes is kept, and goes on after it.
func (o *output) read() {
	defer close(o.done)
	br := bufio.NewReader(o.r)
	var line []byte
	for {
		part, err := br.ReadBytes('\n')
		line = append(line, part...)
		if err != nil {
			if len(line) > 0 {
				o.add(string(line))
			}
			return
		}
		if rest, ok := bytes.CutSuffix(line, o.mark); ok {
			line = rest
			o.marks <- struct{}{}
			continue
		}
		o.add(string(line[:len(line)-1]))
		line = nil
	}
}

func (o *output) add(text string) {
	o.mu.Lock()
	o.lines = append(o.lines, text)
	id := o.requestID
	o.mu.Unlock()
	o.logs.add(o.stream, id, text)
}

// maxLines bounds what a logbook keeps.
const maxLines = 10_000

// logbook keeps the latest lines of all processes and passes them on.
type logbook struct {
	now func() time.Time
	out io.Writer
	log func(stream string, l Line)

	mu    sync.Mutex
	lines []Line
}

func (l *logbook) add(stream, requestID, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == maxLines {
		l.lines = slices.Delete(l.lines, 0, maxLines/10)
	}
	line := Line{Time: l.now(), RequestID: requestID, Text: text}
	l.lines = append(l.lines, line)
	if l.log != nil {
		l.log(stream, line)
	}
	if l.out != nil {
		// A reader of the lines that fails must not fail the function.
		_, _ = io.WriteString(l.out, text+"\n")
	}
}

func (l *logbook) all() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}
