package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// tool finds a program that is optional for developers.
func tool(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT tested: %s is not on the PATH (%s)", name, install)
	}
	return path
}

// command is one of Python's tools, which ends with the test. They take the empty
// AWS_PROFILE of these tests for the name of a profile.
func command(t *testing.T, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_PROFILE=") })
	return cmd
}

// expand answers the template as SAM expands it, in JSON.
func expand(t *testing.T) []byte {
	t.Helper()
	const install, missing = "pip install cfn-lint", 3
	cmd := command(t, tool(t, "python3", install), filepath.Join("testdata", "expand.py"), filepath.Join(repository, "template.yaml"), awsjson.DefaultRegion)
	cmd.Stderr = t.Output()
	expanded, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == missing {
		t.Skipf("NOT tested: python3 has no samtranslator, which expands the template (%s)", install)
	}
	if err != nil {
		t.Fatalf("SAM cannot expand the template: %v", err)
	}
	return expanded
}

// TestLint has cfn-lint look at the template as it is, and as it is expanded:
// only there it sees actions that do not exist and parameters without a use.
func TestLint(t *testing.T) {
	t.Parallel()
	lint := tool(t, "cfn-lint", "pip install cfn-lint")
	files := map[string]func(t *testing.T) string{
		"source": func(*testing.T) string { return filepath.Join(repository, "template.yaml") },
		"expanded": func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "template.json")
			if err := os.WriteFile(file, expand(t), 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		},
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := command(t, lint, file(t)).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// moto is a moto_server. It makes stacks, but not of every type of resource, and
// takes what AWS would refuse.
type moto struct{ url string }

// startMoto runs one until the test ends, with code for the functions.
func startMoto(t *testing.T) moto {
	t.Helper()
	path := tool(t, "moto_server", "pip install 'moto[server]'")
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	address := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, path, "--host", "127.0.0.1", "--port", fmt.Sprint(address.Port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended it
	m := moto{"http://" + address.String()}
	m.wait(t)
	m.do(t, http.MethodPut, "/bucket", "s3", "")
	m.do(t, http.MethodPut, "/bucket/key", "s3", "code")
	return m
}

// wait returns once it answers.
func (m moto) wait(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		r := must(http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/moto-api/data.json", nil))
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = response.Body.Close()
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("moto_server does not answer: %v", err)
		}
	}
}

// do sends a request, which must succeed, to one of its services.
func (m moto) do(t *testing.T, method, path, service, body string) []byte {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), method, m.url+path, strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", fmt.Sprintf(
		"AWS4-HMAC-SHA256 Credential=AKIAMOTO/20261123/%s/%s/aws4_request, SignedHeaders=host, Signature=0", awsjson.DefaultRegion, service))
	response := must(http.DefaultClient.Do(r))
	defer func() { _ = response.Body.Close() }()
	answer := must(io.ReadAll(response.Body))
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", service, response.Status, answer)
	}
	return answer
}

