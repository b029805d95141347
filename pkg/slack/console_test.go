package slack

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestConsoleURL(t *testing.T) {
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
			if got := consoleURL(test.region, test.group, test.stream); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestConsoleURLFitsALink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := consoleURL("us-east-1", rapid.String().Draw(t, "group"), rapid.String().Draw(t, "stream"))
		if strings.ContainsAny(got, "<>|&` \n") {
			t.Errorf("%q does not fit between < and |", got)
		}
	})
}

func TestLink(t *testing.T) {
	long := strings.Repeat("/", 512)
	tests := []struct {
		name, region, group, stream, want string
	}{
		{"a link", "us-east-1", "auth0", "", "<https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/auth0|Log>"},
		{"no group", "us-east-1", "", "stream", ""},
		{"no region", "", "auth0", "acme", "Log `auth0` `acme`"},
		{"too long", "us-east-1", "auth0", long, "Log `auth0` `" + long[:97] + "...`"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := link("Log", test.region, test.group, test.stream); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
