// Package logs is a stand-in for CloudWatch Logs: an in-memory store that the
// real SDK client speaks to, with the service's rules on groups, streams,
// batches of log events, rejected events, pages and rates. Rules and error
// texts are those of the CloudWatch Logs API reference and quotas page, and of
// replies that the service is known to give.
//
// Each account and region has groups of its own. Events never expire, and
// filter patterns are refused.
package logs

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// Classes of log groups. A group of the second cannot be read with GetLogEvents
// or FilterLogEvents.
const (
	Standard         = "STANDARD"
	InfrequentAccess = "INFREQUENT_ACCESS"
)

// Options are how a Service behaves. The zero value is the real service's way,
// without its rates.
type Options struct {
	// Now is the service's clock; nil for time.Now.
	Now func() time.Time
	// Account and Region are where a Place is that names none; by default
	// awsjson.DefaultAccount and awsjson.DefaultRegion.
	Account, Region string
	// ReadLag is how long after its ingestion an event cannot be read yet.
	ReadLag time.Duration
	// Odd answers in the oddest way that the documentation allows: pages that
	// are part-full or empty and yet not the last, nothing for GetLogEvents
	// without startFromHead and token, and events of one call and one
	// millisecond in the reverse of their order.
	Odd bool
	// Discard forgets the events of a call once OnPut has seen them.
	Discard bool
	// OnPut, if not nil, is called with the events that a call stored, before
	// the call is answered. Calls at once call it at once.
	OnPut func(Place, []Event)
	// Quotas are the rates calls are held to, such as ServiceQuotas; none by
	// default.
	Quotas []awsjson.Quota
}

// ServiceQuotas are the default rates of the quotas page, where they differ by
// region the lowest.
func ServiceQuotas() []awsjson.Quota {
	var quotas []awsjson.Quota
	for op, rate := range map[string]float64{
		"CreateLogGroup":     10,
		"CreateLogStream":    50,
		"DescribeLogGroups":  10,
		"DescribeLogStreams": 25,
		"FilterLogEvents":    5,
		"GetLogEvents":       10,
		"PutLogEvents":       5000,
		"PutRetentionPolicy": 5,
	} {
		quotas = append(quotas, awsjson.Quota{Operations: []string{op}, PerSecond: rate})
	}
	return quotas
}

// Place is a log group, or a stream in it. An empty Account or Region is that
// of the Options.
type Place struct{ Account, Region, Group, Stream string }

// Event is a stored log event. Times are milliseconds after 1970 UTC.
type Event struct {
	Timestamp     int64
	IngestionTime int64
	Message       string
}

// Put is an accepted PutLogEvents call.
type Put struct {
	Place
	Time time.Time
	// Stored and Rejected count its events; Bytes is the size of the stored
	// ones as the service counts it, message plus 26 an event.
	Stored, Rejected int
	Bytes            int64
}

// Service is CloudWatch Logs. It may be used by several goroutines.
type Service struct {
	opts     Options
	throttle *awsjson.Throttle

	mu     sync.Mutex
	groups map[groupKey]*group
	puts   []Put
	seq    uint64 // of the event stored last
}

// groupKey is what tells groups apart.
type groupKey struct{ account, region, name string }

func keyOf(c awsjson.Caller, name string) groupKey { return groupKey{c.Account, c.Region, name} }

type group struct {
	name      string
	class     string
	created   int64
	retention int // days, 0 for ever
	streams   map[string]*stream
}

// New returns a service without groups.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Account = cmp.Or(opts.Account, awsjson.DefaultAccount)
	opts.Region = cmp.Or(opts.Region, awsjson.DefaultRegion)
	return &Service{
		opts:     opts,
		throttle: awsjson.NewThrottle(opts.Now, opts.Quotas...),
		groups:   make(map[groupKey]*group),
	}
}

