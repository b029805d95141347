package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/console"
)

// repository is its root as seen from this package.
const repository = "../.."

// pseudoParameters are CloudFormation's pseudo parameters in the stack under test.
var pseudoParameters = map[string]any{
	"AWS::AccountId": "111122223333",
	"AWS::NoValue":   noValue{},
	"AWS::Partition": "aws",
	"AWS::Region":    "eu-central-1",
	"AWS::StackName": "auth0-logs",
	"AWS::URLSuffix": "amazonaws.com",
}

// noValue is what AWS::NoValue stands for: the property is left out.
type noValue struct{}

// stack is template.yaml with values for its parameters.
type stack struct {
	template map[string]any
	values   map[string]any
}

// newStack reads the template and gives its parameters the values, and the
// others their defaults.
func newStack(t *testing.T, values map[string]any) stack {
	t.Helper()
	return readStack(t, "template.yaml", values)
}

// readStack does the same for another template of the repository.
func readStack(t *testing.T, file string, values map[string]any) stack {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	s := stack{template: fromYAML(t, doc.Content[0]).(map[string]any), values: maps.Clone(pseudoParameters)}
	for name, p := range s.section("Parameters") {
		s.values[name] = p.(map[string]any)["Default"]
		if p.(map[string]any)["Type"] == "CommaDelimitedList" {
			s.values[name] = strings.Split(s.values[name].(string), ",")
		}
	}
	for name, v := range values {
		if _, ok := s.values[name]; !ok {
			t.Fatalf("the template has no parameter %s", name)
		}
		s.values[name] = v
	}
	return s
}

func (s stack) section(name string) map[string]any {
	return s.template[name].(map[string]any)
}

// resource answers a resource with its functions evaluated, nil where its
// condition leaves it out.
func (s stack) resource(logicalID string) map[string]any {
	r := s.section("Resources")[logicalID].(map[string]any)
	if c, ok := r["Condition"].(string); ok && !s.condition(c) {
		return nil
	}
	return s.eval(r).(map[string]any)
}

// properties answers those of a resource that is there.
func (s stack) properties(t *testing.T, logicalID string) map[string]any {
	t.Helper()
	r := s.resource(logicalID)
	if r == nil {
		t.Fatalf("%s is left out", logicalID)
	}
	return r["Properties"].(map[string]any)
}

// ofType answers the logical IDs of the template's resources of a type, in order.
func (s stack) ofType(typ string) []string {
	var ids []string
	for id, r := range s.section("Resources") {
		if r.(map[string]any)["Type"] == typ {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s stack) condition(name string) bool {
	return s.eval(s.section("Conditions")[name]).(bool)
}

// eval evaluates the intrinsic functions in v.
func (s stack) eval(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			if e := s.eval(e); e != (noValue{}) {
				out = append(out, e)
			}
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.call(name, arg)
				}
			}
		}
		out := map[string]any{}
		for k, e := range v {
			if e := s.eval(e); e != (noValue{}) {
				out[k] = e
			}
		}
		return out
	}
	return v
}

// call evaluates one intrinsic function.
func (s stack) call(name string, arg any) any {
	if name == "Fn::If" {
		branch := arg.([]any)[2]
		if s.condition(arg.([]any)[0].(string)) {
			branch = arg.([]any)[1]
		}
		return s.eval(branch)
	}
	arg = s.eval(arg)
	switch name {
	case "Ref":
		return s.ref(arg.(string))
	case "Fn::GetAtt":
		return "<" + arg.(string) + ">"
	case "Fn::Sub":
		return s.sub(arg)
	case "Fn::Equals":
		return arg.([]any)[0] == arg.([]any)[1]
	case "Fn::Not":
		return !arg.([]any)[0].(bool)
	case "Fn::And":
		return !slices.Contains(arg.([]any), any(false))
	case "Fn::Or":
		return slices.Contains(arg.([]any), any(true))
	case "Fn::Condition":
		return s.condition(arg.(string))
	case "Fn::Join":
		return strings.Join(stringsOf(arg.([]any)[1]), arg.([]any)[0].(string))
	case "Fn::Split":
		return strings.Split(arg.([]any)[1].(string), arg.([]any)[0].(string))
	}
	panic("template.yaml uses " + name + ", which this test cannot evaluate")
}

