package tenantlog

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// recorded are ids of every layout that Auth0 has used, in the order in which
// their events were indexed. The time is empty where the layout has none.
var recorded = []struct {
	id   ID
	time string
}{
	{"49574419589858254662358307566469418022270857965582942242", ""}, // before 2018
	{"90020200113151943625000993024408641221974042823186448498", "2020-01-13T15:19:43.625Z"},
	{"90020210903201457803549783145262950428590422067771342946", "2021-09-03T20:14:57.803Z"},
	{"90020210903201615320410735466535925608378731803208319058", "2021-09-03T20:16:15.320Z"},
	{"90020211103030609732115389415260839021644201259064885298", "2021-11-03T03:06:09.732Z"},
	{"90020220414145517395922878730454503034169518883510157314", "2022-04-14T14:55:17.395Z"},
	{"90020230314144709188593000000000000001223372037868840734", "2023-03-14T14:47:09.188Z"}, // microseconds from here on
	{"90020230602105804570299000000000000001223372045029304536", "2023-06-02T10:58:04.570Z"},
	{"90020230602105804570299000000000000001223372045029304543", "2023-06-02T10:58:04.570Z"}, // the same moment, a later counter
	{"90020230602105804990194000000000000001223372045029305123", "2023-06-02T10:58:04.990Z"},
	{"90020240308035906742643000000000000001223372052035101088", "2024-03-08T03:59:06.742Z"},
	{"90020250508083910862978000000000000001223372036854918178", "2025-05-08T08:39:10.862Z"},
	{"90020251001053916537654000000000000001223372122475524001", "2025-10-01T05:39:16.537Z"},
}

func TestIDsOfAllErasAreInOrder(t *testing.T) {
	for i, r := range recorded {
		id, err := ParseID(string(r.id))
		if err != nil || id != r.id {
			t.Errorf("ParseID(%s) = %s, %v", r.id, id, err)
		}
		if i > 0 && id <= recorded[i-1].id {
			t.Errorf("%s is not above %s", id, recorded[i-1].id)
		}
		if id <= "" {
			t.Errorf("%s is not above no id", id)
		}
	}
}

func TestTimeOfRecordedIDs(t *testing.T) {
	for _, r := range recorded {
		got, ok := r.id.Time()
		if ok != (r.time != "") {
			t.Errorf("%s: ok = %t", r.id, ok)
		}
		if ok && got.Format("2006-01-02T15:04:05.000Z07:00") != r.time {
			t.Errorf("%s: got %s, want %s", r.id, got, r.time)
		}
	}
}

func TestTimeOfOtherIDs(t *testing.T) {
	for _, id := range []ID{
		"",
		"900",
		"9002025100105391653",             // milliseconds cut short
		"90020251301053916537654000000",   // month 13
		"90020250230053916537654000000",   // 30 February
		"90120251001053916537654000000",   // another prefix
		"20251001053916537654000000",      // none
		"9002025100105391653x65400000000", // no digits
	} {
		if got, ok := id.Time(); ok {
			t.Errorf("%s: got %s, want no time", id, got)
		}
	}
}

