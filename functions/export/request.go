package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/check"
	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/verify"
	"auth0-logs-to-cloudwatch/pkg/words"
)

const defaultTenant = "default"

// actions are what an event can ask for by its key "action"; without one it
// asks for the export.
var actions = map[string]func(*handler, context.Context, request) (any, error){
	"":                   (*handler).export,
	check.Action:         (*handler).check,
	export.ReplayAction:  (*handler).replay,
	export.VerifyAction:  (*handler).verify,
	verify.PreviewAction: (*handler).preview,
}

// request is what an event asks for.
type request struct {
	tenant string
	action string
	// keys are the action's own.
	keys map[string]json.RawMessage
}

// badEvent is the error of an event that asks for nothing that can be done.
type badEvent string

func (e badEvent) Error() string { return string(e) }

func badEventf(format string, args ...any) error { return badEvent(fmt.Sprintf(format, args...)) }

// refusal is the error of an event that cannot be done for err, on one line.
func refusal(err error) error { return badEvent(words.Reasons(err)) }

// parseRequest reads an event. A scheduled event of EventBridge may hold any
// keys. In any other event one that is not known is an error: a misspelt
// "tenant" must not export another one. The action's own keys are left to it.
func parseRequest(event []byte) (request, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(event, &keys); err != nil || keys == nil {
		return request{}, badEventf("the event is no JSON object: expected %s", expectedEvent())
	}
	if key, twice := repeated(event); twice {
		return request{}, badEventf("the event has the key %.80q twice: expected it once", key)
	}
	r := request{tenant: defaultTenant}
	if name, ok := keys["tenant"]; ok {
		if err := unmarshal("tenant", name, &r.tenant); err != nil {
			return r, err
		}
		if err := config.ValidTenant(r.tenant); err != nil {
			return r, badEvent(err.Error())
		}
	}
	if bytes.Equal(keys["source"], []byte(`"aws.events"`)) {
		return r, nil
	}
	if name, ok := keys["action"]; ok {
		if err := unmarshal("action", name, &r.action); err != nil {
			return r, err
		}
		if _, known := actions[r.action]; !known || r.action == "" {
			return r, badEventf("the event asks for the action %.80q: expected one of %s", r.action, actionNames())
		}
	}
	delete(keys, "tenant")
	delete(keys, "action")
	r.keys = keys
	if r.action == "" {
		return r, r.decode(&struct{}{}, expectedEvent())
	}
	return r, nil
}

// repeated finds a key that a JSON object has twice: which of its values would
// hold is not for us to say.
func repeated(object []byte) (key string, twice bool) {
	d := json.NewDecoder(bytes.NewReader(object))
	seen := make(map[json.Token]bool)
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); seen[name] {
			return fmt.Sprint(name), true
		}
		seen[name] = true
		if err == nil {
			err = d.Decode(new(json.RawMessage))
		}
	}
	return "", false
}

// decode puts the action's keys into the struct that v points to. Its fields'
// names in JSON are all that is allowed; expected shows how it is done.
func (r request) decode(v any, expected string) error {
	allowed := fieldNames(v)
	for _, key := range slices.Sorted(maps.Keys(r.keys)) {
		if !slices.Contains(allowed, key) {
			return badEventf("the event has the unknown key %.80q: expected %s", key, expected)
		}
	}
	fields := reflect.ValueOf(v).Elem()
	for i, name := range allowed {
		raw, ok := r.keys[name]
		if !ok {
			continue
		}
		if err := unmarshal(name, raw, fields.Field(i).Addr().Interface()); err != nil {
			return err
		}
	}
	return nil
}

// fieldNames are the names that a struct's fields have in JSON, in order.
func fieldNames(v any) []string {
	fields := reflect.TypeOf(v).Elem()
	names := make([]string, fields.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(fields.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// unmarshal reads the value of one key. A null is no value: whoever writes one
// has something in mind that is not known here. The value is not shown: it may
// be a webhook's address, where true was expected.
func unmarshal(name string, raw json.RawMessage, v any) error {
	err := json.Unmarshal(raw, v)
	if err == nil && !bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	expected := "a text in quotes"
	if reflect.TypeOf(v).Elem().Kind() == reflect.Bool {
		expected = "true or false"
	}
	return badEventf("the event's key %q is %s: expected %s", name, kindOf(raw), expected)
}

// kindOf is what sort of JSON value this is.
func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "a text"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 'n', 't', 'f':
		return string(raw)
	}
	return "a number"
}

func expectedEvent() string {
	return `a scheduled event of EventBridge, {}, {"tenant":"NAME"} or {"action":"ACTION",...} with one of ` + actionNames()
}

// actionNames lists the actions for an error.
func actionNames() string {
	names := slices.Sorted(maps.Keys(actions))
	return strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == "" }), ", ")
}