// ref answers a parameter's value, and for a resource its logical ID in angle
// brackets.
func (s stack) ref(name string) any {
	if v, ok := s.values[name]; ok {
		return v
	}
	return "<" + name + ">"
}

var subVariable = regexp.MustCompile(`\$\{([^}]+)\}`)

func (s stack) sub(arg any) string {
	local := map[string]any{}
	if pair, ok := arg.([]any); ok {
		arg, local = pair[0], pair[1].(map[string]any)
	}
	return subVariable.ReplaceAllStringFunc(arg.(string), func(m string) string {
		name := m[2 : len(m)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if v, ok := local[name]; ok {
			return fmt.Sprint(v)
		}
		return fmt.Sprint(s.ref(name))
	})
}

// fromYAML turns a node into maps, lists and scalars, and the short form of an
// intrinsic function (!Sub) into its long form ({"Fn::Sub": ...}).
func fromYAML(t *testing.T, n *yaml.Node) any {
	t.Helper()
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = fromYAML(t, n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, e := range n.Content {
			list = append(list, fromYAML(t, e))
		}
		v = list
	case yaml.ScalarNode:
		if strings.HasPrefix(n.Tag, "!!") {
			if err := n.Decode(&v); err != nil {
				t.Fatalf("line %d: %v", n.Line, err)
			}
			return v
		}
		v = n.Value
	default:
		// CloudFormation does not support aliases.
		t.Fatalf("line %d: a node of kind %v", n.Line, n.Kind)
	}
	switch {
	case n.Tag == "!Ref":
		return map[string]any{"Ref": v}
	case !strings.HasPrefix(n.Tag, "!!"):
		return map[string]any{"Fn::" + strings.TrimPrefix(n.Tag, "!"): v}
	}
	return v
}

// stringsOf answers one string or a list of them as a list.
func stringsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = e.(string)
		}
		return out
	}
	panic(fmt.Sprintf("neither a string nor a list: %v", v))
}

