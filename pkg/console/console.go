// Package console makes the addresses of things in the AWS console. It knows
// how the console writes names in its addresses, and calls no service.
package console

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Stream is the address of a log stream in the region, or of its group where
// stream is empty; "" where domain knows none. It holds only characters that
// an address in HTML or in a Slack message may hold as they are.
func Stream(region, group, stream string) string {
	to := "logsV2:log-groups/log-group/" + name(group)
	if stream != "" {
		to += "/log-events/" + name(stream)
	}
	return page(region, "cloudwatch/home", "", to)
}

// LiveTail is the address of a live tail of a log group, given by its ARN
// without a trailing ":*", or of one of its streams.
func LiveTail(region, groupARN, stream string) string {
	query := "?logGroupArns=~(~'" + value(groupARN+":*") + ")"
	if stream != "" {
		query += "&logStreamNames=~(~'" + value(stream) + ")"
	}
	return page(region, "cloudwatch/home", "", "logsV2:live-tail"+escapeOnce(query))
}

// Parameters is the address of the parameters whose names hold the path.
func Parameters(region, path string) string {
	return page(region, "systems-manager/parameters/", "&tab=Table",
		"list_parameter_filters=Name:Contains:"+strings.ReplaceAll(percent(path), "%2F", "/"))
}

// Rule is the address of an EventBridge rule of the default event bus.
func Rule(region, rule string) string {
	return page(region, "events/home", "", "/eventbus/default/rules/"+percent(rule))
}

// page is the address of a page of the console; "" where there is none.
func page(region, path, query, fragment string) string {
	d := domain(region)
	if d == "" {
		return ""
	}
	return "https://" + region + "." + d + "/" + path + "?region=" + region + query + "#" + fragment
}

var regionPattern = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`)

// domain is the console's domain in the region's partition; "" for what cannot
// be a region's name and for partitions apart from the internet.
func domain(region string) string {
	switch {
	case !regionPattern.MatchString(region), strings.Contains(region, "-iso"):
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

// name writes a name as the console does behind its #: percent-encoded twice,
// with $ for the outer percent sign.
func name(s string) string { return escapeOnce(percent(s)) }

// escapeOnce is percent with $ for the percent sign, which the console turns
// back before it reads what stands behind its #.
func escapeOnce(s string) string { return strings.ReplaceAll(percent(s), "%", "$") }

func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// value writes a text in the console's own form of query values: letters,
// digits and -_. stand for themselves, ! for $, and *hh or **hhhh for the rest.
func value(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-_.", r):
			b.WriteRune(r)
		case r == '$':
			b.WriteByte('!')
		case r > 0xff:
			fmt.Fprintf(&b, "**%04x", r)
		default:
			fmt.Fprintf(&b, "*%02x", r)
		}
	}
	return b.String()
}
