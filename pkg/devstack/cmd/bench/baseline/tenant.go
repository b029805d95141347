package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// tenant is the tenant's log at Auth0.
type tenant struct {
	http          *http.Client
	domain, token string
}

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

// login gets a token.
func (h handler) login(ctx context.Context, settings map[string]string) (*tenant, error) {
	t := &tenant{http: h.http, domain: settings["AUTH0_DOMAIN"]}
	form, err := json.Marshal(map[string]string{
		"grant_type":    "client_credentials",
		"client_id":     settings["AUTH0_CLIENT_ID"],
		"client_secret": settings["AUTH0_CLIENT_SECRET"],
		"audience":      "https://" + t.domain + "/api/v2/",
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+t.domain+"/oauth/token", bytes.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = t.do(req, &answer)
	t.token = answer.AccessToken
	return t, err
}

// page returns the 100 events after an id.
func (t *tenant) page(ctx context.Context, after string) ([]event, error) {
	query := url.Values{"from": {after}, "take": {"100"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+t.domain+"/api/v2/logs?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	var documents []json.RawMessage
	if err := t.do(req, &documents); err != nil {
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

// do sends a request and decodes its answer.
func (t *tenant) do(req *http.Request, answer any) error {
	resp, err := t.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", req.URL.Path, resp.Status)
	}
	return json.Unmarshal(body, answer)
}
