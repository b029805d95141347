package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// walk asks for all of the tenant's pages, one after the other, parses them
// and throws them away: the least that one fetcher can do. It returns how long
// that took.
func (s *stage) walk(ctx context.Context) (time.Duration, error) {
	token, err := s.token(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for after := tenantlog.ID(""); ; {
		events, err := s.page(ctx, token, after)
		if err != nil {
			return 0, err
		}
		if len(events) == 0 {
			return time.Since(began), nil
		}
		after = events[len(events)-1].ID
	}
}

func (s *stage) token(ctx context.Context) (string, error) {
	form, err := json.Marshal(map[string]string{
		"grant_type":    "client_credentials",
		"client_id":     s.tenant.Get("AUTH0_CLIENT_ID"),
		"client_secret": s.tenant.Get("AUTH0_CLIENT_SECRET"),
		"audience":      "https://" + s.tenant.Domain + "/api/v2/",
	})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.tenant.Domain+"/oauth/token", bytes.NewReader(form))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	body, err := s.do(req)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(body, &answer)
	return answer.AccessToken, err
}

func (s *stage) page(ctx context.Context, token string, after tenantlog.ID) ([]tenantlog.Event, error) {
	query := url.Values{"from": {string(after)}, "take": {strconv.Itoa(pageSize)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.tenant.Domain+"/api/v2/logs?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	body, err := s.do(req)
	if err != nil {
		return nil, err
	}
	return tenantlog.DecodePage(body)
}

// do sends a request and returns the body of its answer, which must be 200.
func (s *stage) do(req *http.Request) ([]byte, error) {
	resp, err := s.client.Do(req)
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
