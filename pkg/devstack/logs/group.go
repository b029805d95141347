package logs

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

const (
	// maxName bounds the name of a group or a stream.
	maxName = 512
	// maxDescribed is how many items a page of a describe call has at most.
	maxDescribed = 50
)

var (
	groupPattern  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`)
	streamPattern = regexp.MustCompile(`^[^:*]*$`)
)

// retentions are the days that a group may keep its events (API reference,
// PutRetentionPolicy).
func retentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

func invalidParameter(format string, args ...any) *awsjson.Error {
	return awsjson.Errorf("InvalidParameterException", format, args...)
}

// constraint words a refusal as the service does where a request breaks its
// model.
func constraint(value, member, rule string) *awsjson.Error {
	return invalidParameter("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func checkName(name, member string, pattern *regexp.Regexp) error {
	quoted := "'" + name + "'"
	switch {
	case name == "":
		return constraint(quoted, member, "Member must have length greater than or equal to 1")
	case len(name) > maxName:
		return constraint(quoted, member, fmt.Sprintf("Member must have length less than or equal to %d", maxName))
	case !pattern.MatchString(name):
		return constraint(quoted, member, "Member must satisfy regular expression pattern: "+strings.Trim(pattern.String(), "^$"))
	}
	return nil
}

func checkGroup(name string) error     { return checkName(name, "logGroupName", groupPattern) }
func checkStream(name string) error    { return checkName(name, "logStreamName", streamPattern) }
func checkBoth(g, stream string) error { return cmp.Or(checkGroup(g), checkStream(stream)) }

func groupARN(k groupKey) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", k.region, k.account, k.name)
}

func streamARN(k groupKey, stream string) string { return groupARN(k) + ":log-stream:" + stream }

// named is a request about one group.
type named struct {
	LogGroupName string `json:"logGroupName"`
}

// Resources names what the call is authorised on.
func (r *named) Resources(c awsjson.Caller) []string {
	return []string{groupARN(keyOf(c, r.LogGroupName))}
}

// streamNamed is a request about one stream.
type streamNamed struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

// Resources names what the call is authorised on.
func (r *streamNamed) Resources(c awsjson.Caller) []string {
	return []string{streamARN(keyOf(c, r.LogGroupName), r.LogStreamName)}
}

type createGroupRequest struct {
	named
	LogGroupClass string `json:"logGroupClass"`
}

func (s *Service) createLogGroup(c awsjson.Caller, in *createGroupRequest) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.addGroup(keyOf(c, in.LogGroupName), in.LogGroupClass); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}

func (s *Service) addGroup(k groupKey, class string) error {
	if err := checkGroup(k.name); err != nil {
		return err
	}
	if strings.HasPrefix(k.name, "aws/") {
		return invalidParameter("Log groups starting with AWS/ are reserved for AWS.")
	}
	class = cmp.Or(class, Standard)
	if class != Standard && class != InfrequentAccess {
		return invalidParameter("This stand-in has no log groups of class %q.", class)
	}
	if s.groups[k] != nil {
		return awsjson.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	s.groups[k] = &group{name: k.name, class: class, created: s.opts.Now().UnixMilli(), streams: make(map[string]*stream)}
	return nil
}

func (s *Service) createLogStream(c awsjson.Caller, in *streamNamed) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.addStream(keyOf(c, in.LogGroupName), in.LogStreamName); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}

func (s *Service) addStream(k groupKey, name string) error {
	if err := checkBoth(k.name, name); err != nil {
		return err
	}
	g, err := s.group(k)
	if err != nil {
		return err
	}
	if g.streams[name] != nil {
		return awsjson.Errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	g.streams[name] = &stream{name: name, created: s.opts.Now().UnixMilli()}
	return nil
}

func (s *Service) deleteLogStream(c awsjson.Caller, in *streamNamed) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := keyOf(c, in.LogGroupName)
	if _, err := s.stream(k, in.LogStreamName); err != nil {
		return nil, err
	}
	delete(s.groups[k].streams, in.LogStreamName)
	return &struct{}{}, nil
}

func (s *Service) deleteLogGroup(c awsjson.Caller, in *named) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := keyOf(c, in.LogGroupName)
	if _, err := s.group(k); err != nil {
		return nil, err
	}
	delete(s.groups, k)
	return &struct{}{}, nil
}

type retentionRequest struct {
	named
	RetentionInDays int `json:"retentionInDays"`
}

func (s *Service) putRetentionPolicy(c awsjson.Caller, in *retentionRequest) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.setRetention(keyOf(c, in.LogGroupName), in.RetentionInDays); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}

func (s *Service) setRetention(k groupKey, days int) error {
	if !slices.Contains(retentions(), days) {
		return constraint("'"+strconv.Itoa(days)+"'", "retentionInDays", "Member must satisfy enum value set: "+fmt.Sprint(retentions()))
	}
	g, err := s.group(k)
	if err != nil {
		return err
	}
	g.retention = days
	return nil
}

type describeGroupsRequest struct {
	LogGroupNamePrefix string `json:"logGroupNamePrefix"`
	Limit              *int   `json:"limit"`
	NextToken          string `json:"nextToken"`
}

// Resources names what the call is authorised on: no group by its name,
// whatever the prefix is, as the service's own refusals show.
func (*describeGroupsRequest) Resources(c awsjson.Caller) []string {
	return []string{streamARN(keyOf(c, ""), "")}
}

type wireGroup struct {
	ARN             string `json:"arn"`
	LogGroupARN     string `json:"logGroupArn"`
	CreationTime    int64  `json:"creationTime"`
	LogGroupClass   string `json:"logGroupClass"`
	LogGroupName    string `json:"logGroupName"`
	RetentionInDays int    `json:"retentionInDays,omitempty"`
	StoredBytes     int64  `json:"storedBytes"`
}

type describeGroupsReply struct {
	LogGroups []wireGroup `json:"logGroups"`
	NextToken string      `json:"nextToken,omitempty"`
}

func (s *Service) describeLogGroups(c awsjson.Caller, in *describeGroupsRequest) (*describeGroupsReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for k := range s.groups {
		if k == keyOf(c, k.name) && strings.HasPrefix(k.name, in.LogGroupNamePrefix) {
			names = append(names, k.name)
		}
	}
	slices.Sort(names)
	page, next, err := describedPage(names, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	reply := &describeGroupsReply{LogGroups: []wireGroup{}, NextToken: next}
	for _, name := range page {
		k := keyOf(c, name)
		g := s.groups[k]
		w := wireGroup{
			ARN:             groupARN(k) + ":*",
			LogGroupARN:     groupARN(k),
			CreationTime:    g.created,
			LogGroupClass:   g.class,
			LogGroupName:    name,
			RetentionInDays: g.retention,
		}
		for _, st := range g.streams {
			w.StoredBytes += st.bytes
		}
		reply.LogGroups = append(reply.LogGroups, w)
	}
	return reply, nil
}

type describeStreamsRequest struct {
	named
	LogStreamNamePrefix string `json:"logStreamNamePrefix"`
	OrderBy             string `json:"orderBy"`
	Descending          bool   `json:"descending"`
	Limit               *int   `json:"limit"`
	NextToken           string `json:"nextToken"`
}

type wireStream struct {
	ARN                 string `json:"arn"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp *int64 `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  *int64 `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   *int64 `json:"lastIngestionTime,omitempty"`
	LogStreamName       string `json:"logStreamName"`
	// StoredBytes is always 0, as it is since June 2019 (API reference,
	// LogStream).
	StoredBytes int64 `json:"storedBytes"`
}

