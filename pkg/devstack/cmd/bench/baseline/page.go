package main

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/cmd/bench/api"
)

// event is a log event with what its delivery needs.
type event struct {
	id       string
	date     time.Time
	document json.RawMessage
}

// byDate is the page in the order that PutLogEvents wants.
func byDate(page []event) []event {
	return slices.SortedStableFunc(slices.Values(page), func(a, b event) int { return a.date.Compare(b.date) })
}

// page returns the events after an id, as many as a page has.
func page(ctx context.Context, c *api.Client, after string) ([]event, error) {
	body, err := c.After(ctx, after, api.PageSize)
	if err != nil {
		return nil, err
	}
	var documents []json.RawMessage
	if err := json.Unmarshal(body, &documents); err != nil {
		return nil, err
	}
	events := make([]event, len(documents))
	for i, document := range documents {
		var fields struct {
			ID   string    `json:"log_id"`
			Date time.Time `json:"date"`
		}
		if err := json.Unmarshal(document, &fields); err != nil {
			return nil, err
		}
		events[i] = event{fields.ID, fields.Date, document}
	}
	return events, nil
}
