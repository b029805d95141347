package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func TestEvents(t *testing.T) {
	tests := map[string]struct {
		args string
		want string
	}{
		"check":             {"check", `{"action":"check","tenant":"default"}`},
		"check of a tenant": {"check -tenant=acme -slack=true -function=f", `{"action":"check","slack":true,"tenant":"acme"}`},
		"no to Slack":       {"check -slack=false", `{"action":"check","tenant":"default"}`},
		"replay":            {"replay -function=f -from=-7d -to=-1h", `{"action":"replay","from":"-7d","tenant":"default","to":"-1h"}`},
		"all of a replay": {
			"replay -stack=s -from=2026-11-20 -to=-1h -types=f*,!fsa -stream=x -dry-run=true",
			`{"action":"replay","dryRun":true,"from":"2026-11-20","stream":"x","tenant":"default","to":"-1h","types":"f*,!fsa"}`,
		},
		"local replay":       {"replay -tenant=acme", `{"action":"replay","from":"-1d","stream":"acme","tenant":"acme","to":"-10m"}`},
		"local verification": {"verify", `{"action":"verify","from":"-1d","tenant":"default","to":"-10m"}`},
		"fill":               {"verify -from=-2d -to=-1d -fill=true", `{"action":"verify","fill":true,"from":"-2d","tenant":"default","to":"-1d"}`},
		"stop":               {"verify -function=f -stop=true", `{"action":"verify","stop":true,"tenant":"default"}`},
		"preview":            {"preview -log-level=warning -log-types=gd_* -from=-7d", `{"LOG_LEVEL":"warning","LOG_TYPES":"gd_*","action":"preview","from":"-7d","tenant":"default"}`},
		"run":                {"run -tenant=acme", `{"tenant":"acme"}`},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			w, err := parse(strings.Fields(test.args), now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(w.event())); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadFlags(t *testing.T) {
	tests := map[string]struct {
		args string
		want []string
	}{
		"none":              {"", []string{"which action?", "check, replay, verify, preview or run"}},
		"unknown action":    {"explode", []string{"which action?"}},
		"unknown flag":      {"check -from=-1d", []string{"-from", "make check [SLACK=true]"}},
		"not a flag":        {"check now", []string{`"now"`, "make check"}},
		"neither yes or no": {"check -slack=yes", []string{"-slack", "expected true or false"}},
		"bad tenant":        {"check -tenant=a/b", []string{`"a/b"`, "expected 1 to 64"}},
		"two functions":     {"check -stack=a -function=b", []string{"STACK and FUNCTION"}},
		"no range":          {"replay -function=f", []string{"from is missing", "make replay FROM="}},
		"half a range":      {"verify -function=f -from=-1d", []string{"to is missing"}},
		"bad end":           {"verify -function=f -from=yesterday -to=-1h", []string{`"yesterday"`, "RFC 3339"}},
		"backwards":         {"replay -from=-1h -to=-7d", []string{"the earlier end first"}},
		"stop and more":     {"replay -function=f -stop=true -from=-1d", []string{"go with nothing else"}},
		"stop and follow":   {"replay -function=f -stop=true -follow=true", []string{"go with nothing else"}},
		"nothing to stop":   {"replay -stop=true", []string{"STACK or FUNCTION"}},
		"a check to stop":   {"check -stop=true", []string{"-stop"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			_, err := parse(strings.Fields(test.args), now)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

// TestMakeTargets: each passes its variables on, quoted.
func TestMakeTargets(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not on the PATH")
	}
	tests := map[string]string{
		"check SLACK=true TENANT=acme":                        "check -tenant='acme' -slack='true'",
		"replay FROM=-7d TO=-1h TYPES=f*,!fsa DRY_RUN=true":   "replay -from='-7d' -to='-1h' -types='f*,!fsa' -dry-run='true'",
		"replay STOP=true FUNCTION=f":                         "replay -function='f' -stop='true'",
		"verify FROM=-7d TO=-1h FILL=true STACK=s":            "verify -stack='s' -from='-7d' -to='-1h' -fill='true'",
		"preview FROM=-7d LOG_LEVEL=warning LOG_TYPES=gd_*":   "preview -from='-7d' -log-level='warning' -log-types='gd_*'",
		"run TENANT=acme":                                     "run -tenant='acme'",
		"replay FOLLOW=true FUNCTION=f STREAM=a SLACK=ignore": "replay -function='f' -stream='a' -follow='true'",
	}
	for args, want := range tests {
		cmd := exec.Command("make", append([]string{"--no-print-directory", "-n"}, strings.Fields(args)...)...)
		cmd.Dir = "../../../.."
		cmd.Env = []string{"PATH=" + pathOfTests()}
		out, err := cmd.CombinedOutput()
		_, got, _ := strings.Cut(string(out), "exec bin/invoke ")
		if got = strings.Join(strings.Fields(got), " "); err != nil || got != want {
			t.Errorf("make %s calls %q, want %q (%v)", args, got, want, err)
		}
	}
}