func TestParseIDErrors(t *testing.T) {
	for _, s := range []string{"", " 1", "12a", "-1", "1.5", "0x10", "\u0661", strings.Repeat("1", 129), "\xff" + strings.Repeat("a", 200)} {
		id, err := ParseID(s)
		if err == nil || id != "" || !strings.Contains(err.Error(), "expected 1 to 128 decimal digits") {
			t.Errorf("%q: got %q, %v", s, id, err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%q: an error of %d bytes", s, len(err.Error()))
		}
	}
	for _, s := range []string{"0", strings.Repeat("9", 128)} {
		if _, err := ParseID(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestAt(t *testing.T) {
	east := time.FixedZone("east", 2*60*60)
	got := At(time.Date(2026, 11, 23, 10, 30, 5, 999_999_999, east))
	if want := ID("900" + "20261123083005" + strings.Repeat("0", 39)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// anyTime draws a time whose year has four digits, in any zone.
var anyTime = rapid.Custom(func(t *rapid.T) time.Time {
	first := time.Date(0, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	last := time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC).Unix()
	zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "zone minutes")*60)
	return time.Unix(rapid.Int64Range(first, last).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond")).In(zone)
})

func TestAtIsTheTimesSecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := anyTime.Draw(t, "time")
		id := At(at)
		if len(id) != idDigits || !digitsOnly(string(id)) {
			t.Fatalf("At(%s) = %s, no id of %d digits", at, id, idDigits)
		}
		got, ok := id.Time()
		if !ok || !got.Equal(at.Truncate(time.Second)) {
			t.Fatalf("At(%s).Time() = %s, %t", at, got, ok)
		}
	})
}

func TestAtIsInOrderOfTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyTime.Draw(t, "a").Truncate(time.Second), anyTime.Draw(t, "b").Truncate(time.Second)
		if got, want := cmp.Compare(At(a), At(b)), a.Compare(b); got != want {
			t.Fatalf("%s and %s compare as %d, their times as %d", At(a), At(b), got, want)
		}
	})
}

// An id made from a time lies below every event of that second or a later one,
// and above every event of an earlier one.
func TestAtLiesBelowItsSecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(recorded[1:]).Draw(t, "recorded")
		when, _ := r.id.Time()
		seconds := rapid.Int64Range(-100_000, 100_000).Draw(t, "seconds")
		at := when.Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
		if below := At(at) < r.id; below != (seconds <= 0) {
			t.Fatalf("At(%s) is below the id of %s: %t", at, when, below)
		}
	})
}

func TestMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if id := At(anyTime.Draw(t, "time")); !id.Made() {
			t.Fatalf("%s is not made", id)
		}
	})
	someMade := At(time.Date(2025, 10, 1, 5, 39, 16, 0, time.UTC))
	for _, r := range recorded {
		if r.id.Made() {
			t.Errorf("%s is made", r.id)
		}
	}
	for _, id := range []ID{"", someMade[:55], someMade + "0", someMade[:55] + "1"} {
		if id.Made() {
			t.Errorf("%s is made", id)
		}
	}
}

func TestOldest(t *testing.T) {
	if !Oldest.Made() || len(Oldest) != idDigits {
		t.Errorf("%s is no id that At makes", Oldest)
	}
	if first := recorded[1].id; Oldest >= first {
		t.Errorf("%s is not below %s", Oldest, first)
	}
}

func TestBeforeIsOneLess(t *testing.T) {
	digits := rapid.StringMatching(`[0-9]{1,60}`)
	endingInZeros := rapid.StringMatching(`[0-9]{1,20}0{1,39}`)
	rapid.Check(t, func(t *rapid.T) {
		id := ID(rapid.OneOf(digits, endingInZeros).Draw(t, "id"))
		n, _ := new(big.Int).SetString(string(id), 10)
		want := fmt.Sprintf("%0*s", len(id), n.Sub(n, big.NewInt(1)))
		if strings.Trim(string(id), "0") == "" {
			want = string(id)
		}
		if got := id.Before(); string(got) != want {
			t.Fatalf("%s: got %s, want %s", id, got, want)
		}
	})
}

func TestBeforeOfNone(t *testing.T) {
	if got := ID("").Before(); got != "" {
		t.Errorf("got %q, want none", got)
	}
}

func FuzzParseID(f *testing.F) {
	for _, r := range recorded {
		f.Add(string(r.id))
	}
	f.Add("")
	f.Add("900x")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		if string(id) != s {
			t.Errorf("ParseID(%q) = %q", s, id)
		}
		if before := id.Before(); len(before) != len(id) || before > id || !digitsOnly(string(before)) {
			t.Errorf("%s: Before is %s", id, before)
		}
		if when, ok := id.Time(); ok && (At(when)[:17] != id[:17] || when.Nanosecond()%1_000_000 != 0) {
			t.Errorf("%s: Time is %s", id, when)
		}
	})
}
