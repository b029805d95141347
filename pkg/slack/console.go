package slack

import (
	"net/url"
	"regexp"
	"strings"
)

// maxURL is the longest link that is put into a message. Real ones have about
// 250 characters; names at their limit would make far longer ones.
const maxURL = 800

// link is a mrkdwn link to a log stream in the console, or the names where no
// link can be made.
func link(label, region, group, stream string) string {
	if group == "" {
		return ""
	}
	to := consoleURL(region, group, stream)
	if to == "" || len(to) > maxURL {
		return label + " " + code(group, 100) + " " + code(stream, 100)
	}
	return "<" + to + "|" + label + ">"
}

// consoleURL is the address of a log stream in the AWS console, or of its
// group where stream is empty; "" where consoleDomain knows none. It has no
// character that ends a link in Slack.
func consoleURL(region, group, stream string) string {
	domain := consoleDomain(region)
	if domain == "" {
		return ""
	}
	to := "https://" + region + "." + domain + "/cloudwatch/home?region=" + region +
		"#logsV2:log-groups/log-group/" + consoleName(group)
	if stream != "" {
		to += "/log-events/" + consoleName(stream)
	}
	return to
}

// consoleDomain is the console's domain in the region's partition; "" for what
// cannot be a region's name and for partitions apart from the internet.
func consoleDomain(region string) string {
	switch {
	case !regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`).MatchString(region), strings.Contains(region, "-iso"):
		return ""
	case strings.HasPrefix(region, "cn-"):
		return "console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "console.amazonaws-us-gov.com"
	case strings.HasPrefix(region, "eusc-"):
		return "console.amazonaws-eusc.eu"
	}
	return "console.aws.amazon.com"
}

// consoleName writes a name as the console does behind its #: percent-encoded
// twice, with $ for the outer percent sign.
func consoleName(s string) string {
	s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	return strings.ReplaceAll(s, "%", "$25")
}
