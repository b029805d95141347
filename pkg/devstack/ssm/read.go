package ssm

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

const (
	// maxPathPage and maxHistoryPage are the most items of a page of
	// GetParametersByPath and GetParameterHistory.
	maxPathPage    = 10
	maxHistoryPage = 50
)

// seconds is a time as Parameter Store sends it: a number of seconds with
// three decimals.
type seconds time.Time

func (s seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(s).UnixMilli())/1000, 'f', 3, 64), nil
}

// wireParameter is a parameter in a reply.
type wireParameter struct {
	ARN              string
	DataType         string
	LastModifiedDate seconds
	Name             string
	Selector         string `json:",omitempty"`
	Type             string
	Value            string
	Version          int64
}

func wire(sc scope, name, selector string, v *Version, decrypt bool) wireParameter {
	return wireParameter{
		ARN:              parameterARN(sc, name),
		DataType:         "text",
		LastModifiedDate: seconds(v.Modified),
		Name:             name,
		Selector:         selector,
		Type:             v.Type,
		Value:            shown(name, v, decrypt),
		Version:          v.Number,
	}
}

// shown is the value that a read answers. That of a SecureString read without
// decryption looks like ciphertext and has nothing of the value in it.
func shown(name string, v *Version, decrypt bool) string {
	if decrypt || v.Type != typeSecureString {
		return v.Value
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", name, v.Number))
	return "AQICAH" + base64.StdEncoding.EncodeToString(slices.Repeat(sum[:], 5))
}

// visible reports whether op can see a version yet.
func (s *Store) visible(op, name string, v *Version) bool {
	if s.opts.Now().Sub(v.Modified) < s.opts.ReadLag {
		return false
	}
	return s.opts.Stale == nil || !s.opts.Stale(op, name, v.Number)
}

// latest returns the newest version that op can see, nil if there is none.
func (s *Store) latest(op string, p *parameter) *Version {
	for i := len(p.versions) - 1; i >= 0; i-- {
		if v := &p.versions[i]; s.visible(op, p.name, v) {
			return v
		}
	}
	return nil
}

func versionNotFound(name string, number int64) *awsjson.Error {
	return awsjson.Errorf("ParameterVersionNotFound",
		"Systems Manager could not find version %d of %s. Verify the version and try again.", number, name)
}

// find returns the version that a selector picks.
func (s *Store) find(op string, sc scope, sel selector) (*Version, error) {
	p, err := s.lookup(sc, sel.name)
	if err != nil {
		return nil, err
	}
	if sel.text == "" {
		if v := s.latest(op, p); v != nil {
			return v, nil
		}
		return nil, parameterNotFound()
	}
	for i := range p.versions {
		v := &p.versions[i]
		picked := v.Number == sel.number || sel.label != "" && slices.Contains(v.Labels, sel.label)
		if picked && s.visible(op, sel.name, v) {
			return v, nil
		}
	}
	if sel.label != "" {
		return nil, awsjson.Errorf("ParameterVersionNotFound",
			"Systems Manager could not find label %s for parameter %s. Verify the label and try again.", sel.label, sel.name)
	}
	return nil, versionNotFound(sel.name, sel.number)
}

type getRequest struct {
	Name           string
	WithDecryption bool
}

// Resources names what the call is authorised on.
func (r *getRequest) Resources(c awsjson.Caller) []string {
	return arns(scopeOf(c), withoutSelectors([]string{r.Name}))
}

func withoutSelectors(names []string) []string {
	plain := make([]string, len(names))
	for i, name := range names {
		plain[i], _, _ = strings.Cut(name, ":")
	}
	return plain
}

type getReply struct{ Parameter wireParameter }

func (s *Store) getParameter(c awsjson.Caller, in *getRequest) (*getReply, error) {
	sel, err := parseSelector(in.Name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := scopeOf(c)
	v, err := s.find("GetParameter", sc, sel)
	if err != nil {
		return nil, err
	}
	return &getReply{wire(sc, sel.name, sel.text, v, in.WithDecryption)}, nil
}

type getManyRequest struct {
	Names          []string
	WithDecryption bool
}

// Resources names what the call is authorised on.
func (r *getManyRequest) Resources(c awsjson.Caller) []string {
	return arns(scopeOf(c), withoutSelectors(r.Names))
}

type getManyReply struct {
	InvalidParameters []string
	Parameters        []wireParameter
}

// getParameters answers in alphabetical order, with the names that it cannot
// read apart (API reference, GetParameters).
func (s *Store) getParameters(c awsjson.Caller, in *getManyRequest) (*getManyReply, error) {
	if err := checkNames(in.Names); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := scopeOf(c)
	reply := &getManyReply{InvalidParameters: []string{}, Parameters: []wireParameter{}}
	for _, name := range in.Names {
		sel, err := parseSelector(name)
		if err != nil {
			reply.InvalidParameters = append(reply.InvalidParameters, name)
			continue
		}
		v, err := s.find("GetParameters", sc, sel)
		if err != nil {
			reply.InvalidParameters = append(reply.InvalidParameters, name)
			continue
		}
		reply.Parameters = append(reply.Parameters, wire(sc, sel.name, sel.text, v, in.WithDecryption))
	}
	slices.SortStableFunc(reply.Parameters, func(a, b wireParameter) int { return cmp.Compare(a.Name, b.Name) })
	return reply, nil
}

type byPathRequest struct {
	Path           string
	Recursive      bool
	WithDecryption bool
	MaxResults     *int
	NextToken      string
}

// Resources names what the call is authorised on: the path, and not the
// parameters under it.
func (r *byPathRequest) Resources(c awsjson.Caller) []string {
	return []string{parameterARN(scopeOf(c), r.Path)}
}

type byPathReply struct {
	NextToken  string `json:",omitempty"`
	Parameters []wireParameter
}

// pathToken is where a listing goes on.
type pathToken struct {
	Path  string
	After string
	// Paused says that the page with this token was empty (Options.Odd).
	Paused bool
}

func (s *Store) getParametersByPath(c awsjson.Caller, in *byPathRequest) (*byPathReply, error) {
	size, err := pageSize(in.MaxResults, maxPathPage)
	if err != nil {
		return nil, err
	}
	path, err := cleanPath(in.Path)
	if err != nil {
		return nil, err
	}
	token := pathToken{Path: path}
	if err := readToken(in.NextToken, &token); err != nil || token.Path != path {
		return nil, invalidNextToken()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := scopeOf(c)
	names := s.under(sc, path, in.Recursive, token.After)
	reply := &byPathReply{Parameters: []wireParameter{}}
	if s.opts.Odd && !token.Paused && len(names) > 0 {
		token.Paused = true
		reply.NextToken = writeToken(token)
		return reply, nil
	}
	if s.opts.Odd {
		size = (size + 1) / 2
	}
	for i, name := range names {
		if i == size {
			reply.NextToken = writeToken(pathToken{Path: path, After: names[i-1]})
			break
		}
		if v := s.latest("GetParametersByPath", s.parameters[sc][name]); v != nil {
			reply.Parameters = append(reply.Parameters, wire(sc, name, "", v, in.WithDecryption))
		}
	}
	return reply, nil
}

// cleanPath returns a path without the slash that it may end in; "" for the
// root.
func cleanPath(path string) (string, error) {
	path = strings.TrimSpace(path)
	trimmed := strings.TrimSuffix(path, "/")
	if !strings.HasPrefix(path, "/") || trimmed != "" && !namePattern.MatchString(trimmed) {
		return "", validation("The parameter doesn't meet the parameter name requirements. The parameter name must begin with " +
			"a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, " +
			"numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. " +
			"All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.")
	}
	return trimmed, nil
}

// under returns the names directly under path, or all below it, that come
// after a name.
func (s *Store) under(sc scope, path string, recursive bool, after string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.parameters[sc])) {
		rest, below := strings.CutPrefix(name, path+"/")
		if below && name > after && (recursive || !strings.Contains(rest, "/")) {
			names = append(names, name)
		}
	}
	return names
}

type historyRequest struct {
	Name           string
	WithDecryption bool
	MaxResults     *int
	NextToken      string
}

// Resources names what the call is authorised on.
func (r *historyRequest) Resources(c awsjson.Caller) []string {
	return []string{parameterARN(scopeOf(c), r.Name)}
}

// wireVersion is a version in a reply.
type wireVersion struct {
	DataType         string
	Labels           []string
	LastModifiedDate seconds
	LastModifiedUser string
	Name             string
	Tier             string
	Type             string
	Value            string
	Version          int64
}

type historyReply struct {
	NextToken  string `json:",omitempty"`
	Parameters []wireVersion
}

type historyToken struct {
	History string
	After   int64
}

// getParameterHistory answers the oldest version first.
func (s *Store) getParameterHistory(c awsjson.Caller, in *historyRequest) (*historyReply, error) {
	size, err := pageSize(in.MaxResults, maxHistoryPage)
	if err != nil {
		return nil, err
	}
	name, err := cleanName(in.Name)
	if err != nil {
		return nil, err
	}
	token := historyToken{History: name}
	if err := readToken(in.NextToken, &token); err != nil || token.History != name {
		return nil, invalidNextToken()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.lookup(scopeOf(c), name)
	if err != nil {
		return nil, err
	}
	reply := &historyReply{Parameters: []wireVersion{}}
	for i := range p.versions {
		v := &p.versions[i]
		if v.Number <= token.After || !s.visible("GetParameterHistory", name, v) {
			continue
		}
		if len(reply.Parameters) == size {
			reply.NextToken = writeToken(historyToken{name, reply.Parameters[size-1].Version})
			break
		}
		reply.Parameters = append(reply.Parameters, wireVersion{
			DataType:         "text",
			Labels:           append([]string{}, v.Labels...),
			LastModifiedDate: seconds(v.Modified),
			LastModifiedUser: v.By,
			Name:             name,
			Tier:             "Standard",
			Type:             v.Type,
			Value:            shown(name, v, in.WithDecryption),
			Version:          v.Number,
		})
	}
	return reply, nil
}

func pageSize(asked *int, limit int) (int, error) {
	switch {
	case asked == nil:
		return limit, nil
	case *asked < 1:
		return 0, constraint(strconv.Itoa(*asked), "maxResults", "Member must have value greater than or equal to 1")
	case *asked > limit:
		return 0, constraint(strconv.Itoa(*asked), "maxResults", fmt.Sprintf("Member must have value less than or equal to %d", limit))
	}
	return *asked, nil
}

func invalidNextToken() *awsjson.Error {
	return awsjson.Errorf("InvalidNextToken", "The specified token isn't valid.")
}

// writeToken makes an opaque token of where to go on.
func writeToken(position any) string {
	b, err := json.Marshal(position)
	if err != nil {
		panic(err) // plain strings and numbers always encode
	}
	return base64.StdEncoding.EncodeToString(b)
}

// readToken reads a token into position, which it leaves alone if there is
// none.
func readToken(token string, position any) error {
	if token == "" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return fmt.Errorf("read token: %w", err)
	}
	return json.Unmarshal(b, position)
}
