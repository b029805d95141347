package logs

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// The limits of a page of GetLogEvents and FilterLogEvents (API reference).
const (
	maxPageEvents = 10_000
	maxPageBytes  = 1_048_576
	// maxStreamNames is how many streams FilterLogEvents may be asked for.
	maxStreamNames = 100
)

// token is where a reader goes on, in the service's own form:
// "f/" or "b/", 56 digits, and a letter.
type token struct {
	backward bool
	gap
	// paused says that the page with this token was empty (Options.Odd).
	paused bool
}

const (
	timestampDigits = 20
	seqDigits       = 36
)

func (t token) String() string {
	direction, state := "f", "s"
	if t.backward {
		direction = "b"
	}
	if t.paused {
		state = "p"
	}
	return fmt.Sprintf("%s/%0*d%0*d/%s", direction, timestampDigits, t.timestamp, seqDigits, t.seq, state)
}

func parseToken(s string) (token, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 3 && len(parts[1]) == timestampDigits+seqDigits {
		timestamp, err1 := strconv.ParseInt(parts[1][:timestampDigits], 10, 64)
		seq, err2 := strconv.ParseUint(parts[1][timestampDigits:], 10, 64)
		t := token{parts[0] == "b", gap{timestamp, seq}, parts[2] == "p"}
		if err1 == nil && err2 == nil && t.String() == s {
			return t, nil
		}
	}
	return token{}, invalidParameter("The specified nextToken is invalid.")
}

// window is what a read asks for, common to both operations.
type window struct {
	StartTime *int64 `json:"startTime"`
	EndTime   *int64 `json:"endTime"`
	Limit     *int   `json:"limit"`
	NextToken string `json:"nextToken"`
	// Unmask is of no effect: nothing is masked.
	Unmask bool `json:"unmask"`
}

