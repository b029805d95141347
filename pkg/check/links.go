package check

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// settings names each setting that is missing or bad.
func (c *Check) settings(context.Context) []Link {
	s := c.Settings
	l := ok("%s under %s, none missing or bad.", words.Count(s.Count, "parameter"), s.Path)
	switch {
	case s.Err != nil:
		l = failure(s.Err)
	case len(s.Problems) > 0:
		texts := make([]string, len(s.Problems))
		for i, p := range s.Problems {
			texts[i] = p.Name + ": " + p.Text
		}
		l = Link{Status: Failed, Text: strings.Join(texts, "; ") + ".", Fix: fmt.Sprintf("put or correct %s under %s/.", these(len(texts)), s.Path)}
	}
	if len(s.Warnings) > 0 {
		l.Text += " To be known: " + strings.Join(s.Warnings, "; ") + "."
	}
	l.Name = "settings"
	return []Link{l}
}

func these(n int) string {
	if n == 1 {
		return "this parameter"
	}
	return "these parameters"
}

// auth0 tries the tenant from the domain to the rate limit, and tells Auth0's
// clock.
func (c *Check) auth0(ctx context.Context, clock chan<- reading) []Link {
	defer close(clock)
	ch := &chain{ctx: ctx}
	ch.try("domain", c.lacks("AUTH0_DOMAIN"), func(ctx context.Context) Link {
		read, err := c.readClock(ctx, c.Auth0.Reach)
		if err != nil {
			return failure(err)
		}
		clock <- read
		return ok("%s resolves and answers over TLS.", c.Settings.Domain)
	})
	// Whether the audience is right shows in the answer to the request for a
	// token.
	audience := skipped("Not tried: it needs a token to be asked for.")
	token := &chain{ctx: ctx, blocked: ch.blocked}
	lacking := c.lacks("AUTH0_AUDIENCE", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_PRIVATE_KEY")
	token.try("token", lacking, func(ctx context.Context) (l Link) {
		audience, l = c.token(ctx)
		return l
	})
	ch.blocked = token.blocked
	audience.Name = "audience"
	if audience.Status == Failed {
		ch.block("audience")
	}
	ch.links = append(append(ch.links, audience), token.links...)
	rate := skipped("")
	ch.try("read:logs", "", func(ctx context.Context) (l Link) {
		l, rate = c.readLogs(ctx)
		return l
	})
	ch.try("rate limit", "", func(context.Context) Link { return rate })
	return ch.links
}

// token gets a token, by which Auth0 tells of the audience too.
func (c *Check) token(ctx context.Context) (audience, token Link) {
	refused, err := c.Auth0.NewToken(ctx)
	switch {
	case refused:
		return failure(err), skipped("Not tried: it needs the link audience.")
	case err != nil:
		return skipped("Not known: Auth0 looks at it once it accepts the application (see the link token)."), failure(err)
	}
	return ok("%s is an API of the tenant%s.", c.Settings.Audience, c.kindOfDomain()), ok("Auth0 gives the application a token.")
}

// kindOfDomain tells a custom domain from the tenant's own: its audience is on
// another host.
func (c *Check) kindOfDomain() string {
	if c.Settings.Audience == "https://"+c.Settings.Domain+"/api/v2/" {
		return fmt.Sprintf(", and %s its own domain", c.Settings.Domain)
	}
	return fmt.Sprintf(", and %s a custom domain of it", c.Settings.Domain)
}

// readLogs asks for log events, and finds out what the rate limit leaves.
func (c *Check) readLogs(ctx context.Context) (read, rate Link) {
	limit, remaining, err := c.Auth0.ReadLogs(ctx)
	if e, known := errors.AsType[*export.Error](err); known && e.Kind == export.KindRateLimit {
		rate = failure(err)
		rate.Fix = fixRate
		return skipped("Not known: the rate limit left no room for the request."), rate
	}
	if err != nil {
		return failure(err), Link{}
	}
	return ok("The token has the scope, and Auth0 lists log events."), c.headroom(limit, remaining)
}

const fixRate = "see which other applications use up the tenant's Management API limit, such as a Terraform run; the export goes on by itself once there is room."

// headroom compares what the rate limit leaves with what the export leaves
// alone: (100 - AUTH0_RATE_SHARE) % of the limit, at most all but one request.
func (c *Check) headroom(limit, remaining int) Link {
	if lacking := c.lacks("AUTH0_RATE_SHARE"); lacking != "" {
		return skipped(lacking)
	}
	if limit == 0 {
		return ok("Auth0 tells no rate limit for this tenant.")
	}
	share := c.Settings.RateShare
	kept := min(int(math.Ceil(float64(100-share)*float64(limit)/100)), limit-1)
	text := fmt.Sprintf("%d of %s left; at AUTH0_RATE_SHARE %d the export leaves %d alone.", remaining, words.Count(limit, "request"), share, kept)
	if before := remaining + 1; before <= kept { // without the one just made
		return Link{Status: Failed, Text: text, Fix: fixRate + " Or raise AUTH0_RATE_SHARE."}
	}
	return ok("%s", text)
}

// logs tries the log group, from its name to an event that is written to a
// stream of its own and read back.
func (c *Check) logs(ctx context.Context) []Link {
	var (
		now    = c.Now().UTC().Truncate(time.Millisecond)
		target = c.Settings.Target.On(now)
		trial  = export.Target{Group: target.Group, Stream: target.Stream + "-check"}
		event  = c.testEvent(now)
		ch     = &chain{ctx: ctx}
		exists bool
	)
	lacking := c.lacks("CLOUDWATCH_LOG_GROUP_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY", "CLOUDWATCH_ROLE_ARN", "CLOUDWATCH_EXTERNAL_ID")
	ch.try("log group", lacking, func(ctx context.Context) Link { return c.group(ctx, target.Group) })
	ch.try("log stream", c.lacks("CLOUDWATCH_LOG_STREAM_NAME"), func(ctx context.Context) (l Link) {
		exists, l = c.stream(ctx, target)
		return l
	})
	ch.try("test event", "", func(ctx context.Context) Link {
		mayNotCreate, err := c.Logs.Write(ctx, trial, now, event)
		switch {
		case mayNotCreate && exists:
			ch.block("test event")
			l := notPermitted(err)
			l.Fix = "none is needed for the export itself, whose stream is there; without this right, events that are too old for it cannot go into a stream of their own."
			return l
		case err != nil:
			return failure(err)
		}
		return ok("An event that is marked as a test was written to log stream %s.", trial.Stream)
	})
	ch.try("read back", "", func(ctx context.Context) Link { return c.readBack(ctx, trial, now, event) })
	return ch.links
}

func (c *Check) group(ctx context.Context, name string) Link {
	about, limits, err := c.Logs.Group(ctx, name)
	switch {
	case errors.Is(err, export.ErrCannotRead):
		return notPermitted(err)
	case err != nil:
		return failure(err)
	}
	return ok("%s is there: %s. %s", name, about, limits).trimmed()
}

func (l Link) trimmed() Link {
	l.Text = strings.TrimSpace(l.Text)
	return l
}

func (c *Check) stream(ctx context.Context, t export.Target) (exists bool, l Link) {
	exists, err := c.Logs.Stream(ctx, t)
	switch {
	case errors.Is(err, export.ErrCannotRead):
		return exists, notPermitted(err)
	case err != nil:
		return exists, failure(err)
	case !exists:
		return exists, ok("There is no log stream %s yet. The first event makes it; the check does not. The link test event tries the right to.", t.Stream)
	}
	return exists, ok("Log stream %s is there.", t.Stream)
}

// testEvent is an event that nobody can take for one of Auth0's: it has no
// log_id and no type.
func (c *Check) testEvent(at time.Time) []byte {
	event, err := json.Marshal(struct {
		Date        time.Time `json:"date"`
		Description string    `json:"description"`
		Test        bool      `json:"test"`
		Tenant      string    `json:"tenant"`
		Check       string    `json:"check"`
	}{at, "Test event of auth0-logs-to-cloudwatch, written by its action check. Not an event of Auth0.", true, c.Tenant, rand.Text()})
	if err != nil {
		panic(err) // strings and a time of four-digit years can be encoded
	}
	return event
}

func (c *Check) readBack(ctx context.Context, t export.Target, at time.Time, event []byte) Link {
	found, err := c.Logs.Read(ctx, t, at, event)
	switch {
	case errors.Is(err, export.ErrCannotRead):
		return Link{Status: Skipped, Text: "Log stream " + t.Stream + " cannot be read, for lack of a permission or by its group's class: after a run that did not end well, events may be stored twice.",
			Fix: "allow logs:GetLogEvents on the log group, or use a group of the class STANDARD."}
	case err != nil:
		return failure(err)
	case !found:
		return Link{Status: Failed, Text: "The test event was accepted, but did not show in the stream in the time there was.", Fix: fixWait}
	}
	return ok("The test event was read back.")
}

// state tries the parameters that the export writes.
func (c *Check) state(ctx context.Context) []Link {
	ch := &chain{ctx: ctx}
	for _, p := range []struct {
		name string
		is   export.Parameter
	}{{export.CheckpointName, c.Settings.Checkpoint}, {export.RunName, c.Settings.Run.Parameter}} {
		l := alone(ctx, p.name, c.lacks(), func(ctx context.Context) Link {
			if err := c.Parameters.MayWrite(ctx, p.name); err != nil {
				return failure(err)
			}
			if p.is.Version == 0 {
				return ok("It is not there yet. The first run makes it, and is allowed to; the check does not.")
			}
			return ok("It may be written, and was left as it is.")
		})
		ch.links = append(ch.links, l...)
	}
	return ch.links
}

func (c *Check) slack(ctx context.Context) []Link {
	lacking := c.lacks("SLACK_INCOMING_WEBHOOK_URL", "SLACK_INCOMING_WEBHOOK")
	switch {
	case lacking != "":
	case c.Slack == nil:
		lacking = "Not set up: SLACK_INCOMING_WEBHOOK_URL is not set, so nothing is told in Slack."
	case !c.PostToSlack:
		lacking = `Not asked for: {"action":"check","slack":true} sends a test message.`
	}
	return alone(ctx, "Slack", lacking, func(ctx context.Context) Link {
		if err := c.Slack.PostTest(ctx, c.Tenant, c.Now()); err != nil {
			return failure(err)
		}
		return ok("A message that is marked as a test was posted.")
	})
}

func (c *Check) schedule(ctx context.Context) []Link {
	lacking := ""
	if c.Schedule == nil {
		lacking = "Not known: the function was not told its own name."
	}
	return alone(ctx, "schedule", lacking, func(ctx context.Context) Link {
		now := c.Now()
		on, off, next, err := c.Schedule.Ticks(ctx, c.Tenant, now, c.lastRun())
		if e, known := errors.AsType[*export.Error](err); known && e.Kind == export.KindPermission {
			return notPermitted(err)
		}
		switch {
		case err != nil:
			return failure(err)
		case len(on)+len(off) == 0:
			return Link{Status: Failed, Text: fmt.Sprintf("No EventBridge rule exports the tenant %s.", c.Tenant),
				Fix: fmt.Sprintf(`give a scheduled rule the function for a target, with the constant input {"tenant":%q}; where something else starts the export, none is needed.`, c.Tenant)}
		case len(on) == 0:
			return Link{Status: Failed, Text: fmt.Sprintf("The rule is off: %s.", strings.Join(off, "; ")),
				Fix: "enable it once all else is well: in the EventBridge console, and ScheduleState=ENABLED at the next deployment."}
		}
		text := fmt.Sprintf("The rule is on: %s.", strings.Join(on, "; "))
		if !next.IsZero() {
			text += fmt.Sprintf(" Its next tick is at %s, in %s.", next.UTC().Format("15:04 UTC"), words.Between(now, next))
		}
		return ok("%s", text)
	})
}
