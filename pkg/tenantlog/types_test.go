package tenantlog

import (
	"strings"
	"testing"
)

func TestLookupType(t *testing.T) {
	// A code for each level and each oddity of the levels of Auth0's own
	// extension, and codes that it did not know.
	want := map[string]Type{
		"s":                               {"s", "Success Login", "success", Info},
		"fp":                              {"fp", "Failed Login (wrong password)", "failure", Error},
		"depnote":                         {"depnote", "Deprecation Notice", "warning", Warning},
		"fui":                             {"fui", "Users import failed", "warning", Warning},
		"du":                              {"du", "Deleted User", "failure", Error},
		"pwd_leak":                        {"pwd_leak", "Breached password", "failure", Error},
		"fcpro":                           {"fcpro", "Failed Connector Provisioning", "failure", Critical},
		"limit_wc":                        {"limit_wc", "Blocked Account (too many failed logins)", "failure", Critical},
		"api_limit":                       {"api_limit", "Rate Limit on the Authentication or Management API", "failure", Critical},
		"api_limit_warning":               {"api_limit_warning", "Rate Limit Warning on the Authentication or Management API", "warning", Warning},
		"mgmt_api_read":                   {"mgmt_api_read", "Management API read operation (secrets returned)", "success", Info},
		"acls_summary":                    {"acls_summary", "Network ACLs Summary", "other", Info},
		"token_quota_consumption_warning": {"token_quota_consumption_warning", "M2M token quota consumption warning", "warning", Warning},
	}
	for code, row := range want {
		if got, ok := LookupType(code); !ok || got != row {
			t.Errorf("%s: got %+v, %t, want %+v", code, got, ok, row)
		}
	}
	for _, code := range []string{"", "brand_new", "S", "code"} {
		if got, ok := LookupType(code); ok {
			t.Errorf("%q: got %+v, want nothing", code, got)
		}
	}
}

// TestTypeTable holds the table read to the file's own lines, whose level is
// the last field but one.
func TestTypeTable(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(typesCSV), "\n")[1:]
	codes := TypeCodes()
	if len(lines) != 196 || len(codes) != 196 {
		t.Fatalf("%d lines and %d codes, want 196 of each", len(lines), len(codes))
	}
	levels := map[string]Level{"0": Debug, "1": Info, "2": Warning, "3": Error, "4": Critical}
	for _, line := range lines {
		fields := strings.Split(line, ",")
		row, ok := LookupType(fields[0])
		if !ok || row.Code != fields[0] {
			t.Errorf("%s: got %+v, %t", line, row, ok)
		}
		if level, ok := levels[fields[len(fields)-2]]; !ok || row.Level != level {
			t.Errorf("%s: got level %s", line, row.Level)
		}
	}

	count := make(map[Level]int)
	for _, code := range codes {
		row, ok := LookupType(code)
		if !ok || row.Name == "" || row.Category == "" {
			t.Errorf("%s: got %+v, %t", code, row, ok)
		}
		count[row.Level]++
	}
	for level, want := range map[Level]int{Debug: 0, Info: 92, Warning: 13, Error: 83, Critical: 8} {
		if count[level] != want {
			t.Errorf("%d codes of level %s, want %d", count[level], level, want)
		}
	}
}

func TestParseLevel(t *testing.T) {
	tests := []struct {
		text string
		want Level
	}{
		{"debug", Debug}, {"info", Info}, {"warning", Warning}, {"error", Error}, {"critical", Critical},
		{"0", Debug}, {"1", Info}, {"2", Warning}, {"3", Error}, {"4", Critical},
		{"Error", Error}, {"CRITICAL", Critical},
	}
	for _, tt := range tests {
		if got, err := ParseLevel(tt.text); err != nil || got != tt.want {
			t.Errorf("%q: got %s, %v, want %s", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "-", "5", "-1", "01", "err", " info", strings.Repeat("x", 1000)} {
		_, err := ParseLevel(text)
		if err == nil || !strings.Contains(err.Error(), "expected one of debug, info, warning, error, critical, or 0 to 4") {
			t.Errorf("%q: got error %v", text, err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%.10q...: an error of %d bytes", text, len(err.Error()))
		}
	}
}

func TestLevelString(t *testing.T) {
	for level, want := range map[Level]string{Debug: "debug", Critical: "critical", -1: "Level(-1)", 5: "Level(5)"} {
		if got := level.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzParseLevel(f *testing.F) {
	f.Add("error")
	f.Add("4")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, s string) {
		level, err := ParseLevel(s)
		if err != nil {
			return
		}
		if again, err := ParseLevel(level.String()); err != nil || again != level {
			t.Errorf("%q: level %s is read as %s, %v", s, level, again, err)
		}
	})
}