func (w window) check() error {
	for member, value := range map[string]*int64{"startTime": w.StartTime, "endTime": w.EndTime} {
		if value != nil && *value < 0 {
			return constraint(fmt.Sprintf("'%d'", *value), member, "Member must have value greater than or equal to 0")
		}
	}
	if w.Limit != nil && (*w.Limit < 1 || *w.Limit > maxPageEvents) {
		return constraint(fmt.Sprintf("'%d'", *w.Limit), "limit", fmt.Sprintf("Member must have value between 1 and %d", maxPageEvents))
	}
	return nil
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

type getRequest struct {
	streamNamed
	window
	StartFromHead bool `json:"startFromHead"`
}

type wireEvent struct {
	IngestionTime int64  `json:"ingestionTime"`
	Message       string `json:"message"`
	Timestamp     int64  `json:"timestamp"`
}

type getReply struct {
	Events            []wireEvent `json:"events"`
	NextBackwardToken string      `json:"nextBackwardToken"`
	NextForwardToken  string      `json:"nextForwardToken"`
}

func (s *Service) getLogEvents(c awsjson.Caller, in *getRequest) (*getReply, error) {
	if err := checkBoth(in.LogGroupName, in.LogStreamName); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := keyOf(c, in.LogGroupName)
	st, err := s.stream(k, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	if err := s.groups[k].readable("GetLogEvents"); err != nil {
		return nil, err
	}
	records := st.span(valueOr(in.StartTime, 0), valueOr(in.EndTime, math.MaxInt64))
	from := token{}
	switch n := len(records); {
	case in.NextToken != "":
		if from, err = parseToken(in.NextToken); err != nil {
			return nil, err
		}
	case !in.StartFromHead:
		from.backward = true
		if n > 0 {
			from.gap = records[n-1].gap()
		}
	}
	page, pause := s.page(s.beyond(records, from), from, valueOr(in.Limit, maxPageEvents))
	if from.backward {
		slices.Reverse(page)
	}
	backward, forward := tokens(page, from, pause)
	reply := &getReply{Events: []wireEvent{}, NextBackwardToken: backward.String(), NextForwardToken: forward.String()}
	for _, r := range page {
		reply.Events = append(reply.Events, wireEvent{r.ingested, r.message, r.timestamp})
	}
	return reply, nil
}

// readable refuses an operation that the group's class does not have.
func (g *group) readable(op string) error {
	if g.class != InfrequentAccess {
		return nil
	}
	return awsjson.Errorf("InvalidOperationException",
		"The log group %s is of log-group-class %s. %s is not supported for this log class.", g.name, g.class, op)
}

// beyond yields the records that a reader at t has still to read, the next one
// first.
func (s *Service) beyond(records []record, t token) iter.Seq[record] {
	latest := s.opts.Now().Add(-s.opts.ReadLag).UnixMilli()
	i, end, step := index(records, t.gap), len(records), 1
	if t.backward {
		i, end, step = i-1, -1, -1
	}
	return func(yield func(record) bool) {
		for j := i; j != end; j += step {
			if r := records[j]; r.ingested <= latest && !yield(r) {
				return
			}
		}
	}
}

// page cuts the next page out of what is left. pause says that it is empty
// although something is left.
func (s *Service) page(left iter.Seq[record], from token, limit int) (page []record, pause bool) {
	page = fill(left, limit)
	switch {
	case !s.opts.Odd || len(page) == 0:
		return page, false
	case !from.paused:
		return nil, true
	}
	return page[:(len(page)+1)/2], false
}

// fill takes as many records as a page of limit events holds.
func fill(left iter.Seq[record], limit int) []record {
	var page []record
	size := 0
	for r := range left {
		size += r.size()
		if len(page) == limit || size > maxPageBytes && len(page) > 0 {
			break
		}
		page = append(page, r)
	}
	return page
}

// tokens are the ends of a page. The token in the direction of reading is the
// one passed in where nothing is left.
func tokens(page []record, from token, pause bool) (backward, forward token) {
	if n := len(page); n > 0 {
		return token{backward: true, gap: page[0].before()}, token{gap: page[n-1].gap()}
	}
	ahead, back := from, token{backward: !from.backward, gap: from.gap}
	ahead.paused = pause
	if from.backward {
		return ahead, back
	}
	return back, ahead
}

type filterRequest struct {
	named
	window
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	FilterPattern       string   `json:"filterPattern"`
	// Interleaved is ignored, as the service ignores it.
	Interleaved bool `json:"interleaved"`
}

type wireFiltered struct {
	EventID       string `json:"eventId"`
	IngestionTime int64  `json:"ingestionTime"`
	LogStreamName string `json:"logStreamName"`
	Message       string `json:"message"`
	Timestamp     int64  `json:"timestamp"`
}

type filterReply struct {
	Events    []wireFiltered `json:"events"`
	NextToken string         `json:"nextToken,omitempty"`
	// SearchedLogStreams is always empty, as it is since May 2020.
	SearchedLogStreams []struct{} `json:"searchedLogStreams"`
}

// filterLogEvents answers events of several streams in one order. A page with
// events always has a token; the one after the last is empty and has none.
func (s *Service) filterLogEvents(c awsjson.Caller, in *filterRequest) (*filterReply, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var from token
	if in.NextToken != "" {
		var err error
		if from, err = parseToken(in.NextToken); err != nil || from.backward {
			return nil, invalidParameter("The specified nextToken is invalid.")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	streams, err := s.filtered(keyOf(c, in.LogGroupName), in)
	if err != nil {
		return nil, err
	}
	limit := valueOr(in.Limit, maxPageEvents)
	var merged []record
	for _, st := range streams {
		// The end is inclusive here, other than in GetLogEvents.
		records := st.span(valueOr(in.StartTime, 0), valueOr(in.EndTime, math.MaxInt64-1)+1)
		merged = append(merged, fill(s.beyond(records, from), limit)...)
	}
	slices.SortFunc(merged, func(a, b record) int { return compareGaps(a.gap(), b.gap()) })
	page, pause := s.page(slices.Values(merged), from, limit)
	reply := &filterReply{Events: []wireFiltered{}, SearchedLogStreams: []struct{}{}}
	if _, forward := tokens(page, from, pause); pause || len(page) > 0 {
		reply.NextToken = forward.String()
	}
	for _, r := range page {
		id := fmt.Sprintf("%0*d%0*d", timestampDigits, r.timestamp, seqDigits, r.seq)
		reply.Events = append(reply.Events, wireFiltered{id, r.ingested, r.in.name, r.message, r.timestamp})
	}
	return reply, nil
}

// filtered returns the streams that a FilterLogEvents call searches.
func (s *Service) filtered(k groupKey, in *filterRequest) ([]*stream, error) {
	switch n := len(in.LogStreamNames); {
	case in.FilterPattern != "":
		return nil, invalidParameter("This stand-in has no filter patterns.")
	case n > maxStreamNames:
		return nil, constraint(fmt.Sprintf("'[%d names]'", n), "logStreamNames",
			fmt.Sprintf("Member must have length less than or equal to %d", maxStreamNames))
	case n > 0 && in.LogStreamNamePrefix != "":
		return nil, invalidParameter("LogStreamNamePrefix and LogStreamNames are mutually exclusive.")
	}
	if err := checkGroup(k.name); err != nil {
		return nil, err
	}
	g, err := s.group(k)
	if err != nil {
		return nil, err
	}
	if err := g.readable("FilterLogEvents"); err != nil {
		return nil, err
	}
	names := in.LogStreamNames
	if len(names) == 0 {
		names = g.ordered(in.LogStreamNamePrefix, false)
	}
	var streams []*stream
	for _, name := range names {
		st, err := s.stream(k, name)
		if err != nil {
			return nil, err
		}
		streams = append(streams, st)
	}
	return streams, nil
}
