package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// bothFunctions and everyLogGroup are the logical IDs of what has options in
// common.
var (
	bothFunctions = []string{"ExportFunction", "StatusFunction"}
	everyLogGroup = []string{"ExportFunctionLogGroup", "StatusFunctionLogGroup", "TenantLogGroup"}
)

// TestTemplateOptions checks what an optional parameter changes in which
// resources, and that it changes nothing where it is not given.
func TestTemplateOptions(t *testing.T) {
	tests := map[string]struct {
		values    map[string]any
		resources []string
		property  string
		want      any
		otherwise any
	}{
		"key": {
			values: map[string]any{"LogsKeyArn": keyARN}, resources: everyLogGroup,
			property: "KmsKeyId", want: keyARN,
		},
		"boundary": {
			values:    map[string]any{"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/bound"},
			resources: []string{"ExportRole", "StatusRole"},
			property:  "PermissionsBoundary", want: "arn:aws:iam::111122223333:policy/bound",
		},
		"traces": {
			values: map[string]any{"Tracing": "true"}, resources: bothFunctions,
			property: "Tracing", want: "Active", otherwise: "PassThrough",
		},
		"VPC": {
			values:    map[string]any{"VpcSubnetIds": "subnet-0a,subnet-0b", "VpcSecurityGroupIds": "sg-0c"},
			resources: bothFunctions,
			property:  "VpcConfig",
			want: map[string]any{
				"SubnetIds": []string{"subnet-0a", "subnet-0b"}, "SecurityGroupIds": []string{"sg-0c"},
			},
		},
		"infrequent access": {
			values: map[string]any{"LogGroupClass": "INFREQUENT_ACCESS"}, resources: []string{"TenantLogGroup"},
			property: "LogGroupClass", want: "INFREQUENT_ACCESS", otherwise: "STANDARD",
		},
		"no field indexes for infrequent access": {
			values: map[string]any{"LogGroupClass": "INFREQUENT_ACCESS"}, resources: []string{"TenantLogGroup"},
			property:  "FieldIndexPolicies",
			otherwise: []any{map[string]any{"Fields": []any{"log_id", "type", "user_id", "client_id", "ip"}}},
		},
		"masks": {
			values: map[string]any{"MaskPersonalData": "true"}, resources: []string{"TenantLogGroup"},
			property: "DataProtectionPolicy", want: masking(),
		},
		"infrequent access cannot mask": {
			values:    map[string]any{"MaskPersonalData": "true", "LogGroupClass": "INFREQUENT_ACCESS"},
			resources: []string{"TenantLogGroup"},
			property:  "DataProtectionPolicy",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, id := range test.resources {
				if diff := cmp.Diff(test.want, newStack(t, test.values).properties(t, id)[test.property]); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", id, test.property, diff)
				}
				if diff := cmp.Diff(test.otherwise, newStack(t, nil).properties(t, id)[test.property]); diff != "" {
					t.Errorf("%s: %s by default (-want +got):\n%s", id, test.property, diff)
				}
			}
		})
	}
}

// masking is a data protection policy of e-mail and IP addresses. CloudWatch
// Logs demands the audit statement, and that it names the same data.
func masking() map[string]any {
	statement := func(sid string, operation map[string]any) map[string]any {
		return map[string]any{
			"Sid": sid,
			"DataIdentifier": []any{
				"arn:aws:dataprotection::aws:data-identifier/EmailAddress", "arn:aws:dataprotection::aws:data-identifier/IpAddress",
			},
			"Operation": operation,
		}
	}
	return map[string]any{
		"Name": "mask-personal-data", "Version": "2021-06-01",
		"Statement": []any{
			statement("audit", map[string]any{"Audit": map[string]any{"FindingsDestination": map[string]any{}}}),
			statement("mask", map[string]any{"Deidentify": map[string]any{"MaskConfig": map[string]any{}}}),
		},
	}
}

