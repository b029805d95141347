package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTemplateStatusRole(t *testing.T) {
	const (
		logs  = "arn:aws:logs:eu-central-1:111122223333:log-group:"
		rules = "arn:aws:events:eu-central-1:111122223333:rule/"
	)
	reads := map[string]iamStatement{
		"ReadState": {
			Actions:   []string{"ssm:GetParameters"},
			Resources: []string{parameterARN + "/*/CHECKPOINT", parameterARN + "/*/RUN"},
		},
		"FindRules":   {Actions: []string{"events:ListRuleNamesByTarget"}, Resources: []string{"*"}},
		"ReadRules":   {Actions: []string{"events:DescribeRule", "events:ListTargetsByRule"}, Resources: []string{rules + "*"}},
		"ReadRuns":    {Actions: []string{"logs:FilterLogEvents"}, Resources: []string{logs + "<ExportFunctionLogGroup>:*"}},
		"WriteOwnLog": {Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{logs + "<StatusFunctionLogGroup>:*"}},
	}
	steers := maps.Clone(reads)
	steers["SteerRules"] = iamStatement{
		Actions:   []string{"events:EnableRule", "events:DisableRule", "events:PutRule"},
		Resources: []string{rules + "auth0-logs-*"},
	}
	steers["RunNow"] = iamStatement{Actions: []string{"lambda:InvokeFunction"}, Resources: []string{"<ExportFunction.Arn>"}}
	steers["Replay"] = iamStatement{Actions: []string{"ssm:PutParameter"}, Resources: []string{parameterARN + "/*/CHECKPOINT"}}
	for may, want := range map[string]map[string]iamStatement{"false": reads, "true": steers} {
		s := newStack(t, map[string]any{"StatusWidgetMaySteer": may})
		if diff := cmp.Diff(want, s.statements(t, "StatusRole")); diff != "" {
			t.Errorf("StatusWidgetMaySteer=%s: statements (-want +got):\n%s", may, diff)
		}
		variables := s.properties(t, "StatusFunction")["Environment"].(map[string]any)["Variables"].(map[string]any)
		if variables["MAY_STEER"] != may {
			t.Errorf("StatusWidgetMaySteer=%s: MAY_STEER is %v", may, variables["MAY_STEER"])
		}
	}
	for parameter, test := range map[string]struct {
		value string
		more  map[string]iamStatement
	}{
		"Tracing":      {"true", tracing()},
		"VpcSubnetIds": {"subnet-0a1b2c3d", inVPC()},
	} {
		want := maps.Clone(reads)
		maps.Copy(want, test.more)
		if diff := cmp.Diff(want, newStack(t, map[string]any{parameter: test.value}).statements(t, "StatusRole")); diff != "" {
			t.Errorf("%s=%s: statements (-want +got):\n%s", parameter, test.value, diff)
		}
	}
	if diff := cmp.Diff(reads, newStack(t, nil).statements(t, "StatusRole")); diff != "" {
		t.Errorf("by default it may more than read (-want +got):\n%s", diff)
	}
}

// TestTemplateStatusEnvironment checks that the function reads the variables
// that it is given, and no other.
func TestTemplateStatusEnvironment(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(repository, "functions", "status", "env.go"))
	if err != nil {
		t.Fatal(err)
	}
	read := make(map[string]bool)
	for _, m := range regexp.MustCompile(`get\("([A-Z_]+)"\)`).FindAllSubmatch(source, -1) {
		read[string(m[1])] = true
	}
	delete(read, "AWS_REGION") // Lambda's own
	given := make(map[string]bool)
	for name := range newStack(t, nil).properties(t, "StatusFunction")["Environment"].(map[string]any)["Variables"].(map[string]any) {
		given[name] = true
	}
	if diff := cmp.Diff(read, given); diff != "" {
		t.Errorf("variables (-read +given):\n%s", diff)
	}
}

// TestTemplateStatusSilence: the widget warns of a schedule that the alarm
// cannot bear, and only where there is one.
func TestTemplateStatusSilence(t *testing.T) {
	for _, test := range []struct {
		values map[string]any
		want   any
	}{
		{nil, 15},
		{map[string]any{"Metrics": "off"}, 15},
		{map[string]any{"MaxMinutesWithoutSuccess": 1440}, 1440},
		{map[string]any{"Alarms": "false"}, 0},
	} {
		variables := newStack(t, test.values).properties(t, "StatusFunction")["Environment"].(map[string]any)["Variables"].(map[string]any)
		if got := variables["MAX_MINUTES_WITHOUT_SUCCESS"]; got != test.want {
			t.Errorf("%v: %v minutes, want %v", test.values, got, test.want)
		}
	}
}

// TestTemplateStatusWidget checks that the dashboard has the widget, and that
// nothing of it is made without the dashboard.
func TestTemplateStatusWidget(t *testing.T) {
	found := false
	for _, w := range newStack(t, nil).widgets(t) {
		found = found || w.Type == "custom" && w.Properties.Endpoint == "<StatusFunction.Arn>"
	}
	if !found {
		t.Error("the dashboard has no status widget")
	}
	without := newStack(t, map[string]any{"Dashboard": "false", "StatusWidgetMaySteer": "true"})
	for _, id := range []string{"StatusFunction", "StatusFunctionLogGroup", "StatusRole"} {
		if without.resource(id) != nil {
			t.Errorf("without a dashboard there is %s", id)
		}
	}
}

// TestTemplateBuilds checks that each function has its target in the Makefile.
func TestTemplateBuilds(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for id, folder := range map[string]string{"ExportFunction": "export", "StatusFunction": "status"} {
		if !strings.Contains(string(makefile), "\nbuild-"+id+": FUNCTION := "+folder+"\n") {
			t.Errorf("the Makefile has no target that builds %s from functions/%s", id, folder)
		}
	}
}
