package filter

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// The codes used below: s and ssa are info, depnote is warning, f and fp are
// error, limit_wc is critical. brand_new and gd_new are in no table.

func TestKeep(t *testing.T) {
	tests := []struct {
		name         string
		level, types string
		kept         string
		left         string
	}{
		{"neither", "", "", "s ssa depnote f fp limit_wc brand_new", ""},
		{"both are the extension's empty value", "-", " - ", "s ssa depnote f fp limit_wc brand_new", ""},
		{"no items in types", "", " , ,", "s f brand_new", ""},
		{"level alone", "error", "", "f fp limit_wc", "s ssa depnote"},
		{"level by number", "4", "", "limit_wc", "f fp depnote s"},
		{"level in any case, spaces around", " Warning\n", "", "depnote f limit_wc", "s ssa"},
		{"level 0 keeps all", "0", "", "s ssa depnote f limit_wc brand_new", ""},
		{"unknown code passes any level", "critical", "", "brand_new gd_new limit_wc", "f"},
		{"types alone", "", "s,fp", "s fp", "ssa f depnote limit_wc brand_new"},
		{"types with spaces and empty items", "-", " s , ,fp,\n", "s fp", "ssa f"},
		{"types are case-sensitive", "", "S", "S", "s"},
		{"unknown code is kept when named", "", "brand_new", "brand_new", "gd_new s"},
		{"unknown code is kept by a glob", "", "gd_*", "gd_new gd_send_sms", "brand_new s"},
		{"glob with a class and a single character", "", "s[as]?,f?", "ssa fp", "s f depnote"},
		{"union", "critical", "s,gd_*", "limit_wc s gd_send_sms brand_new", "ssa f fp depnote"},
		{"exclusion alone", "", "!ssa", "s f depnote limit_wc brand_new", "ssa"},
		{"exclusion with spaces", "", " ! ssa ", "s f brand_new", "ssa"},
		{"exclusions alone leave the level in force", "error", "!fp", "f limit_wc brand_new", "fp s ssa depnote"},
		{"exclusion of an included code", "", "s*,!ssa", "s sapi", "ssa f"},
		{"exclusion comes last wherever it stands", "", "!ssa,s*", "s sapi", "ssa f"},
		{"exclusion from the union", "error", "s*,!ssa,!fp", "s f limit_wc brand_new", "ssa fp depnote"},
		{"exclusion of an unknown code", "info", "!brand_*", "s gd_new", "brand_new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, tt.level, tt.types)
			for _, code := range strings.Fields(tt.kept) {
				if !f.Keep(tenantlog.Event{Type: code}) {
					t.Errorf("%s is left out, want it kept", code)
				}
			}
			for _, code := range strings.Fields(tt.left) {
				if f.Keep(tenantlog.Event{Type: code}) {
					t.Errorf("%s is kept, want it left out", code)
				}
			}
		})
	}
}

func TestKeepEventWithoutType(t *testing.T) {
	if !mustParse(t, "critical", "").Keep(tenantlog.Event{}) {
		t.Error("an event without a type is left out by a level, want it kept")
	}
	if mustParse(t, "", "fp").Keep(tenantlog.Event{}) {
		t.Error("an event without a type is kept where only fp is named, want it left out")
	}
}

