package slack

import (
	"fmt"
	"regexp"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// plain are the texts that a command may hold: neither a shell nor Slack sees
// anything in them but letters. CHECKPOINT's name is CONFIG_ROOT, the tenant's
// name and its own.
var plain = regexp.MustCompile(`^[A-Za-z0-9/_.:-]{1,512}$`)

// goOver is the command that replays from where a failed export began, and what
// it is for.
func goOver(r *export.Report, f Function) string {
	if r.Notice.Kind != export.NoticeFailure || r.Action != export.ExportAction {
		return ""
	}
	if !plain.MatchString(f.Checkpoint) || !plain.MatchString(string(r.From)) || len(r.From) > maxCheckpoint {
		return ""
	}
	region := ""
	if f.Region != "" && plain.MatchString(f.Region) {
		region = "--region " + f.Region + " "
	}
	return "The next run goes on from the checkpoint by itself; this command is for a replay from where the failed run began, which adds only what is missing:\n" +
		block(fmt.Sprintf("aws ssm put-parameter %s--overwrite --name %s --value %s", region, f.Checkpoint, r.From))
}

// block is a code block of lines that are safe to show.
func block(lines ...string) string { return "```" + strings.Join(lines, "\n") + "```" }
