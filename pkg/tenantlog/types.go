package tenantlog

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Level is how grave a type of event is, from Debug to Critical.
type Level int

// The levels, with the numbers that LOG_LEVEL may name them by.
const (
	Debug Level = iota
	Info
	Warning
	Error
	Critical
)

var levelNames = [...]string{"debug", "info", "warning", "error", "critical"}

func (l Level) String() string {
	if l < Debug || l > Critical {
		return "Level(" + strconv.Itoa(int(l)) + ")"
	}
	return levelNames[l]
}

// ParseLevel reads a level by its name, in any case, or by its number 0 to 4.
func ParseLevel(s string) (Level, error) {
	for l, name := range levelNames {
		if strings.EqualFold(s, name) || s == strconv.Itoa(l) {
			return Level(l), nil
		}
	}
	return 0, fmt.Errorf("%q is no level: expected one of %s, or 0 to 4", clip(s), strings.Join(levelNames[:], ", "))
}

// Type is one row of the table of type codes.
type Type struct {
	Code     string
	Name     string
	Category string
	Level    Level
}

// The table is Auth0's published list of codes, with the levels of Auth0's own
// "Logs to CloudWatch" extension where it knew the code and derived ones where
// it did not. See its header for the columns.
//
//go:embed types.csv
var typesCSV string

// types reads the table when it is first asked for: no start of a function waits
// for it.
var types = sync.OnceValue(func() map[string]Type { return mustReadTypes(typesCSV) })

// LookupType finds a type code. Auth0 adds codes without notice: one that is
// not found is new, not wrong.
func LookupType(code string) (Type, bool) {
	t, ok := types()[code]
	return t, ok
}

// TypeCodes returns every known code, in no order.
func TypeCodes() []string {
	table := types()
	codes := make([]string, 0, len(table))
	for code := range table {
		codes = append(codes, code)
	}
	return codes
}

// mustReadTypes panics on a malformed table: it is part of the program, and a
// test reads it.
func mustReadTypes(text string) map[string]Type {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(fmt.Sprintf("type table: %v", err))
	}
	table := make(map[string]Type, len(rows)-1)
	for _, row := range rows[1:] {
		level, err := ParseLevel(row[3])
		if err != nil {
			panic(fmt.Sprintf("type table: %s: %v", row[0], err))
		}
		table[row[0]] = Type{Code: row[0], Name: row[1], Category: row[2], Level: level}
	}
	return table
}