type describeStreamsReply struct {
	LogStreams []wireStream `json:"logStreams"`
	NextToken  string       `json:"nextToken,omitempty"`
}

func (s *Service) describeLogStreams(c awsjson.Caller, in *describeStreamsRequest) (*describeStreamsReply, error) {
	byTime := in.OrderBy == "LastEventTime"
	switch {
	case in.OrderBy != "" && in.OrderBy != "LogStreamName" && !byTime:
		return nil, constraint("'"+in.OrderBy+"'", "orderBy", "Member must satisfy enum value set: [LastEventTime, LogStreamName]")
	case byTime && in.LogStreamNamePrefix != "":
		return nil, invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := keyOf(c, in.LogGroupName)
	g, err := s.group(k)
	if err != nil {
		return nil, err
	}
	names := g.ordered(in.LogStreamNamePrefix, byTime)
	if in.Descending {
		slices.Reverse(names)
	}
	page, next, err := describedPage(names, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	reply := &describeStreamsReply{LogStreams: []wireStream{}, NextToken: next}
	for _, name := range page {
		reply.LogStreams = append(reply.LogStreams, g.streams[name].wire(k))
	}
	return reply, nil
}

// ordered returns the names of a group's streams with a prefix, by name or by
// the time of their last event.
func (g *group) ordered(prefix string, byTime bool) []string {
	names := slices.Sorted(maps.Keys(g.streams))
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) })
	if byTime {
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(g.streams[a].last, g.streams[b].last) })
	}
	return names
}

// describedPage cuts a page out of names. A token is the name that the page
// before ended with.
func describedPage(names []string, limit *int, token string) (page []string, next string, err error) {
	size := maxDescribed
	if limit != nil {
		if size = *limit; size < 1 || size > maxDescribed {
			return nil, "", constraint(fmt.Sprintf("'%d'", size), "limit", fmt.Sprintf("Member must have value between 1 and %d", maxDescribed))
		}
	}
	if token != "" {
		last, err := base64.StdEncoding.DecodeString(token)
		i := slices.Index(names, string(last))
		if err != nil || i < 0 {
			return nil, "", invalidParameter("The specified nextToken is invalid.")
		}
		names = names[i+1:]
	}
	if len(names) > size {
		names = names[:size]
		next = base64.StdEncoding.EncodeToString([]byte(names[size-1]))
	}
	return names, next, nil
}
