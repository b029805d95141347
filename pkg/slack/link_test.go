package slack

import (
	"strings"
	"testing"
)

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
