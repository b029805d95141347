package slack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRenderedMessage(t *testing.T) {
	body := `{
	"text": "acme: export failing",
	"blocks": [
		{"type": "header", "text": {"type": "plain_text", "text": "acme &amp; sons: export failed"}},
		{"type": "section", "text": {"type": "mrkdwn", "text": "Auth0 refuses the secret.\n*Fix:* put a new one.", "verbatim": true}},
		{"type": "section", "fields": [
			{"type": "mrkdwn", "text": "*Failing for*\n2 h 5 min"},
			{"type": "mrkdwn", "text": "*Failed runs*\n25"},
			{"type": "mrkdwn", "text": "*Lag*\n1 d\n(and more)"},
			{"type": "mrkdwn", "text": "*Kind*\nauth"},
			{"type": "mrkdwn", "text": "*Last*"}
		]},
		{"type": "divider"},
		{"type": "context", "elements": [
			{"type": "mrkdwn", "text": "<https://example.com/a?b&amp;c|Log stream>"},
			{"type": "plain_text", "text": "version 1"}
		]}
	]}`
	want := `acme & sons: export failed

Auth0 refuses the secret.
Fix: put a new one.

Failing for    Failed runs
2 h 5 min      25
Lag            Kind
1 d            auth
(and more)
Last

----------------------------------------

Log stream (https://example.com/a?b&c)  version 1`
	s := New(Options{})
	if got := post(t, s, body); got.status != 200 {
		t.Fatalf("answered %+v", got)
	}
	m := s.Messages()[0]
	if diff := cmp.Diff(want, m.Rendered); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Control{{Link, "<https://example.com/a?b&amp;c|Log stream>"}}, m.Controls); diff != "" {
		t.Errorf("controls (-want +got):\n%s", diff)
	}
}

