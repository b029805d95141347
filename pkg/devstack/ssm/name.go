package ssm

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

const (
	// maxNameWithARN bounds the name and what precedes it in the ARN (user
	// guide, "Requirements and constraints for parameter names").
	maxNameWithARN = 1011
	// maxName bounds a name in a request (API reference, PSParameterName).
	maxName = 2048
	// maxLevels is how deep a hierarchy may be, the name itself included.
	maxLevels = 15
)

// namePattern matches the characters of a name, and no empty level.
var namePattern = regexp.MustCompile(`^/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$`)

func validation(format string, args ...any) *awsjson.Error {
	return awsjson.Errorf("ValidationException", format, args...)
}

// constraint words a refusal as the service does where a request breaks its
// model.
func constraint(value, member, rule string) *awsjson.Error {
	return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

// cleanName takes spaces off the ends, as the service does, and refuses what
// cannot be a name at all.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", constraint(name, "name", "Member must have length greater than or equal to 1")
	case len(name) > maxName:
		return "", constraint(name, "name", fmt.Sprintf("Member must have length less than or equal to %d", maxName))
	case !namePattern.MatchString(name):
		return "", validation("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, " +
			"it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, " +
			"numbers and the following 3 symbols .-_")
	}
	return name, nil
}

// newName checks the name of a parameter that is to be written.
func newName(sc scope, name string) (string, error) {
	name, err := cleanName(name)
	if err != nil {
		return "", err
	}
	first, hierarchy, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	reserved := strings.ToLower(first)
	switch {
	case hierarchy != "" && !strings.HasPrefix(name, "/"):
		return "", validation("Parameter name must be a fully qualified name.")
	case strings.HasPrefix(reserved, "aws") && hierarchy != "":
		return "", awsjson.Errorf("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(reserved, "aws"), strings.HasPrefix(reserved, "ssm"):
		return "", validation(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`)
	case strings.Count(strings.TrimPrefix(name, "/"), "/") >= maxLevels:
		return "", awsjson.Errorf("HierarchyLevelLimitExceededException",
			"A hierarchy can have a maximum of %d levels.", maxLevels)
	case len(parameterARN(sc, name)) > maxNameWithARN:
		return "", validation("The parameter name with its ARN is longer than %d characters.", maxNameWithARN)
	}
	return name, nil
}

// parameterARN is the ARN of a parameter or a path.
func parameterARN(sc scope, name string) string {
	return fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", sc.region, sc.account, strings.TrimPrefix(name, "/"))
}

// selector picks a version of a parameter: "NAME", "NAME:3" or "NAME:label".
type selector struct {
	name string
	// number or label is set if the request names one.
	number int64
	label  string
	// text is the selector as asked for, with its colon, or "".
	text string
}

// parseSelector reads a name with or without a version or a label.
func parseSelector(s string) (selector, error) {
	name, version, found := strings.Cut(strings.TrimSpace(s), ":")
	name, err := cleanName(name)
	if err != nil {
		return selector{}, err
	}
	sel := selector{name: name}
	if !found {
		return sel, nil
	}
	sel.text = ":" + version
	if n, err := strconv.ParseUint(version, 10, 63); err == nil && n > 0 {
		sel.number = int64(n)
		return sel, nil
	}
	if !validLabel(version) {
		return selector{}, validation("Invalid parameter selector: %s.", sel.text)
	}
	sel.label = version
	return sel, nil
}

// labelPattern matches a label, which a number may not begin (API reference,
// LabelParameterVersion).
var labelPattern = regexp.MustCompile(`^[a-zA-Z_.-][a-zA-Z0-9_.-]*$`)

func validLabel(l string) bool {
	low := strings.ToLower(l)
	return labelPattern.MatchString(l) && !strings.HasPrefix(low, "aws") && !strings.HasPrefix(low, "ssm")
}
