package slack

import "auth0-logs-to-cloudwatch/pkg/console"

// maxURL is the longest link that is put into a message. Real ones have about
// 250 characters; names at their limit would make far longer ones.
const maxURL = 800

// link is a mrkdwn link to a log stream in the console, or the names where no
// link can be made.
func link(label, region, group, stream string) string {
	if group == "" {
		return ""
	}
	to := console.Stream(region, group, stream)
	if to == "" || len(to) > maxURL {
		return label + " " + code(group, 100) + " " + code(stream, 100)
	}
	return "<" + to + "|" + label + ">"
}
