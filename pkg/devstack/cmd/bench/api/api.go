// Package api asks Auth0's Management API with nothing but net/http: for what
// the benchmark holds the export against.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// PageSize is how many log events a page has at most.
const PageSize = 100

// Client asks for one tenant's log, once it has logged in.
type Client struct {
	HTTP   *http.Client
	Domain string
	// Agent is what it calls itself; Go's name if empty.
	Agent string

	token string
}

// Login gets a token.
func (c *Client) Login(ctx context.Context, id, secret string) error {
	form, err := json.Marshal(map[string]string{
		"grant_type":    "client_credentials",
		"client_id":     id,
		"client_secret": secret,
		"audience":      "https://" + c.Domain + "/api/v2/",
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.Domain+"/oauth/token", bytes.NewReader(form))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	body, err := c.do(req)
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(body, &answer)
	c.token = answer.AccessToken
	return err
}

// After returns the body of the page of at most so many events after an id.
func (c *Client) After(ctx context.Context, id string, most int) ([]byte, error) {
	query := url.Values{"from": {id}, "take": {strconv.Itoa(most)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.Domain+"/api/v2/logs?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.Agent != "" {
		req.Header.Set("User-Agent", c.Agent)
	}
	return c.do(req)
}

// do sends a request and returns the body of its answer, which must be 200.
func (c *Client) do(req *http.Request) ([]byte, error) {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, body)
	}
	return body, err
}
