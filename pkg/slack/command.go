package slack

import (
	"fmt"
	"regexp"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// plainText are the characters that a command may hold: neither a shell nor
// Slack sees anything in them but letters. A pattern that counted them would be
// compiled at each start of the function for longer than all else of this
// package.
var plainText = regexp.MustCompile(`^[A-Za-z0-9/_.:-]+$`)

// maxPlain is the longest text that a command may hold. CHECKPOINT's name is
// CONFIG_ROOT, the tenant's name and its own.
const maxPlain = 512

func isPlain(text string) bool { return len(text) <= maxPlain && plainText.MatchString(text) }

// goOver is the command that replays from where a failed export began, and what
// it is for.
func goOver(r *export.Report, f Function) string {
	if r.Notice.Kind != export.NoticeFailure || r.Action != export.ExportAction {
		return ""
	}
	if !isPlain(f.Checkpoint) || !isPlain(string(r.From)) || len(r.From) > maxCheckpoint {
		return ""
	}
	region := ""
	if f.Region != "" && isPlain(f.Region) {
		region = "--region " + f.Region + " "
	}
	return "The next run goes on from the checkpoint by itself; this command is for a replay from where the failed run began, which adds only what is missing:\n" +
		block(fmt.Sprintf("aws ssm put-parameter %s--overwrite --name %s --value %s", region, f.Checkpoint, r.From))
}

// block is a code block of lines that are safe to show.
func block(lines ...string) string { return "```" + strings.Join(lines, "\n") + "```" }