func TestFormat(t *testing.T) {
	for _, row := range []struct {
		name, text string
		verbatim   bool
		want       string
		controls   []Control
	}{
		{"plain", "a - b", false, "a - b", nil},
		{"entities", "a &lt; b &amp;amp; c &gt; d &quot;", false, "a < b &amp; c > d &quot;", nil},
		{"link", "see <https://example.com>", false, "see https://example.com", []Control{{Link, "<https://example.com>"}}},
		{"link with label", "<https://example.com|the stream>!", false, "the stream (https://example.com)!", []Control{{Link, "<https://example.com|the stream>"}}},
		{"link with its address as label", "<https://a.b|https://a.b>", false, "https://a.b", []Control{{Link, "<https://a.b|https://a.b>"}}},
		{"mail", "<mailto:a@example.com|a>", false, "a (mailto:a@example.com)", []Control{{Link, "<mailto:a@example.com|a>"}}},
		{"anything else counts as a link", "<img src=x>", false, "img src=x", []Control{{Link, "<img src=x>"}}},
		{"user", "<@U123> and <@W1|ann>", false, "@U123 and @ann", []Control{{User, "<@U123>"}, {User, "<@W1|ann>"}}},
		{"channel", "<#C123|alerts>", false, "#alerts", []Control{{Channel, "<#C123|alerts>"}}},
		{"everybody", "<!channel> <!here> <!everyone>", true, "@channel @here @everyone",
			[]Control{{Special, "<!channel>"}, {Special, "<!here>"}, {Special, "<!everyone>"}}},
		{"group", "<!subteam^S1|@ops>", false, "@ops", []Control{{Special, "<!subteam^S1|@ops>"}}},
		{"date", "<!date^1392734382^{date}|18 February>", false, "18 February", []Control{{Special, "<!date^1392734382^{date}|18 February>"}}},
		{"in code too", "`<!here>`", false, "@here", []Control{{Special, "<!here>"}}},
		{"behind a stray bracket", "1 < 2 <!here>", false, "1 < 2 @here", []Control{{Special, "<!here>"}}},
		{"escaped", "&lt;!channel&gt;", false, "<!channel>", nil},
		{"not closed", "a < b", false, "a < b", nil},
		{"nothing inside", "<>", false, "<>", nil},
		{"address", "see https://example.com/a_b_c.", false, "see https://example.com/a_b_c.", []Control{{Automatic, "https://example.com/a_b_c."}}},
		{"address, verbatim", "see https://example.com", true, "see https://example.com", nil},
		{"address before a sequence", "https://a.b<@U1>", false, "https://a.b@U1", []Control{{User, "<@U1>"}, {Automatic, "https://a.b"}}},
		{"mention without sequence", "@here (@channel) me@here.com", false, "@here (@channel) me@here.com", []Control{{Automatic, "@here"}, {Automatic, "@channel"}}},
		{"mention without sequence, verbatim", "@here", true, "@here", nil},
		{"emphasis", "*a* *b c*, _d_ ~e~: *<https://x.y|f>*", true, "a b c, d e: f (https://x.y)", []Control{{Link, "<https://x.y|f>"}}},
		{"no emphasis", "2 * 3 * 4 gd_auth_failed a*b* * x *", true, "2 * 3 * 4 gd_auth_failed a*b* * x *", nil},
		{"no emphasis across lines", "*a\nb*", true, "*a\nb*", nil},
		{"code", "`*a*` and *b* ```_c_\n&lt;```", true, "*a* and b _c_\n<", nil},
		{"the stand-in's own mark", "\uFFFC<@U1>\uFFFC", true, "\uFFFD@U1\uFFFD", []Control{{User, "<@U1>"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, controls := format(row.text, row.verbatim)
			if got != row.want {
				t.Errorf("shown %q, want %q", got, row.want)
			}
			if diff := cmp.Diff(row.controls, controls); diff != "" {
				t.Errorf("controls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestControlsAreFoundEverywhere(t *testing.T) {
	body := `{"text": "<!channel> https://a.b", "blocks": [
		{"type": "header", "text": {"type": "plain_text", "text": "<@U1>"}},
		{"type": "section", "text": {"type": "mrkdwn", "text": "<@U2> https://c.d"}, "fields": [{"type": "mrkdwn", "text": "<@U3> https://e.f", "verbatim": true}]},
		{"type": "context", "elements": [{"type": "plain_text", "text": "<@U4> https://g.h"}]}
	]}`
	s := New(Options{})
	if got := post(t, s, body); got.status != 200 {
		t.Fatalf("answered %+v", got)
	}
	m := s.Messages()[0]
	want := []Control{{Special, "<!channel>"}, {User, "<@U1>"}, {User, "<@U2>"}, {Automatic, "https://c.d"}, {User, "<@U3>"}, {User, "<@U4>"}}
	if diff := cmp.Diff(want, m.Controls); diff != "" {
		t.Errorf("controls (-want +got):\n%s", diff)
	}
	if want := "<@U1>\n\n@U2 https://c.d\n@U3 https://e.f\n\n<@U4> https://g.h"; m.Rendered != want {
		t.Errorf("rendered %q, want %q", m.Rendered, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"text":"a *b* <!here> &lt;"}`)
	f.Add(blocks(header(3), section(text(markdown, 3)), fields(3, 2), context(2, 2), `{"type":"divider","block_id":"a"}`))
	f.Add(`{"blocks":[{"type":"section","text":null,"fields":[{"type":"mrkdwn","text":"` + "```a``` `b`" + `"}]}]}`)
	f.Add(`{"blocks":"x"}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, no := parse([]byte(body))
		if (p == nil) == (no == nil) {
			t.Fatalf("payload %v, refusal %v", p, no)
		}
		if no != nil {
			if no.status == 0 || no.code == "" || no.reason == "" {
				t.Errorf("refusal without words: %+v", no)
			}
			return
		}
		shown, controls := p.draw()
		if len(controls) > 0 && !strings.ContainsAny(body, `<@:\`) {
			t.Errorf("controls %v, shown %q", controls, shown)
		}
	})
}

func FuzzEscapedTextIsShownAsItIs(f *testing.F) {
	f.Add("<!channel> & <https://example.com|x> &lt;")
	f.Add("")
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	f.Fuzz(func(t *testing.T, s string) {
		if _, found := format(escape.Replace(s), true); len(found) > 0 {
			t.Errorf("interpreted: %v", found)
		}
		got, found := (&textObject{Type: plainText, Text: escape.Replace(s)}).draw()
		if got != s || len(found) > 0 {
			t.Errorf("shown %q with %v, want %q", got, found, s)
		}
	})
}
