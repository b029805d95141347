package ssm

import (
	"fmt"
	"slices"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

const (
	// maxValue is the most bytes a standard parameter's value has.
	maxValue = 4096
	// maxVersions is how many versions of a parameter are kept.
	maxVersions = 100
	// maxLabels is how many labels a version has at most.
	maxLabels = 10
	// maxLabelLength is how many characters a label has at most.
	maxLabelLength = 100
	// maxNames is how many names one request may have.
	maxNames = 10
)

const (
	typeString       = "String"
	typeStringList   = "StringList"
	typeSecureString = "SecureString"
)

// parameter is a parameter's versions, the oldest first. It has one at least.
type parameter struct {
	name     string
	versions []Version
}

func (p *parameter) newest() *Version { return &p.versions[len(p.versions)-1] }

type putRequest struct {
	Name      string
	Type      string
	Value     string
	Overwrite bool
	Tier      string
	DataType  string
	// KeyId is accepted and of no effect: nothing is encrypted.
	KeyId string
}

// Resources names what the call is authorised on.
func (r *putRequest) Resources(c awsjson.Caller) []string {
	return []string{parameterARN(scopeOf(c), r.Name)}
}

type putReply struct {
	Tier    string
	Version int64
}

func (s *Store) putParameter(c awsjson.Caller, in *putRequest) (*putReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.put(scopeOf(c), c.ARN, in)
	if err != nil {
		return nil, err
	}
	return &putReply{Tier: "Standard", Version: v.Number}, nil
}

// put writes a version. The service has no other condition on a write than
// Overwrite.
func (s *Store) put(sc scope, by string, in *putRequest) (Version, error) {
	name, err := newName(sc, in.Name)
	if err != nil {
		return Version{}, err
	}
	if err := checkPut(in); err != nil {
		return Version{}, err
	}
	all := s.parameters[sc]
	if all == nil {
		all = make(map[string]*parameter)
		s.parameters[sc] = all
	}
	next := Version{Number: 1, Type: in.Type, Value: in.Value, Modified: s.opts.Now(), By: by}
	p, exists := all[name]
	switch {
	case !exists && in.Type == "":
		return Version{}, validation("A parameter type is required when you create a parameter.")
	case !exists:
		all[name] = &parameter{name: name, versions: []Version{next}}
		return next, nil
	case !in.Overwrite:
		return Version{}, awsjson.Errorf("ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	next.Number = p.newest().Number + 1
	if next.Type == "" {
		next.Type = p.newest().Type
	}
	if err := p.makeRoom(); err != nil {
		return Version{}, err
	}
	p.versions = append(p.versions, next)
	return next, nil
}

// checkPut checks a put against what does not depend on the present parameter.
func checkPut(in *putRequest) error {
	switch {
	case in.Value == "":
		return validation("1 validation error detected: Value at 'value' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	case len(in.Value) > maxValue:
		return validation("Standard tier parameters support a maximum parameter value of %d characters. To create a larger "+
			"parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see "+
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html", maxValue)
	// The service may let an opening bracket pass that nothing closes; its
	// documentation does not say.
	case strings.Contains(in.Value, "{{"):
		return validation(`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	case in.Type != "" && !slices.Contains([]string{typeSecureString, typeStringList, typeString}, in.Type):
		return constraint(in.Type, "type", "Member must satisfy enum value set: [SecureString, StringList, String]")
	case in.Tier != "" && in.Tier != "Standard":
		return validation("This stand-in has standard parameters only, not %q.", in.Tier)
	case in.DataType != "" && in.DataType != "text":
		return validation("The following data type is not supported: %s (Data type names are all lowercase.)", in.DataType)
	}
	return nil
}

// makeRoom drops the oldest version of a full history, unless it is labelled.
func (p *parameter) makeRoom() error {
	if len(p.versions) < maxVersions {
		return nil
	}
	if oldest := p.versions[0]; len(oldest.Labels) > 0 {
		return awsjson.Errorf("ParameterMaxVersionLimitExceeded",
			"You attempted to create a new version of %s by calling the PutParameter API. Version %d, the oldest version, "+
				"can't be deleted because it has a label associated with it. Move the label to another version of the "+
				"parameter, and try again.", p.name, oldest.Number)
	}
	p.versions = slices.Delete(p.versions, 0, 1)
	return nil
}

type labelRequest struct {
	Name             string
	ParameterVersion int64
	Labels           []string
}

// Resources names what the call is authorised on.
func (r *labelRequest) Resources(c awsjson.Caller) []string {
	return []string{parameterARN(scopeOf(c), r.Name)}
}

type labelReply struct {
	InvalidLabels    []string
	ParameterVersion int64
}

func (s *Store) labelParameterVersion(c awsjson.Caller, in *labelRequest) (*labelReply, error) {
	if err := checkLabels(in.Labels); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.lookup(scopeOf(c), in.Name)
	if err != nil {
		return nil, err
	}
	number := in.ParameterVersion
	if number == 0 {
		number = p.newest().Number
	}
	i := slices.IndexFunc(p.versions, func(v Version) bool { return v.Number == number })
	if i < 0 {
		return nil, versionNotFound(p.name, number)
	}
	reply := &labelReply{ParameterVersion: number, InvalidLabels: []string{}}
	if err := p.label(i, in.Labels, reply); err != nil {
		return nil, err
	}
	return reply, nil
}

func checkLabels(labels []string) error {
	if len(labels) == 0 || len(labels) > maxLabels {
		return constraint(fmt.Sprint(labels), "labels", fmt.Sprintf("Member must have length between 1 and %d", maxLabels))
	}
	for _, l := range labels {
		if l == "" || len(l) > maxLabelLength {
			return constraint(l, "labels", fmt.Sprintf("Member must have length between 1 and %d", maxLabelLength))
		}
	}
	return nil
}

// label puts labels on the i-th version, taking them off any other: a label
// is on one version only.
func (p *parameter) label(i int, labels []string, reply *labelReply) error {
	added := slices.Clone(p.versions[i].Labels)
	for _, l := range labels {
		switch {
		case !validLabel(l):
			reply.InvalidLabels = append(reply.InvalidLabels, l)
		case !slices.Contains(added, l):
			added = append(added, l)
		}
	}
	if len(added) > maxLabels {
		return awsjson.Errorf("ParameterVersionLabelLimitExceeded", "A parameter version can have a maximum of ten labels.")
	}
	for j := range p.versions {
		p.versions[j].Labels = slices.DeleteFunc(p.versions[j].Labels, func(l string) bool { return slices.Contains(added, l) })
	}
	p.versions[i].Labels = added
	return nil
}

type deleteRequest struct{ Name string }

// Resources names what the call is authorised on.
func (r *deleteRequest) Resources(c awsjson.Caller) []string {
	return []string{parameterARN(scopeOf(c), r.Name)}
}

func (s *Store) deleteParameter(c awsjson.Caller, in *deleteRequest) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.lookup(scopeOf(c), in.Name)
	if err != nil {
		return nil, err
	}
	s.remove(scopeOf(c), p.name)
	return &struct{}{}, nil
}

type deleteManyRequest struct{ Names []string }

// Resources names what the call is authorised on.
func (r *deleteManyRequest) Resources(c awsjson.Caller) []string {
	return arns(scopeOf(c), r.Names)
}

type deleteManyReply struct {
	DeletedParameters []string
	InvalidParameters []string
}

func (s *Store) deleteParameters(c awsjson.Caller, in *deleteManyRequest) (*deleteManyReply, error) {
	if err := checkNames(in.Names); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := &deleteManyReply{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		if s.remove(scopeOf(c), name) {
			reply.DeletedParameters = append(reply.DeletedParameters, name)
		} else {
			reply.InvalidParameters = append(reply.InvalidParameters, name)
		}
	}
	return reply, nil
}

func checkNames(names []string) error {
	list := "[" + strings.Join(names, ", ") + "]"
	switch {
	case len(names) == 0:
		return constraint(list, "names", "Member must have length greater than or equal to 1")
	case len(names) > maxNames:
		return constraint(list, "names", fmt.Sprintf("Member must have length less than or equal to %d", maxNames))
	}
	return nil
}

func arns(sc scope, names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = parameterARN(sc, name)
	}
	return list
}
