package auth0

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// The recorded shapes are log events of real tenants with every personal value
// replaced; the made ones are written after the field sets of Auth0's
// published log schemas, for types without a recording.
//
//go:embed shapes/recorded.ndjson
var recordedShapes string

//go:embed shapes/made.ndjson
var madeShapes string

// slot is a place in a document that differs from event to event.
type slot int

const (
	literal slot = iota
	slotID
	slotDate
	slotUser
	slotUserID
	slotIP
	slotAgent
	slotTenant
	slotEpoch
	slotCode
	slotTitle
)

// part is a piece of a shape: literal text, or a slot.
type part struct {
	slot slot
	text string
	// behind is, for slotEpoch, by how many milliseconds the value lies before
	// the latest in its document.
	behind int64
}

// shape is a document with slots.
type shape struct {
	code  string
	parts []part
}

// anyCode stands, in a shape, for a type code that has no shape of its own.
const anyCode = "%TYPE%"

// catalogue is everything documents are made of.
type catalogue struct {
	shapes map[string][]shape
	// others are the codes of the type table without a shape of their own.
	others []string
	// shares are cumulated: a number below shares[i].weight and not below the
	// one before picks shares[i].
	shares []share
	// filler is text to pad documents with.
	filler string
}

// shapes reads the embedded shapes once; the catalogue is never changed.
var shapes = sync.OnceValue(func() *catalogue {
	c := &catalogue{shapes: make(map[string][]shape), filler: filler()}
	for line := range strings.Lines(recordedShapes + madeShapes) {
		s := mustReadShape(strings.TrimSpace(line))
		c.shapes[s.code] = append(c.shapes[s.code], s)
	}
	for _, code := range tenantlog.TypeCodes() {
		if _, ok := c.shapes[code]; !ok {
			c.others = append(c.others, code)
		}
	}
	slices.Sort(c.others)
	total := 0
	for _, s := range mixture {
		total += s.weight
		c.shares = append(c.shares, share{s.code, total})
	}
	return c
})

// slots finds the values to replace; a group's name says by what. Texts around
// a group only make sure of the place.
var slots = regexp.MustCompile(strings.Join([]string{
	`(?P<id>\b900\d{53}\b)`,
	`(?P<date>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)`,
	`(?P<user>\buser\d+@example\.com)`,
	`auth0\|(?P<userID>[0-9a-f]{24})`,
	`(?P<ip>\b192\.0\.2\.\d+\b|\b2001:db8::[0-9a-f]+)`,
	`"user_agent":"(?P<agent>(?:Mozilla|Chrome|Firefox)[^"]*)"`,
	`"tenant_name":"(?P<tenant>[^"]*)"`,
	`(?P<host>\bacme-[a-z]+)`, // the tenant's name in its domain
	`(?P<epoch>\b1[67]\d{11}\b)`,
	`(?P<code>%TYPE%)`,
	`(?P<title>%TITLE%)`,
}, "|"))

var slotNames = map[string]slot{
	"id": slotID, "date": slotDate, "user": slotUser, "userID": slotUserID, "ip": slotIP, "agent": slotAgent,
	"tenant": slotTenant, "host": slotTenant, "epoch": slotEpoch, "code": slotCode, "title": slotTitle,
}

// mustReadShape panics on a document it cannot read: the shapes are part of
// the program, and a test reads them all.
func mustReadShape(doc string) shape {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal([]byte(doc), &head); err != nil {
		panic(fmt.Sprintf("shape %s: %v", doc, err))
	}
	s := shape{code: head.Type}
	var latest int64
	at := 0
	for _, m := range slots.FindAllStringSubmatchIndex(doc, -1) {
		for group, name := range slots.SubexpNames() {
			from, to := m[2*group], m[2*group+1]
			if name == "" || from < 0 {
				continue
			}
			p := part{slot: slotNames[name]}
			if p.slot == slotEpoch {
				p.behind, _ = strconv.ParseInt(doc[from:to], 10, 64)
				latest = max(latest, p.behind)
			}
			s.parts = append(s.parts, part{text: doc[at:from]}, p)
			at = to
		}
	}
	s.parts = append(s.parts, part{text: doc[at:]})
	for i, p := range s.parts {
		if p.slot == slotEpoch {
			s.parts[i].behind = latest - p.behind
		}
	}
	return s
}

// filler is a few kilobytes of words in an order that does not repeat soon, so
// that padded documents compress like text.
func filler() string {
	words := strings.Fields("tenant login prompt session rule action consent factor device grant scope claim profile policy")
	var b strings.Builder
	for i, step := 0, 0; b.Len() < 8<<10; i, step = i+step%5+1, step+i {
		b.WriteString(words[i%len(words)])
		b.WriteByte(' ')
	}
	return b.String()
}