func TestTemplateFunction(t *testing.T) {
	s := newStack(t, nil)
	got := s.properties(t, "ExportFunction")
	want := map[string]any{
		"Handler":           "bootstrap",
		"Runtime":           "provided.al2023",
		"Architectures":     []any{"arm64"},
		"CodeUri":           ".",
		"Timeout":           300,
		"MemorySize":        256,
		"Role":              "<ExportRole.Arn>",
		"Environment":       map[string]any{"Variables": map[string]any{"CONFIG_ROOT": config.DefaultRoot, "METRICS": "on"}},
		"EventInvokeConfig": map[string]any{"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
		// Above INFO, Lambda would drop the report of a run that went well.
		"LoggingConfig": map[string]any{
			"LogFormat":           "JSON",
			"ApplicationLogLevel": "INFO",
			"SystemLogLevel":      "INFO",
			"LogGroup":            "<ExportFunctionLogGroup>",
		},
	}
	for name, w := range want {
		if diff := cmp.Diff(w, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if build := s.resource("ExportFunction")["Metadata"].(map[string]any)["BuildMethod"]; build != "makefile" {
		t.Errorf("BuildMethod = %v, want makefile", build)
	}
}

func TestTemplateReservedConcurrency(t *testing.T) {
	if got, ok := newStack(t, nil).properties(t, "ExportFunction")["ReservedConcurrentExecutions"]; ok {
		t.Errorf("by default %v runs are reserved: an account that has no more than ten cannot deploy", got)
	}
	set := newStack(t, map[string]any{"ReservedConcurrency": "0"})
	if got := set.properties(t, "ExportFunction")["ReservedConcurrentExecutions"]; got != "0" {
		t.Errorf("ReservedConcurrency=0 reserves %v, want 0", got)
	}
}

func TestTemplateSchedule(t *testing.T) {
	// rule answers a rule and its input, which must be JSON.
	rule := func(name string, values map[string]any) (properties, input map[string]any) {
		events := newStack(t, values).properties(t, "ExportFunction")["Events"].(map[string]any)
		event := events[name].(map[string]any)
		// An EventBridge rule; ScheduleV2 would be an EventBridge Scheduler schedule.
		if event["Type"] != "Schedule" {
			t.Errorf("%s: event type = %v, want Schedule", name, event["Type"])
		}
		properties = event["Properties"].(map[string]any)
		if diff := cmp.Diff(map[string]any{"MaximumEventAgeInSeconds": 60}, properties["RetryPolicy"]); diff != "" {
			t.Errorf("%s: a late tick is not dropped (-want +got):\n%s", name, diff)
		}
		if err := json.Unmarshal([]byte(properties["Input"].(string)), &input); err != nil {
			t.Errorf("%s: input %v: %v", name, properties["Input"], err)
		}
		if _, err := parseRequest([]byte(properties["Input"].(string))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return properties, input
	}
	tests := map[string]struct {
		rule                    string
		expression, state       string // by default
		forExpression, forState string // their parameters
		input                   map[string]any
	}{
		"export": {
			rule: "Schedule", expression: "rate(5 minutes)", state: "DISABLED",
			forExpression: "ScheduleExpression", forState: "ScheduleState",
			input: map[string]any{"tenant": "default"},
		},
		"verify": {
			rule: "VerifySchedule", expression: "cron(17 4 * * ? *)", state: "DISABLED",
			forExpression: "VerifyScheduleExpression", forState: "VerifyScheduleState",
			input: map[string]any{"action": "verify", "tenant": "default", "from": "-26h", "to": "-2h"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, input := rule(test.rule, nil)
			if got["State"] != test.state || got["Schedule"] != test.expression {
				t.Errorf("by default it is %v %v, want %s %s", got["Schedule"], got["State"], test.expression, test.state)
			}
			if diff := cmp.Diff(test.input, input); diff != "" {
				t.Errorf("input (-want +got):\n%s", diff)
			}
			got, _ = rule(test.rule, map[string]any{test.forState: "ENABLED", test.forExpression: "rate(1 minute)"})
			if got["State"] != "ENABLED" || got["Schedule"] != "rate(1 minute)" {
				t.Errorf("the parameters give %v %v, want rate(1 minute) ENABLED", got["Schedule"], got["State"])
			}
		})
	}
}

func TestTemplateLogGroups(t *testing.T) {
	s := newStack(t, nil)
	group := s.resource("TenantLogGroup")
	if group["DeletionPolicy"] != "RetainExceptOnCreate" || group["UpdateReplacePolicy"] != "Retain" {
		t.Errorf("the tenant's log group is not retained: %v, %v", group["DeletionPolicy"], group["UpdateReplacePolicy"])
	}
	want := map[string]any{
		"LogGroupName": "/auth0/logs", "LogGroupClass": "STANDARD", "RetentionInDays": 365,
		"FieldIndexPolicies": []any{map[string]any{"Fields": []any{"log_id", "type", "user_id", "client_id", "ip"}}},
	}
	if diff := cmp.Diff(want, group["Properties"]); diff != "" {
		t.Errorf("TenantLogGroup (-want +got):\n%s", diff)
	}
	// CloudWatch Logs takes events of up to 14 days, and of no more than the
	// retention (API reference, PutLogEvents).
	retention := s.section("Parameters")["LogGroupRetentionDays"].(map[string]any)
	for _, days := range retention["AllowedValues"].([]any) {
		if days.(int) < 14 {
			t.Errorf("a retention of %v days is allowed, and would refuse events that CloudWatch Logs takes", days)
		}
	}
	existing := newStack(t, map[string]any{"CreateLogGroup": "false"})
	if existing.resource("TenantLogGroup") != nil {
		t.Error("CreateLogGroup=false creates the tenant's log group")
	}
	want = map[string]any{"LogGroupName": "/aws/lambda/auth0-logs-export", "RetentionInDays": 30}
	if diff := cmp.Diff(want, existing.properties(t, "ExportFunctionLogGroup")); diff != "" {
		t.Errorf("ExportFunctionLogGroup (-want +got):\n%s", diff)
	}
}

// iamStatement is one of an IAM policy.
type iamStatement struct {
	Deny      bool
	Actions   []string
	Resources []string
	Condition map[string]any
}

// statements answers those of a role by their Sid.
func (s stack) statements(t *testing.T, logicalID string) map[string]iamStatement {
	t.Helper()
	role := s.properties(t, logicalID)
	if managed, ok := role["ManagedPolicyArns"]; ok {
		t.Errorf("the role has managed policies: %v", managed)
	}
	policies := role["Policies"].([]any)
	if len(policies) != 1 {
		t.Fatalf("the role has %d policies, want 1", len(policies))
	}
	document := policies[0].(map[string]any)["PolicyDocument"].(map[string]any)
	out := map[string]iamStatement{}
	for _, e := range document["Statement"].([]any) {
		m := e.(map[string]any)
		condition, _ := m["Condition"].(map[string]any)
		out[m["Sid"].(string)] = iamStatement{
			Deny: m["Effect"] != "Allow", Actions: stringsOf(m["Action"]), Resources: stringsOf(m["Resource"]), Condition: condition,
		}
	}
	return out
}

const (
	parameterARN = "arn:aws:ssm:eu-central-1:111122223333:parameter" + config.DefaultRoot
	keyARN       = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	roleARN      = "arn:aws:iam::444455556666:role/auth0-logs"
	otherRoleARN = "arn:aws:iam::777788889999:role/auth0-logs"
)

func TestTemplateRole(t *testing.T) {
	deliver := []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents", "logs:DescribeLogStreams", "logs:FilterLogEvents"}
	// What each row changes of the role that the defaults give.
	tests := map[string]struct {
		values map[string]any
		want   map[string]iamStatement
	}{
		"defaults": {},
		"customer key": {
			values: map[string]any{"SecretsKeyArn": keyARN},
			want: map[string]iamStatement{"DecryptSecrets": {
				Actions:   []string{"kms:Decrypt"},
				Resources: []string{keyARN},
				Condition: map[string]any{
					"StringEquals": map[string]any{"kms:ViaService": "ssm.eu-central-1.amazonaws.com"},
					"StringLike":   map[string]any{"kms:EncryptionContext:PARAMETER_ARN": parameterARN + "/*"},
				},
			}},
		},
		"log group in another region": {
			values: map[string]any{"AwsRegion": "us-east-1", "CreateLogGroup": "false"},
			want: map[string]iamStatement{"DeliverLogEvents": {
				Actions:   deliver,
				Resources: []string{"arn:aws:logs:us-east-1:111122223333:log-group:/auth0/logs:*"},
			}, "FindLogGroup": {
				Actions:   []string{"logs:DescribeLogGroups"},
				Resources: []string{"arn:aws:logs:us-east-1:111122223333:log-group:*"},
			}},
		},
		"placeholders in the log group's name": {
			values: map[string]any{"CloudwatchLogGroupName": "/auth0/{tenant}/{date}", "CreateLogGroup": "false"},
			want: map[string]iamStatement{"DeliverLogEvents": {
				Actions:   deliver,
				Resources: []string{"arn:aws:logs:eu-central-1:111122223333:log-group:/auth0/*/*:*"},
			}},
		},
		"roles to assume": {
			values: map[string]any{"CloudwatchRoleArn": roleARN, "AssumableRoleArns": []string{roleARN, otherRoleARN}},
			want: map[string]iamStatement{
				"AssumeDeliveryRole":               {Actions: []string{"sts:AssumeRole"}, Resources: []string{roleARN}},
				"AssumeDeliveryRoleOfOtherTenants": {Actions: []string{"sts:AssumeRole"}, Resources: []string{roleARN, otherRoleARN}},
			},
		},
		"traces": {values: map[string]any{"Tracing": "true"}, want: tracing()},
		"in a VPC": {
			values: map[string]any{"VpcSubnetIds": "subnet-0a1b2c3d", "VpcSecurityGroupIds": "sg-0a1b2c3d"},
			want:   inVPC(),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := map[string]iamStatement{
				"ReadSettings": {Actions: []string{"ssm:GetParametersByPath"}, Resources: []string{parameterARN + "/*"}},
				"ReadState":    {Actions: []string{"ssm:GetParameter"}, Resources: writtenARNs("", ":*")},
				"WriteState":   {Actions: []string{"ssm:PutParameter"}, Resources: writtenARNs("")},
				"EndActions":   {Actions: []string{"ssm:DeleteParameter"}, Resources: []string{parameterARN + "/*/REPLAY", parameterARN + "/*/VERIFY"}},
				"DeliverLogEvents": {
					Actions:   deliver,
					Resources: []string{"arn:aws:logs:eu-central-1:111122223333:log-group:/auth0/logs:*"},
				},
				"WriteOwnLog": {
					Actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
					Resources: []string{"arn:aws:logs:eu-central-1:111122223333:log-group:<ExportFunctionLogGroup>:*"},
				},
				"FindLogGroup": {
					Actions:   []string{"logs:DescribeLogGroups"},
					Resources: []string{"arn:aws:logs:eu-central-1:111122223333:log-group:*"},
				},
				"FindRules": {Actions: []string{"events:ListRuleNamesByTarget"}, Resources: []string{"*"}},
				"ReadRules": {
					Actions:   []string{"events:DescribeRule", "events:ListTargetsByRule"},
					Resources: []string{"arn:aws:events:eu-central-1:111122223333:rule/*"},
				},
			}
			maps.Copy(want, test.want)
			if diff := cmp.Diff(want, newStack(t, test.values).statements(t, "ExportRole")); diff != "" {
				t.Errorf("statements (-want +got):\n%s", diff)
			}
		})
	}
}

// tracing is what Lambda needs to send traces.
func tracing() map[string]iamStatement {
	return map[string]iamStatement{
		"SendTraces": {Actions: []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, Resources: []string{"*"}},
	}
}

// inVPC is what Lambda, and not the code in it, needs for a VPC.
func inVPC() map[string]iamStatement {
	const describe = "ec2:DescribeNetworkInterfaces"
	change := []string{
		"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	}
	return map[string]iamStatement{
		"FindNetworkInterfaces": {Actions: []string{describe}, Resources: []string{"*"}},
		"EnterVpc":              {Actions: change, Resources: []string{"arn:aws:ec2:eu-central-1:*:*/*"}},
		"KeepCodeFromNetworkInterfaces": {
			Deny: true, Actions: append([]string{describe}, change...), Resources: []string{"*"},
			Condition: map[string]any{
				"ArnLike": map[string]any{"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:*"},
			},
		},
	}
}

// writtenARNs answers the ARN patterns of the parameters that the function writes,
// each with each of the endings.
func writtenARNs(endings ...string) []string {
	var arns []string
	for _, p := range config.Parameters() {
		if p.Written {
			for _, e := range endings {
				arns = append(arns, parameterARN+"/*/"+p.Name+e)
			}
		}
	}
	return arns
}

func TestTemplateTrust(t *testing.T) {
	want := map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"Service": "lambda.amazonaws.com"},
			"Action":    "sts:AssumeRole",
		}},
	}
	for _, role := range []string{"ExportRole", "StatusRole"} {
		got := newStack(t, nil).properties(t, role)["AssumeRolePolicyDocument"]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: trust policy (-want +got):\n%s", role, diff)
		}
	}
}

