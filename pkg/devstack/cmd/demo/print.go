package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// tell prints a run's report.
func (s *story) tell(r export.Report, result lambda.Result, checkpointBefore string) {
	start := "warm start"
	if result.Cold {
		start = "cold start"
	}
	s.line("run", "%s in %s (%s, peak memory %d MB)", strings.ToUpper(string(r.Outcome)),
		r.Ended.Sub(r.Started).Round(time.Millisecond), start, result.Usage.PeakRSS>>20)
	if r.Error != nil {
		s.line("error", "%s: %s", r.Error.Kind, r.Error.Text)
		s.line("fix", "%s", r.Error.Fix)
	}
	s.line("events", "fetched %s, exported %s in %s (%s), found there already %s, left out by the filter %s",
		words.Number(r.Fetched), words.Number(r.Exported), words.Count(r.Batches, "PutLogEvents call"), words.Volume(r.Bytes), words.Number(r.Present), words.Number(r.Filtered))
	if r.Waits.RateLimitSeconds > 0 {
		s.line("waited", "%.1f s for the tenant's rate limit", r.Waits.RateLimitSeconds)
	}
	if len(r.UnknownTypes) > 0 {
		s.line("new types", "%s (not in the type table; exported all the same)", strings.Join(r.UnknownTypes, ", "))
	}
	for _, w := range r.Warnings {
		s.line("warning", "%s", w)
	}
	after := s.tenant.Get(export.CheckpointName)
	if after == checkpointBefore {
		s.line("CHECKPOINT", "%s (unchanged)", cmp.Or(after, "(none)"))
		return
	}
	s.line("CHECKPOINT", "%s", cmp.Or(checkpointBefore, "(none)"))
	s.line("", "-> %s", after)
}

func (s *story) line(label, format string, args ...any) {
	fmt.Fprintf(s.out, "  %-10s  %s\n", label, fmt.Sprintf(format, args...))
}

// showSlack prints the messages that came in since it last did.
func (s *story) showSlack() {
	messages := s.stack.Slack.Messages()
	for _, m := range messages[s.told:] {
		s.box("Slack", m.Rendered)
	}
	s.told = len(messages)
}

// box prints a text with a bar at its side.
func (s *story) box(label, text string) {
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(s.out, "  %-10s  | %s\n", label, line)
	}
}

// showStream prints the first n log events of the stream.
func (s *story) showStream(n int) {
	place := s.place
	place.Stream = s.tenant.Get("CLOUDWATCH_LOG_STREAM_NAME")
	events := s.stack.Logs.Events(place)
	s.line("stream", "%s, stream %s, holds %s log events; the first:", place.Group, place.Stream, words.Number(len(events)))
	for _, e := range events[:min(n, len(events))] {
		const most = 150
		message := e.Message
		if len(message) > most {
			message = message[:most] + fmt.Sprintf("... (%d bytes)", len(e.Message))
		}
		s.line("", "%s  %s", time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02T15:04:05.000Z"), message)
	}
}
