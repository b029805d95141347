// Package filter decides which log events are exported: it turns the settings
// LOG_LEVEL and LOG_TYPES into one answer per type code. It is pure.
package filter

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// none is what a setting holds that was left empty in Auth0's own "Logs to
// CloudWatch" extension.
const none = "-"

// Filter says which log events to keep, by their type code. The zero value
// keeps every event. A Filter never changes once it is made, so any number of
// goroutines may use it.
//
// LOG_LEVEL and LOG_TYPES select the union: every code of at least the level,
// and every code that LOG_TYPES names. With one of them set that one selects
// alone, with neither everything is selected. LOG_TYPES with nothing but
// exclusions names no code, so it counts as not set here. What LOG_TYPES
// excludes is taken away last.
//
// A code that the type table does not know passes any level: Auth0 adds codes
// without notice, and events of a new type must not vanish.
type Filter struct {
	// level is the least level to keep, where hasLevel says there is one.
	level    tenantlog.Level
	hasLevel bool
	// include and exclude are codes or globs, all well formed.
	include, exclude []string
	// known is the answer for each code of the type table.
	known map[string]bool
}

// Parse makes a Filter of the values of LOG_LEVEL and LOG_TYPES.
//
// The level is one that tenantlog.ParseLevel reads. The types are separated by
// commas; each is a code or a glob as path.Match reads it, in the code's own
// case, and one that begins with "!" excludes what it matches. Spaces around
// an item and empty items do not count. A value that is empty, or "-" alone,
// is a setting that is not set.
//
// The error joins (errors.Join) everything that is wrong, one line each,
// saying what was expected. The Filter is then the zero value.
func Parse(level, types string) (Filter, error) {
	var f Filter
	if err := errors.Join(f.setLevel(level), f.setTypes(types)); err != nil {
		return Filter{}, err
	}
	codes := tenantlog.TypeCodes()
	f.known = make(map[string]bool, len(codes))
	for _, code := range codes {
		f.known[code] = f.decide(code)
	}
	return f, nil
}

func (f *Filter) setLevel(s string) error {
	s = strings.TrimSpace(s)
	if s == "" || s == none {
		return nil
	}
	level, err := tenantlog.ParseLevel(s)
	if err != nil {
		return err
	}
	f.level, f.hasLevel = level, true
	return nil
}

func (f *Filter) setTypes(s string) error {
	if strings.TrimSpace(s) == none {
		return nil
	}
	var errs []error
	for item := range strings.SplitSeq(s, ",") {
		pattern, excluded := strings.CutPrefix(strings.TrimSpace(item), "!")
		pattern = strings.TrimSpace(pattern)
		if pattern == "" && !excluded {
			continue
		}
		if err := checkPattern(pattern); err != nil {
			errs = append(errs, err)
			continue
		}
		if excluded {
			f.exclude = append(f.exclude, pattern)
		} else {
			f.include = append(f.include, pattern)
		}
	}
	return errors.Join(errs...)
}

// checkPattern refuses what could never match a code, or is no glob.
func checkPattern(pattern string) error {
	if pattern == "" {
		return errors.New(`"!" excludes nothing: expected a type code or glob behind it, such as !ssa`)
	}
	if strings.ContainsFunc(pattern, unicode.IsSpace) {
		return fmt.Errorf("%.40q is no type code: expected codes or globs separated by commas, such as fp,gd_*", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%.40q is no glob: expected every [ to have its ], and a character behind every backslash", pattern)
	}
	return nil
}

// Keep reports whether the event is to be exported.
func (f Filter) Keep(e tenantlog.Event) bool {
	if keep, ok := f.known[e.Type]; ok {
		return keep
	}
	return f.decide(e.Type)
}

// Everything reports whether no event can be left out, whatever its type.
func (f Filter) Everything() bool {
	for _, keep := range f.known {
		if !keep {
			return false
		}
	}
	return len(f.exclude) == 0 && (f.hasLevel || len(f.include) == 0)
}

// Unmatched returns the items of LOG_TYPES that match no code of the type
// table, exclusions with their "!": each is a slip of the pen, or a type that
// is new at Auth0 and works all the same.
func (f Filter) Unmatched() []string {
	var items []string
	for _, pattern := range f.include {
		if !matchesKnown(pattern) {
			items = append(items, pattern)
		}
	}
	for _, pattern := range f.exclude {
		if !matchesKnown(pattern) {
			items = append(items, "!"+pattern)
		}
	}
	return items
}

// String says in words what is kept, for people.
func (f Filter) String() string {
	var selected []string
	if f.hasLevel {
		selected = append(selected, "level "+f.level.String()+" and above")
	}
	if len(f.include) > 0 {
		selected = append(selected, "types "+strings.Join(f.include, ", "))
	}
	if len(selected) == 0 {
		selected = append(selected, "everything")
	}
	text := strings.Join(selected, ", ")
	if len(f.exclude) > 0 {
		text += " but " + strings.Join(f.exclude, ", ")
	}
	return text
}

// decide is Keep's answer for a code, worked out afresh.
func (f Filter) decide(code string) bool {
	return f.selects(code) && !matchesAny(f.exclude, code)
}

func (f Filter) selects(code string) bool {
	if !f.hasLevel && len(f.include) == 0 {
		return true
	}
	return f.reachesLevel(code) || matchesAny(f.include, code)
}

func (f Filter) reachesLevel(code string) bool {
	if !f.hasLevel {
		return false
	}
	t, known := tenantlog.LookupType(code)
	return !known || t.Level >= f.level
}

func matchesKnown(pattern string) bool {
	return slices.ContainsFunc(tenantlog.TypeCodes(), func(code string) bool { return matches(pattern, code) })
}

func matchesAny(patterns []string, code string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, code) })
}

// matches leaves out path.Match's error: Parse has refused the patterns that
// have one.
func matches(pattern, code string) bool {
	ok, _ := path.Match(pattern, code)
	return ok
}
