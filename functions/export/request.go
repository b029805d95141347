package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"auth0-logs-to-cloudwatch/pkg/config"
)

const defaultTenant = "default"

// request is what an event asks for.
type request struct {
	tenant string
}

// parseRequest reads an event. A scheduled event of EventBridge may hold any
// keys. In any other event one that is not known is an error: a misspelt
// "tenant" must not export another one.
func parseRequest(event []byte) (request, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(event, &keys); err != nil || keys == nil {
		return request{}, errors.New(`the event is no JSON object: expected a scheduled event of EventBridge, {} or {"tenant":"NAME"}`)
	}
	scheduled := text(keys["source"]) == "aws.events"
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if key != "tenant" && !scheduled {
			return request{}, fmt.Errorf(`the event has the unknown key %.80q: expected {} or {"tenant":"NAME"}`, key)
		}
	}
	name, named := keys["tenant"]
	if !named {
		return request{tenant: defaultTenant}, nil
	}
	r := request{tenant: text(name)}
	return r, config.ValidTenant(r.tenant)
}

// text is the content of a JSON string, "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return ""
	}
	return s
}