// Service returns the operations for an awsjson.Mux.
func (s *Service) Service() awsjson.Service {
	return awsjson.Service{
		Target:   "Logs_20140328",
		Prefix:   "logs",
		Throttle: s.throttle,
		Operations: map[string]awsjson.Handler{
			"CreateLogGroup":     awsjson.Handle(s.createLogGroup),
			"CreateLogStream":    awsjson.Handle(s.createLogStream),
			"DeleteLogGroup":     awsjson.Handle(s.deleteLogGroup),
			"DeleteLogStream":    awsjson.Handle(s.deleteLogStream),
			"DescribeLogGroups":  awsjson.Handle(s.describeLogGroups),
			"DescribeLogStreams": awsjson.Handle(s.describeLogStreams),
			"FilterLogEvents":    awsjson.Handle(s.filterLogEvents),
			"GetLogEvents":       awsjson.Handle(s.getLogEvents),
			"PutLogEvents":       awsjson.Handle(s.putLogEvents),
			"PutRetentionPolicy": awsjson.Handle(s.putRetentionPolicy),
		},
	}
}

func (s *Service) key(p Place) groupKey {
	return groupKey{cmp.Or(p.Account, s.opts.Account), cmp.Or(p.Region, s.opts.Region), p.Group}
}

// CreateGroup makes a log group at p of a class (Standard if empty) and a
// retention in days (0 for ever), and in it the stream that p names, if any. It
// returns the *awsjson.Error that the service would answer.
func (s *Service) CreateGroup(p Place, class string, retentionDays int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(p)
	if err := s.addGroup(k, class); err != nil {
		return err
	}
	if retentionDays != 0 {
		if err := s.setRetention(k, retentionDays); err != nil {
			return err
		}
	}
	if p.Stream == "" {
		return nil
	}
	return s.addStream(k, p.Stream)
}

// Streams returns the names of a group's streams in order; none if there is no
// such group.
func (s *Service) Streams(p Place) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.groups[s.key(p)]
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Keys(g.streams))
}

// Events returns the events of a stream as a reader would see them once all
// lag has passed; none if there is no such stream.
func (s *Service) Events(p Place) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(s.key(p), p.Stream)
	if err != nil {
		return nil
	}
	events := make([]Event, len(st.records))
	for i, r := range st.records {
		events[i] = r.event()
	}
	return events
}

// Write stores an event as a service of AWS does, such as Lambda the lines of a
// function: at the time given, and into a stream that is made if need be. It
// counts as no call. It returns the *awsjson.Error that a call would be
// answered with.
func (s *Service) Write(p Place, at time.Time, message string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(p)
	g, err := s.group(k)
	if err != nil {
		return err
	}
	if g.streams[p.Stream] == nil {
		if err := s.addStream(k, p.Stream); err != nil {
			return err
		}
	}
	event := inputEvent{Timestamp: new(at.UnixMilli()), Message: &message}
	if err := checkEvent(0, event); err != nil {
		return err
	}
	st := g.streams[p.Stream]
	batch := s.records(st, []inputEvent{event}, s.opts.Now())
	st.note(batch)
	st.insert(batch)
	return nil
}

// Drop takes events out of a stream, as no call can: to see whether it is found
// out. It returns how many there were.
func (s *Service) Drop(p Place, is func(Event) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(s.key(p), p.Stream)
	if err != nil {
		return 0
	}
	before := len(st.records)
	st.records = slices.DeleteFunc(st.records, func(r record) bool { return is(r.event()) })
	return before - len(st.records)
}

// Puts returns the PutLogEvents calls that were accepted so far, in order.
func (s *Service) Puts() []Put {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.puts)
}

// group returns a group or the service's refusal.
func (s *Service) group(k groupKey) (*group, error) {
	g, ok := s.groups[k]
	if !ok {
		return nil, awsjson.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return g, nil
}

// stream returns a stream or the service's refusal.
func (s *Service) stream(k groupKey, name string) (*stream, error) {
	g, err := s.group(k)
	if err != nil {
		return nil, err
	}
	st, ok := g.streams[name]
	if !ok {
		return nil, awsjson.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	return st, nil
}