// stackParameter is the template's name for a setting: CloudFormation allows
// letters and digits alone (AUTH0_DOMAIN is Auth0Domain).
func stackParameter(setting string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(setting, "_") {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

// declared answers name and value of the SSM parameters that the stack makes.
func (s stack) declared(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, id := range s.ofType("AWS::SSM::Parameter") {
		if s.resource(id) == nil {
			continue
		}
		p := s.properties(t, id)
		if p["Type"] != "String" {
			t.Errorf("%s: type %v, want String", id, p["Type"])
		}
		out[p["Name"].(string)] = fmt.Sprint(p["Value"])
	}
	return out
}

// TestTemplateSettings checks that the stack makes an SSM parameter of each
// setting that is given, no secret and nothing that the function writes.
func TestTemplateSettings(t *testing.T) {
	const dir = "/another/path/default/"
	unset := map[string]string{
		dir + "CLOUDWATCH_LOG_GROUP_NAME":  "/auth0/logs",
		dir + "CLOUDWATCH_LOG_STREAM_NAME": "{tenant}",
	}
	if diff := cmp.Diff(unset, newStack(t, map[string]any{"ConfigRoot": "/another/path"}).declared(t)); diff != "" {
		t.Errorf("no setting given (-want +got):\n%s", diff)
	}
	values, want := map[string]any{"ConfigRoot": "/another/path"}, map[string]string{}
	for _, p := range config.Parameters() {
		if p.Secure || p.Written {
			continue
		}
		name, value := stackParameter(p.Name), "value of "+p.Name
		values[name], want[dir+p.Name] = value, value

		alone := maps.Clone(unset)
		alone[dir+p.Name] = value
		s := newStack(t, map[string]any{"ConfigRoot": "/another/path", name: value})
		if diff := cmp.Diff(alone, s.declared(t)); diff != "" {
			t.Errorf("%s given alone (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(want, newStack(t, values).declared(t)); diff != "" {
		t.Errorf("every setting given (-want +got):\n%s", diff)
	}
}

// TestTemplateEnvironment compares the variables that the function reads with
// those that the template sets. (The linter sees to it that environment is the
// only place that reads any.)
func TestTemplateEnvironment(t *testing.T) {
	want := map[string]bool{}
	environment(func(name string) string {
		// AWS_ variables are set by Lambda, and refused in a template.
		if !strings.HasPrefix(name, "AWS_") && name != claimGraceName {
			want[name] = true
		}
		return ""
	})
	got := map[string]bool{}
	variables := newStack(t, nil).properties(t, "ExportFunction")["Environment"].(map[string]any)["Variables"]
	for name := range variables.(map[string]any) {
		got[name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables that the code reads, and that the template sets (-code +template):\n%s", diff)
	}
}

func TestTemplateOutputs(t *testing.T) {
	outputs := newStack(t, map[string]any{"SecretsKeyArn": keyARN}).outputs(t)
	plain := newStack(t, nil).outputs(t)
	for _, p := range config.Parameters() {
		if !p.Secure {
			continue
		}
		id, found := outputFor(outputs, p.Name)
		if !found {
			t.Errorf("no output says how to put %s", p.Name)
			continue
		}
		command := outputs[id].Value
		for _, part := range []string{"--type SecureString", "--value file://", "--key-id " + keyARN, "--overwrite"} {
			if !strings.Contains(command, part) {
				t.Errorf("%s lacks %q:\n%s", id, part, command)
			}
		}
		if strings.Contains(plain[id].Value, "--key-id") {
			t.Errorf("%s names a key where none is given:\n%s", id, plain[id].Value)
		}
	}
	for id, part := range map[string]string{
		"Step05EnableSchedule": "--stack-name auth0-logs --parameter-overrides ScheduleState=ENABLED",
		"Step09TailLog":        "aws logs tail <ExportFunctionLogGroup>",
		"Step10Remove":         "sam delete --region eu-central-1 --stack-name auth0-logs",
		"FunctionLink":         "region=eu-central-1#/functions/<ExportFunction>",
		"DashboardLink":        "region=eu-central-1#dashboards/dashboard/<ExportDashboard>",
		"ScheduleRuleName":     "<ExportFunctionSchedule>",
		"ExportFunctionArn":    "<ExportFunction.Arn>",
		"ExportRoleArn":        "<ExportRole.Arn>",
	} {
		if got := plain[id].Value; !strings.Contains(got, part) {
			t.Errorf("%s = %q, want %q in it", id, got, part)
		}
	}
}

// TestTemplateOutputsInOrder checks that the console lists the steps in the
// order in which they are done, and the links after them.
func TestTemplateOutputsInOrder(t *testing.T) {
	var steps []string
	for _, id := range slices.Sorted(maps.Keys(newStack(t, nil).outputs(t))) {
		if _, step, found := strings.Cut(id, "Step"); found {
			steps = append(steps, strings.TrimLeft(step, "0123456789"))
		}
	}
	want := []string{
		"ClientSecret", "PrivateKey", "SlackWebhook", "AccessKeyId", "SecretKey",
		"Check", "EnableSchedule", "RunNow", "Replay", "Verify", "TailLog", "Remove", "RemoveState",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestTemplateInvokeCommands checks what the commands send to the function.
func TestTemplateInvokeCommands(t *testing.T) {
	payload := regexp.MustCompile(`--payload '([^']*)'`)
	got := map[string]map[string]any{}
	for id, o := range newStack(t, nil).outputs(t) {
		m := payload.FindStringSubmatch(o.Value)
		if m == nil {
			continue
		}
		if !strings.HasPrefix(o.Value, "aws lambda invoke --region eu-central-1 --function-name <ExportFunction> --cli-read-timeout 330 ") {
			t.Errorf("%s is %s", id, o.Value)
		}
		var keys map[string]any
		if err := json.Unmarshal([]byte(m[1]), &keys); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if _, err := parseRequest([]byte(m[1])); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		got[id] = keys
	}
	want := map[string]map[string]any{
		"Step04Check":  {"action": "check", "tenant": "default"},
		"Step06RunNow": {"tenant": "default"},
		"Step07Replay": {"action": "replay", "tenant": "default", "from": "-26h", "to": "-2h", "dryRun": true},
		"Step08Verify": {"action": "verify", "tenant": "default", "from": "-26h", "to": "-2h"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

// TestTemplateRemoveState checks that nothing is left in Parameter Store by
// stack, operator and function, in one call of ten names at most.
func TestTemplateRemoveState(t *testing.T) {
	_, names, _ := strings.Cut(newStack(t, nil).outputs(t)["Step11RemoveState"].Value, "--names ")
	got := strings.Fields(names)
	var want []string
	for _, p := range config.Parameters() {
		if p.Secure || p.Written {
			want = append(want, config.DefaultRoot+"/default/"+p.Name)
		}
	}
	want = append(want, config.DefaultRoot+"/default/SLACK_INCOMING_WEBHOOK") // the other name
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" || len(got) > 10 {
		t.Errorf("%d names (-want +got):\n%s", len(got), diff)
	}
}

// TestTemplateConsoleLinks compares the links with those in messages.
func TestTemplateConsoleLinks(t *testing.T) {
	const region, group = "eu-central-1", "/auth0/a#b"
	outputs := newStack(t, map[string]any{"CloudwatchLogGroupName": group}).outputs(t)
	for id, want := range map[string]string{
		"FunctionLogLink": console.Stream(region, "/aws/lambda/auth0-logs-export", ""),
		"LogGroupLink":    console.Stream(region, group, ""),
		"ParametersLink":  console.Parameters(region, config.DefaultRoot+"/"),
		"ScheduleLink":    console.Rule(region, "NAME"),
	} {
		got := strings.ReplaceAll(outputs[id].Value, "<ExportFunctionSchedule>", "NAME")
		if got != want {
			t.Errorf("%s is\n%s, want\n%s", id, got, want)
		}
	}
}

// stackOutput is one of the stack's outputs.
type stackOutput struct {
	Description string
	Value       string
}

func (s stack) outputs(t *testing.T) map[string]stackOutput {
	t.Helper()
	out := map[string]stackOutput{}
	for id, o := range s.section("Outputs") {
		m := s.eval(o).(map[string]any)
		out[id] = stackOutput{Description: m["Description"].(string), Value: m["Value"].(string)}
	}
	return out
}

// outputFor finds the output that puts a parameter of the default tenant, or
// that names it as another name of the one it puts.
func outputFor(outputs map[string]stackOutput, parameter string) (id string, found bool) {
	word := regexp.MustCompile(`\b` + parameter + `\b`)
	for id, o := range outputs {
		if word.MatchString(o.Description) || strings.Contains(o.Value, "--name "+config.DefaultRoot+"/default/"+parameter+" ") {
			return id, true
		}
	}
	return "", false
}

// TestTemplateForm checks what the console's form shows: each parameter in one
// group, with a label and a description, and none that does nothing.
func TestTemplateForm(t *testing.T) {
	s := newStack(t, nil)
	form := s.section("Metadata")["AWS::CloudFormation::Interface"].(map[string]any)
	var grouped []string
	for _, g := range form["ParameterGroups"].([]any) {
		grouped = append(grouped, stringsOf(g.(map[string]any)["Parameters"])...)
	}
	slices.Sort(grouped)
	want := slices.Sorted(maps.Keys(s.section("Parameters")))
	if diff := cmp.Diff(want, grouped); diff != "" {
		t.Errorf("parameters in groups (-want +got):\n%s", diff)
	}
	labelled := slices.Sorted(maps.Keys(form["ParameterLabels"].(map[string]any)))
	if diff := cmp.Diff(want, labelled); diff != "" {
		t.Errorf("parameters with a label (-want +got):\n%s", diff)
	}
	used := map[string]bool{}
	for _, section := range []string{"Conditions", "Resources"} {
		addReferences(used, s.section(section))
	}
	for name, p := range s.section("Parameters") {
		if p.(map[string]any)["Description"] == nil {
			t.Errorf("%s has no description", name)
		}
		if !used[name] {
			t.Errorf("%s is not used", name)
		}
	}
}

// addReferences adds the names that v refers to, by Ref and in texts of Sub.
func addReferences(names map[string]bool, v any) {
	switch v := v.(type) {
	case map[string]any:
		if name, ok := v["Ref"].(string); ok {
			names[name] = true
		}
		for _, e := range v {
			addReferences(names, e)
		}
	case []any:
		for _, e := range v {
			addReferences(names, e)
		}
	case string:
		for _, m := range subVariable.FindAllStringSubmatch(v, -1) {
			names[m[1]] = true
		}
	}
}