// refusals answers the descriptions of the template's rules that the stack's
// parameters break.
func (s stack) refusals() []string {
	var texts []string
	for _, r := range s.section("Rules") {
		rule := r.(map[string]any)
		if c, ok := rule["RuleCondition"]; ok && !s.eval(c).(bool) {
			continue
		}
		for _, a := range rule["Assertions"].([]any) {
			if assertion := a.(map[string]any); !s.eval(assertion["Assert"]).(bool) {
				texts = append(texts, assertion["AssertDescription"].(string))
			}
		}
	}
	return texts
}

// TestTemplateRules checks that CloudFormation refuses what cannot work, before
// it makes anything, by a text that names the parameter.
func TestTemplateRules(t *testing.T) {
	tests := map[string]struct {
		values map[string]any
		names  []string // one for each refusal
	}{
		"defaults":              {},
		"group in a region":     {map[string]any{"AwsRegion": "us-east-1"}, []string{"AwsRegion"}},
		"group in an account":   {map[string]any{"CloudwatchRoleArn": roleARN}, []string{"CloudwatchRoleArn"}},
		"existing group in one": {map[string]any{"CloudwatchRoleArn": roleARN, "CreateLogGroup": "false"}, nil},
		"masks an existing group": {
			map[string]any{"MaskPersonalData": "true", "CreateLogGroup": "false"}, []string{"MaskPersonalData"},
		},
		"masks": {map[string]any{"MaskPersonalData": "true"}, nil},
		"masks and counts in a cheap group": {
			map[string]any{"MaskPersonalData": "true", "EventMetrics": "true", "LogGroupClass": "INFREQUENT_ACCESS"},
			[]string{"EventMetrics", "MaskPersonalData"},
		},
		"counts in an existing group": {
			map[string]any{"EventMetrics": "true", "CreateLogGroup": "false", "LogGroupClass": "INFREQUENT_ACCESS"}, nil,
		},
		"subnets alone":         {map[string]any{"VpcSubnetIds": "subnet-0a"}, []string{"VpcSubnetIds"}},
		"security groups alone": {map[string]any{"VpcSecurityGroupIds": "sg-0a"}, []string{"VpcSecurityGroupIds"}},
		"both":                  {map[string]any{"VpcSubnetIds": "subnet-0a", "VpcSecurityGroupIds": "sg-0a"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := newStack(t, test.values).refusals()
			slices.Sort(got)
			if len(got) != len(test.names) {
				t.Fatalf("refused by %q, want %d", got, len(test.names))
			}
			for i, name := range test.names {
				if !strings.Contains(got[i], name) {
					t.Errorf("%q does not name %s", got[i], name)
				}
			}
		})
	}
}

// TestTemplatePatterns checks the values that the new forms of parameters take.
func TestTemplatePatterns(t *testing.T) {
	parameters := newStack(t, nil).section("Parameters")
	for name, values := range map[string]struct{ good, bad []string }{
		"VpcSubnetIds":           {[]string{"", "subnet-0a1b", "subnet-0a,subnet-0b"}, []string{"vpc-0a", "subnet-0a, subnet-0b", "subnet-0a,"}},
		"VpcSecurityGroupIds":    {[]string{"", "sg-0a1b", "sg-0a,sg-0b"}, []string{"default", "sg-0a;sg-0b"}},
		"PermissionsBoundaryArn": {[]string{"", "arn:aws:iam::111122223333:policy/team/bound", "arn:aws:iam::aws:policy/PowerUserAccess"}, []string{"bound", roleARN}},
		"LogsKeyArn":             {[]string{"", keyARN}, []string{"alias/logs", "arn:aws:kms:eu-central-1:111122223333:alias/logs"}},
	} {
		pattern := regexp.MustCompile(parameters[name].(map[string]any)["AllowedPattern"].(string))
		for _, v := range values.good {
			if !pattern.MatchString(v) {
				t.Errorf("%s does not take %q", name, v)
			}
		}
		for _, v := range values.bad {
			if pattern.MatchString(v) {
				t.Errorf("%s takes %q", name, v)
			}
		}
	}
}

