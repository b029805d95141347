package console

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStream(t *testing.T) {
	const stream = "2026/11/23/[$LATEST]0a1b"
	tests := []struct {
		name, region, group, stream, want string
	}{
		{
			name: "function log", region: "eu-central-1", group: "/aws/lambda/export", stream: stream,
			want: "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1" +
				"#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fexport" +
				"/log-events/2026$252F11$252F23$252F$255B$2524LATEST$255D0a1b",
		},
		{
			name: "group alone", region: "us-east-1", group: "auth0",
			want: "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/auth0",
		},
		{
			name: "China", region: "cn-north-1", group: "auth0",
			want: "https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#logsV2:log-groups/log-group/auth0",
		},
		{
			name: "GovCloud", region: "us-gov-west-1", group: "auth0",
			want: "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#logsV2:log-groups/log-group/auth0",
		},
		{
			name: "European Sovereign Cloud", region: "eusc-de-east-1", group: "auth0",
			want: "https://eusc-de-east-1.console.amazonaws-eusc.eu/cloudwatch/home?region=eusc-de-east-1#logsV2:log-groups/log-group/auth0",
		},
		{
			name: "spaces, signs and letters beyond ASCII", region: "us-east-1", group: "a b+c%d", stream: "<\u00e9|>",
			want: "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1" +
				"#logsV2:log-groups/log-group/a$2520b$252Bc$2525d/log-events/$253C$25C3$25A9$257C$253E",
		},
		{name: "isolated partition", region: "us-iso-east-1", group: "auth0"},
		{name: "no region", group: "auth0"},
		{name: "no region's name", region: "evil.example/#", group: "auth0"},
		{name: "no region's name at the end", region: "us-east-1.evil.example", group: "auth0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Stream(test.region, test.group, test.stream); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestStreamFitsASlackLink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := Stream("us-east-1", rapid.String().Draw(t, "group"), rapid.String().Draw(t, "stream"))
		if strings.ContainsAny(got, "<>|&` \n") {
			t.Errorf("%q does not fit between < and |", got)
		}
	})
}

func TestOtherPages(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{
			"live tail of a group", LiveTail("eu-central-1", "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/export", ""),
			"https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:live-tail" +
				"$3FlogGroupArns$3D~$28~$27arn$2A3aaws$2A3alogs$2A3aeu-central-1$2A3a123456789012$2A3alog-group$2A3a$2A2faws$2A2flambda$2A2fexport$2A3a$2A2a$29",
		},
		{
			"live tail of a stream", LiveTail("us-east-1", "arn:aws:logs:us-east-1:123456789012:log-group:auth0", "a$\u00e9\u20ac"),
			"https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:live-tail" +
				"$3FlogGroupArns$3D~$28~$27arn$2A3aaws$2A3alogs$2A3aus-east-1$2A3a123456789012$2A3alog-group$2A3aauth0$2A3a$2A2a$29" +
				"$26logStreamNames$3D~$28~$27a$21$2Ae9$2A$2A20ac$29",
		},
		{
			"parameters", Parameters("us-east-1", "/auth0-logs-to-cloudwatch/acme/"),
			"https://us-east-1.console.aws.amazon.com/systems-manager/parameters/?region=us-east-1&tab=Table" +
				"#list_parameter_filters=Name:Contains:/auth0-logs-to-cloudwatch/acme/",
		},
		{
			"rule", Rule("cn-north-1", "acme-every-5"),
			"https://cn-north-1.console.amazonaws.cn/events/home?region=cn-north-1#/eventbus/default/rules/acme-every-5",
		},
		{"no region", Rule("", "acme"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got  %s\nwant %s", test.got, test.want)
			}
		})
	}
}
