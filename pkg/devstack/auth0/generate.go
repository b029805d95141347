package auth0

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// share is how often a type code occurs, in parts of the mixture's sum.
type share struct {
	code   string
	weight int
}

// unknownCode stands for a code that the type table does not know: Auth0 adds
// such without notice.
const unknownCode = "?"

// mixture is a plausible tenant: mostly logins and token exchanges, some
// mistakes, some administration, and a little of everything else.
var mixture = []share{
	{"seacft", 220}, {"s", 150}, {"sertft", 130}, {"ssa", 90}, {"slo", 50}, {"seccft", 40},
	{"fp", 60}, {"fu", 40}, {"f", 30}, {"fsa", 20}, {"feacft", 12}, {"fertft", 10}, {"feccft", 4},
	{"sepft", 10}, {"fepft", 5}, {"fcoa", 3},
	{"ss", 15}, {"fs", 5}, {"sv", 8}, {"svr", 8}, {"sdu", 2}, {"scp", 5}, {"scpr", 6}, {"cls", 10}, {"fn", 3},
	{"gd_start_auth", 20}, {"gd_auth_succeed", 15}, {"gd_auth_failed", 4}, {"gd_send_pn", 10}, {"gd_send_sms", 6},
	{"gd_otp_rate_limit_exceed", 1}, {"gd_tenant_update", 1}, {"mfar", 8},
	{"sapi", 50}, {"fapi", 5}, {"mgmt_api_read", 4},
	{"limit_wc", 6}, {"limit_mu", 3}, {"limit_sul", 2}, {"pwd_leak", 3}, {"api_limit", 1}, {"api_limit_warning", 2},
	{"w", 5}, {"depnote", 3}, {"token_quota_consumption_warning", 1},
	{anyCode, 40}, {unknownCode, 2},
}

// unknownCodes are in no table of Auth0's.
var unknownCodes = []string{"standin_notice", "standin_step_failed", "standin_quota_warning"}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
	"Chrome 142.0.0 / Windows 10.0.0",
	"Safari 18.6.0 / iOS 18.6.0",
	"okhttp/4.12.0",
}

const (
	users = 500
	// hosts are 256 addresses in each of four networks.
	hosts = 4 * 256
	// burst is how many events at most are indexed in one go and share the
	// time in their ids.
	burst = 4
	// idCounter is what the counter in an id of the layout of 2023 starts
	// from, as far as recorded ids tell.
	idCounter = 1223372036854775808
	// firstGenerated leaves the counts below to events written by hand.
	firstGenerated = 1 << 36
)

// generator makes documents. The same seed and number give the same document,
// so none has to be kept.
type generator struct {
	seed   uint64
	tenant string
	size   int
	*catalogue
}

// draw is what chance decides about one event.
type draw struct {
	shape *shape
	code  string
	// jitter places the event within its share of a time span, 0 to 1; bursts
	// says that it and those with it are indexed at once.
	jitter float64
	bursts bool
	// lag is how long the event took to be indexed.
	lag time.Duration
	// user, host, pad: who, from where, and where padding starts.
	user, host, pad int
}

// draw decides about the event with the given number.
func (g *generator) draw(seq uint64) draw {
	r := rand.New(rand.NewPCG(g.seed, seq))
	pick := r.IntN(g.shares[len(g.shares)-1].weight)
	i, _ := slices.BinarySearchFunc(g.shares, pick, func(s share, n int) int { return cmp.Compare(s.weight, n+1) })
	code := g.shares[i].code
	family := g.shapes[code]
	switch code {
	case anyCode:
		code = g.others[r.IntN(len(g.others))]
	case unknownCode:
		code, family = unknownCodes[r.IntN(len(unknownCodes))], g.shapes[anyCode]
	}
	d := draw{
		code:   code,
		shape:  &family[r.IntN(len(family))],
		jitter: r.Float64(),
		bursts: r.IntN(4) == 0,
		lag:    10*time.Millisecond + time.Duration(r.Int64N(int64(90*time.Millisecond))),
		user:   r.IntN(users),
		host:   r.IntN(hosts),
		pad:    r.IntN(len(g.filler)),
	}
	if r.IntN(10) == 0 { // now and then the indexer is behind by seconds
		d.lag = time.Duration(r.Int64N(int64(5 * time.Second)))
	}
	return d
}