// TestTemplatePrices checks that the description of what costs says so.
func TestTemplatePrices(t *testing.T) {
	for name, p := range newStack(t, nil).section("Parameters") {
		costs := slices.Contains([]string{
			"Alarms", "Dashboard", "EventMetrics", "LogGroupClass", "LogGroupRetentionDays", "LogsKeyArn", "MaskPersonalData",
			"Metrics", "SecretsKeyArn", "Tracing", "VpcSubnetIds",
		}, name)
		if said := strings.Contains(p.(map[string]any)["Description"].(string), "USD"); said != costs {
			t.Errorf("%s costs: %t; its description says a price: %t", name, costs, said)
		}
	}
}

// TestTemplateLimits holds the template against CloudFormation's quotas
// (AWS CloudFormation user guide, "Understand CloudFormation quotas").
func TestTemplateLimits(t *testing.T) {
	const (
		maxBytes       = 1 << 20
		maxParameters  = 200
		maxOutputs     = 200
		maxResources   = 500
		maxDescription = 4000
		maxOutput      = 1024
	)
	info, err := os.Stat(filepath.Join(repository, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBytes {
		t.Errorf("the template has %d bytes", info.Size())
	}
	s := newStack(t, map[string]any{"SecretsKeyArn": keyARN})
	for section, limit := range map[string]int{"Parameters": maxParameters, "Outputs": maxOutputs, "Resources": maxResources} {
		if n := len(s.section(section)); n > limit {
			t.Errorf("%d in %s, at most %d are allowed", n, section, limit)
		}
	}
	for name, p := range s.section("Parameters") {
		if n := len(p.(map[string]any)["Description"].(string)); n > maxDescription {
			t.Errorf("the description of %s has %d bytes", name, n)
		}
	}
	for id, o := range s.outputs(t) {
		if len(o.Description) > maxOutput {
			t.Errorf("the description of %s has %d bytes", id, len(o.Description))
		}
	}
}

// TestTemplateApplication checks what the Serverless Application Repository
// asks for: no function of CloudFormation, a file for each address that is
// none, and the version of the code.
func TestTemplateApplication(t *testing.T) {
	app := newStack(t, nil).section("Metadata")["AWS::ServerlessRepo::Application"].(map[string]any)
	for name, v := range app {
		if _, ok := v.(map[string]any); ok {
			t.Errorf("%s is neither text nor list: %v", name, v)
		}
	}
	for name, pattern := range map[string]string{
		"Name":            `^[A-Za-z0-9-]{1,140}$`,
		"Description":     `^.{1,256}$`,
		"Author":          `^[A-Za-z0-9][A-Za-z0-9 -]{0,126}$`,
		"SpdxLicenseId":   `^MIT$`,
		"SemanticVersion": "^" + regexp.QuoteMeta(export.Version) + "$",
	} {
		if v, _ := app[name].(string); !regexp.MustCompile(pattern).MatchString(v) {
			t.Errorf("%s is %q, want %s", name, v, pattern)
		}
	}
	for _, name := range []string{"LicenseUrl", "ReadmeUrl"} {
		if _, err := os.Stat(filepath.Join(repository, app[name].(string))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const maxLabels = 10
	if n := len(app["Labels"].([]any)); n == 0 || n > maxLabels {
		t.Errorf("%d labels", n)
	}
}

// scanned says what scanners hold against the resources of a type, unless a
// property answers it or the rule is suppressed with its reason.
var scanned = map[string][]struct {
	rule     string
	property string // answers it always; "" where nothing does
}{
	"AWS::Serverless::Function": {
		{"CKV_AWS_115", "ReservedConcurrentExecutions"}, {"W92", "ReservedConcurrentExecutions"},
		{"CKV_AWS_116", "DeadLetterQueue"}, {"CKV_AWS_117", "VpcConfig"}, {"W89", "VpcConfig"}, {"CKV_AWS_173", "KmsKeyArn"},
		{"CKV_AWS_363", "Runtime"}, {"LambdaDefaultMemorySize", "MemorySize"}, {"LambdaFunctionDefaultTimeout", "Timeout"},
		{"LambdaTracing", "Tracing"}, {"LambdaLogGroup", "LoggingConfig"}, {"AwsSolutions-IAM4", "Role"},
	},
	"AWS::Logs::LogGroup": {
		{"CKV_AWS_158", "KmsKeyId"}, {"W84", "KmsKeyId"}, {"CKV_AWS_66", "RetentionInDays"}, {"W86", "RetentionInDays"},
	},
	"AWS::CloudWatch::Alarm": {{"W28", ""}, {"CloudWatchAlarmAction", "AlarmActions"}},
}

// TestTemplateScanners checks that each finding is answered by default or
// suppressed with a reason, and that nothing is suppressed that no scanner says.
func TestTemplateScanners(t *testing.T) {
	s := newStack(t, nil)
	for id, r := range s.section("Resources") {
		resource := r.(map[string]any)
		reasons := suppressed(t, id, resource)
		for _, finding := range scanned[resource["Type"].(string)] {
			reason, ok := reasons[finding.rule]
			delete(reasons, finding.rule)
			properties := resource["Properties"].(map[string]any)
			if _, answered := s.eval(properties).(map[string]any)[finding.property]; answered == ok {
				t.Errorf("%s: %s: property %s is there: %t; suppressed: %q", id, finding.rule, finding.property, answered, reason)
			}
		}
		if resource["Type"] == "AWS::IAM::Role" {
			delete(reasons, "W11") // TestTemplateWildcards
		}
		if len(reasons) > 0 {
			t.Errorf("%s suppresses without need: %v", id, reasons)
		}
	}
}

// suppressed answers the reasons for each rule that a resource suppresses.
func suppressed(t *testing.T, id string, resource map[string]any) map[string]string {
	t.Helper()
	reasons := map[string]string{}
	metadata, _ := resource["Metadata"].(map[string]any)
	for scanner, keys := range map[string][2]string{"checkov": {"skip", "comment"}, "cfn_nag": {"rules_to_suppress", "reason"}} {
		section, _ := metadata[scanner].(map[string]any)
		list, _ := section[keys[0]].([]any)
		for _, e := range list {
			rule := e.(map[string]any)
			reason, _ := rule[keys[1]].(string)
			if len(strings.Fields(reason)) < 4 {
				t.Errorf("%s: %v is suppressed without a reason: %q", id, rule["id"], reason)
			}
			reasons[rule["id"].(string)] = reason
		}
	}
	return reasons
}

// TestTemplateWildcards checks that a policy's "*" has its reason beside it,
// and that only these actions stand on it.
func TestTemplateWildcards(t *testing.T) {
	allowed := []string{
		"ec2:DescribeNetworkInterfaces", "events:ListRuleNamesByTarget", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
	}
	found := map[string]bool{}
	for _, role := range []string{"ExportRole", "StatusRole"} {
		s := newStack(t, map[string]any{"Tracing": "true", "VpcSubnetIds": "subnet-0a", "VpcSecurityGroupIds": "sg-0a"})
		for sid, statement := range s.statements(t, role) {
			if statement.Deny || !slices.Contains(statement.Resources, "*") {
				continue
			}
			if !commented(t, sid) {
				t.Errorf("%s: %s is on \"*\" without a reason", role, sid)
			}
			for _, action := range statement.Actions {
				found[action] = true
			}
		}
	}
	if diff := cmp.Diff(allowed, slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("actions on \"*\" (-want +got):\n%s", diff)
	}
	for _, role := range []string{"ExportRole", "StatusRole"} {
		resource := newStack(t, nil).section("Resources")[role].(map[string]any)
		if suppressed(t, role, resource)["W11"] == "" {
			t.Errorf("%s has a statement on \"*\" and does not say why (W11)", role)
		}
	}
}

// commented tells whether each statement of that name has a comment above it,
// or above the condition that it is under.
func commented(t *testing.T, sid string) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	condition := regexp.MustCompile(`^ +- (!If|\w+)$`)
	found := false
	for i, line := range lines {
		if strings.TrimSpace(line) != "- Sid: "+sid {
			continue
		}
		above := i - 1
		for condition.MatchString(lines[above]) {
			above--
		}
		if !strings.HasPrefix(strings.TrimSpace(lines[above]), "# ") {
			return false
		}
		found = true
	}
	return found
}
