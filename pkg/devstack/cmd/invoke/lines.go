package main

import (
	"encoding/json"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// badEvent is the message of the line about an event that the function refuses.
const badEvent = "bad event"

// entry is a line of the function's log, as far as it matters here.
type entry struct {
	Message   string         `json:"message"`
	RequestID string         `json:"requestId"`
	Error     string         `json:"error"`
	Report    *export.Report `json:"report"`
}

// parseLines reads those lines that have something to say.
func parseLines(lines []string) (all []entry) {
	for _, line := range lines {
		var e entry
		if json.Unmarshal([]byte(line), &e) == nil && (e.Report != nil || e.Message == badEvent) {
			all = append(all, e)
		}
	}
	return all
}