// append appends the document of one event.
func (g *generator) append(dst []byte, d draw, id tenantlog.ID, date int64) []byte {
	start := len(dst)
	for _, p := range d.shape.parts {
		switch p.slot {
		case literal:
			dst = append(dst, p.text...)
		case slotID:
			dst = append(dst, id...)
		case slotDate:
			dst = time.UnixMilli(date).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
		case slotTenant:
			dst = append(dst, g.tenant...)
		case slotEpoch:
			dst = strconv.AppendInt(dst, date-p.behind, 10)
		case slotTitle:
			known, _ := tenantlog.LookupType(d.code)
			dst = append(dst, known.Name...)
		case slotCode:
			dst = append(dst, d.code...)
		default:
			dst = d.appendPerson(dst, p.slot)
		}
	}
	return g.pad(dst, start, d)
}

// appendPerson appends what depends on who caused the event. All addresses are
// of the ranges that are reserved for documentation (RFC 5737, RFC 3849).
func (d draw) appendPerson(dst []byte, s slot) []byte {
	switch s {
	case slotUser:
		return fmt.Appendf(dst, "user%02d@example.com", d.user)
	case slotUserID:
		const spread = 0x9e3779b97f4a7c15 // so that neighbours look nothing alike
		n := uint64(d.user+1) * spread
		return fmt.Appendf(dst, "%016x%08x", n, uint32(n))
	case slotIP:
		return d.appendAddress(dst)
	}
	return append(dst, agents[(d.user+d.host)%len(agents)]...)
}

func (d draw) appendAddress(dst []byte) []byte {
	nets := [...]string{"192.0.2.", "198.51.100.", "203.0.113."}
	net, host := d.host/256, d.host%256
	if net < len(nets) {
		return fmt.Appendf(dst, "%s%d", nets[net], host)
	}
	return fmt.Appendf(dst, "2001:db8::%x", 0x1000+host)
}

// pad fills the document that begins at start up to the size asked for.
func (g *generator) pad(dst []byte, start int, d draw) []byte {
	const field = `,"padding":""}`
	missing := g.size - (len(dst) - start) - len(field) + 1
	if missing <= 0 {
		return dst
	}
	dst = append(dst[:len(dst)-1], field[:len(field)-2]...)
	for at := d.pad; missing > 0; at = 0 {
		n := min(missing, len(g.filler)-at)
		dst = append(dst, g.filler[at:at+n]...)
		missing -= n
	}
	return append(dst, field[len(field)-2:]...)
}

// MakeID is an id as Auth0 makes them since 2023: 900, the UTC time to the
// microsecond, and a counter. Ids of one time are ordered by n; generated events
// use those from 1<<36 on.
func MakeID(t time.Time, n uint64) tenantlog.ID {
	const counterDigits = 33
	b := make([]byte, 0, idDigits)
	b = t.UTC().AppendFormat(append(b, "900"...), "20060102150405.000000")
	b = slices.DeleteFunc(b, func(c byte) bool { return c == '.' })
	counter := strconv.FormatUint(idCounter+n, 10)
	for range counterDigits - len(counter) {
		b = append(b, '0')
	}
	return tenantlog.ID(append(b, counter...))
}

// newEvent is the generated event with the given number, indexed at a time.
func (g *generator) newEvent(seq uint64, indexed time.Time) event {
	return event{id: MakeID(indexed, seq), date: indexed.Add(-g.draw(seq).lag).UnixMilli(), seq: seq}
}