func TestZeroFilterKeepsEverything(t *testing.T) {
	var f Filter
	if !f.Keep(tenantlog.Event{Type: "fp"}) || !f.Keep(tenantlog.Event{Type: "brand_new"}) || !f.Everything() {
		t.Error("the zero Filter leaves something out")
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name         string
		level, types string
		want         []string
	}{
		{"level", "loud", "", []string{`"loud" is no level: expected one of debug, info,`}},
		{"level beyond the last", "5", "", []string{`"5" is no level`}},
		{"glob", "", "gd_[", []string{`"gd_[" is no glob: expected`}},
		{"backslash at the end", "", `fp\`, []string{`"fp\\" is no glob`}},
		{"bad glob in an exclusion", "", "!a[]b", []string{`"a[]b" is no glob`}},
		{"bad glob behind a part that cannot match", "", "zzz[", []string{`"zzz[" is no glob`}},
		{"bare exclamation mark", "", "fp, ! ", []string{`"!" excludes nothing: expected`}},
		{"codes separated by spaces", "", "fp f", []string{`"fp f" is no type code: expected codes or globs separated by commas`}},
		{"codes separated by lines", "", "fp\nf", []string{`"fp\nf" is no type code`}},
		{"all at once", "loud", "!,[,s", []string{`"loud"`, `"!"`, `"["`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(tt.level, tt.types)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("got %d problems, want %d: %q", len(lines), len(tt.want), lines)
			}
			for i, want := range tt.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("problem %d is %q, want it to contain %q", i, lines[i], want)
				}
			}
			if !f.Everything() {
				t.Errorf("Filter beside the error is %v, want the zero value", f)
			}
		})
	}
}

func TestEverything(t *testing.T) {
	tests := []struct {
		level, types string
		want         bool
	}{
		{"", "", true},
		{"-", "-", true},
		{"debug", "", true},
		{"1", "", true}, // no code is below info
		{"1", "fp", true},
		{"2", "", false},
		{"2", "*", true},
		{"", "*", false}, // path.Match's * stops at a slash
		{"", "fp", false},
		{"", "!fp", false},
		{"", "!brand_new", false},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.level, tt.types).Everything(); got != tt.want {
			t.Errorf("level %q, types %q: Everything() = %t, want %t", tt.level, tt.types, got, tt.want)
		}
	}
}

func TestUnmatched(t *testing.T) {
	f := mustParse(t, "error", "fp,fq,gd_*,hd_*,!ssa,!sss,FP")
	want := []string{"fq", "hd_*", "FP", "!sss"}
	if diff := cmp.Diff(want, f.Unmatched()); diff != "" {
		t.Errorf("Unmatched (-want +got):\n%s", diff)
	}
	if got := mustParse(t, "error", "fp,gd_*,!ssa").Unmatched(); got != nil {
		t.Errorf("Unmatched = %q, want none", got)
	}
}

func TestString(t *testing.T) {
	tests := []struct{ level, types, want string }{
		{"", "", "everything"},
		{"3", "", "level error and above"},
		{"", "fp,gd_*", "types fp, gd_*"},
		{"4", "fp,!ssa,!s", "level critical and above, types fp but ssa, s"},
		{"", "!ssa", "everything but ssa"},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.level, tt.types).String(); got != tt.want {
			t.Errorf("level %q, types %q: got %q, want %q", tt.level, tt.types, got, tt.want)
		}
	}
}

// wanted says again, sentence by sentence and with no thought of speed, what
// Filter promises.
func wanted(level string, items []string, code string) bool {
	var named, excluded, inclusions bool
	for _, item := range items {
		if pattern, ok := strings.CutPrefix(item, "!"); ok {
			match, _ := path.Match(pattern, code)
			excluded = excluded || match
			continue
		}
		inclusions = true
		match, _ := path.Match(item, code)
		named = named || match
	}
	hasLevel := level != "" && level != "-"
	levels := []string{"debug", "info", "warning", "error", "critical"}
	row, known := tenantlog.LookupType(code)
	reaches := hasLevel && (!known || int(row.Level) >= slices.Index(levels, level))

	var selected bool
	switch {
	case hasLevel && inclusions:
		selected = reaches || named
	case hasLevel:
		selected = reaches
	case inclusions:
		selected = named
	default:
		selected = true
	}
	return selected && !excluded
}

func TestKeepAsPromised(t *testing.T) {
	codes := append(tenantlog.TypeCodes(), "brand_new", "gd_new", "", "f/new", "S")
	slices.Sort(codes) // so that a failing seed can be run again
	code := rapid.SampledFrom(codes)
	item := rapid.Custom(func(t *rapid.T) string {
		s := rapid.OneOf(
			rapid.SampledFrom(codes).Filter(func(s string) bool { return s != "" }),
			rapid.SampledFrom([]string{"*", "f*", "gd_*", "s?", "[a-f]*", "*_failed", "brand_*", `f\p`, "f/*"}),
		).Draw(t, "pattern")
		return rapid.SampledFrom([]string{"", "!"}).Draw(t, "sign") + s
	})
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.SampledFrom([]string{"", "-", "debug", "info", "warning", "error", "critical"}).Draw(t, "level")
		items := rapid.SliceOfN(item, 0, 4).Draw(t, "items")
		f, err := Parse(level, strings.Join(items, " , "))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			c := code.Draw(t, "code")
			got := f.Keep(tenantlog.Event{Type: c})
			if want := wanted(level, items, c); got != want {
				t.Fatalf("level %q, types %q: Keep(%q) = %t, want %t", level, items, c, got, want)
			}
			if !got && f.Everything() {
				t.Fatalf("level %q, types %q: Everything, yet %q is left out", level, items, c)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("error", "fp,gd_*,!ssa", "fp")
	f.Add("-", "-", "")
	f.Add("9", "![a-", "x/y")
	f.Add("0", `\`, "s")
	f.Fuzz(func(t *testing.T, level, types, code string) {
		parsed, err := Parse(level, types)
		keep := parsed.Keep(tenantlog.Event{Type: code})
		if parsed.Everything() && !keep {
			t.Errorf("Everything, yet %q is left out", code)
		}
		if err != nil && !parsed.Everything() {
			t.Error("a filter beside an error that leaves events out")
		}
		for _, pattern := range append(parsed.include, parsed.exclude...) {
			if _, err := path.Match(pattern, code); err != nil {
				t.Errorf("pattern %q passed and is malformed", pattern)
			}
		}
	})
}

func mustParse(t *testing.T, level, types string) Filter {
	t.Helper()
	f, err := Parse(level, types)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
