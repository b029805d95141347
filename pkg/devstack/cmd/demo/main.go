// Command demo tells the story of an export on the local stack: it builds the
// real bootstrap and runs it as Lambda would, through a first run with a
// backlog, a run with new events, a failure, its recovery and a replay. In the
// end it compares what the tenant had with what the stream holds, and exits
// with an error where they differ.
package main

import (
	"fmt"
	"os"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

func main() {
	if err := run(progress.Start(os.Stdout, progress.Detect(os.Stdout, os.Getenv), time.Now)); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