// create makes a stack and answers what is in it: names by logical ID.
func (m moto) create(t *testing.T, name string, template []byte, values map[string]any) map[string]string {
	t.Helper()
	form := url.Values{
		"Action": {"CreateStack"}, "StackName": {name}, "TemplateBody": {string(template)}, "Capabilities.member.1": {"CAPABILITY_IAM"},
	}
	for i, parameter := range slices.Sorted(maps.Keys(values)) {
		member := fmt.Sprintf("Parameters.member.%d.", i+1)
		form.Set(member+"ParameterKey", parameter)
		form.Set(member+"ParameterValue", fmt.Sprint(values[parameter]))
	}
	m.do(t, http.MethodPost, "/", "cloudformation", form.Encode())
	answer := m.do(t, http.MethodPost, "/", "cloudformation", url.Values{"Action": {"DescribeStackResources"}, "StackName": {name}}.Encode())
	var found struct {
		Resources []struct{ LogicalResourceId, PhysicalResourceId string } `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	if err := xml.Unmarshal(answer, &found); err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, r := range found.Resources {
		if r.LogicalResourceId != "" {
			made[r.LogicalResourceId] = r.PhysicalResourceId
		}
	}
	return made
}

func (m moto) config() aws.Config {
	return aws.Config{
		Region: awsjson.DefaultRegion, BaseEndpoint: aws.String(m.url),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAMOTO", "key", ""),
	}
}

// made are the types that moto makes. It leaves the others out.
var made = []string{
	"AWS::CloudWatch::Dashboard", "AWS::Events::Rule", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Lambda::Permission",
	"AWS::Logs::LogGroup", "AWS::SSM::Parameter",
}

// TestStackOnMoto makes the stack of the expanded template, and looks at what is
// there then: by default, and with every option.
func TestStackOnMoto(t *testing.T) {
	t.Parallel()
	expanded, m := expand(t), startMoto(t)
	for name, values := range map[string]map[string]any{
		"defaults": {},
		"options": {
			"ConfigRoot": "/of/another", "CloudwatchLogGroupName": "/of/another", "Auth0Domain": "acme.eu.auth0.com", "LogTypes": "f*,!fsa", "LogsKeyArn": keyARN, "SecretsKeyArn": keyARN,
			"MaskPersonalData": "true", "Tracing": "true", "ScheduleState": "ENABLED", "ScheduleExpression": "rate(1 minute)",
			"EventMetrics": "true", "StatusWidgetMaySteer": "true", "AlarmTopicArn": topicARN,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, values)
			var template struct {
				Resources map[string]struct{ Type, Condition string }
			}
			if err := json.Unmarshal(expanded, &template); err != nil {
				t.Fatal(err)
			}
			found := m.create(t, name, expanded, values)
			for id, r := range template.Resources {
				_, ok := found[id]
				want := slices.Contains(made, r.Type) && (r.Condition == "" || s.condition(r.Condition))
				if ok != want {
					t.Errorf("%s was made: %t, want %t", id, ok, want)
				}
			}
			m.compareParameters(t, s)
			m.compareRules(t, found, values)
		})
	}
}

// compareParameters holds Parameter Store against what the stack declares.
func (m moto) compareParameters(t *testing.T, s stack) {
	t.Helper()
	root, _ := s.values["ConfigRoot"].(string)
	out, err := ssm.NewFromConfig(m.config()).GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: aws.String(root + "/default")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range out.Parameters {
		got[*p.Name] = *p.Value
	}
	if diff := cmp.Diff(s.declared(t), got); diff != "" {
		t.Errorf("parameters (-declared +made):\n%s", diff)
	}
}

// compareRules looks at the two rules and what they send.
func (m moto) compareRules(t *testing.T, found map[string]string, values map[string]any) {
	t.Helper()
	client := eventbridge.NewFromConfig(m.config())
	type rule struct{ State, Expression, Input string }
	want := map[string]rule{
		"ExportFunctionSchedule":       {"DISABLED", "rate(5 minutes)", `{"tenant":"default"}`},
		"ExportFunctionVerifySchedule": {"DISABLED", "cron(17 4 * * ? *)", `{"action":"verify","tenant":"default","from":"-26h","to":"-2h"}`},
	}
	if state, ok := values["ScheduleState"].(string); ok {
		want["ExportFunctionSchedule"] = rule{state, values["ScheduleExpression"].(string), `{"tenant":"default"}`}
	}
	got := map[string]rule{}
	for id := range want {
		name, _, _ := strings.Cut(found[id], "|")
		r, err := client.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: &name})
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		targets, err := client.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: &name})
		if err != nil || len(targets.Targets) != 1 {
			t.Fatalf("%s: %v, %v", id, targets, err)
		}
		got[id] = rule{string(r.State), *r.ScheduleExpression, *targets.Targets[0].Input}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}
