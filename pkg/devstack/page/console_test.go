package page

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const here = "arn:aws:lambda:us-east-1:123456789012:function:status"

func TestEmbed(t *testing.T) {
	l := &Local{statusARN: here}
	call := func(attrs, params string) string {
		return `<a class="btn">Go</a><cwdb-action action="call" endpoint="` + here + `"` + attrs + `>` + params + `</cwdb-action>`
	}
	const button = `<button class="btn" name="call" value="{&#34;do&#34;:&#34;run&#34;}">`
	for _, row := range []struct{ name, html, want string }{
		{"text", `a &amp; b<br>c`, `a &amp; b<br>c`},
		{"attributes", `<p title='a "b"' class=x>&lt;i&gt;</p>`, `<p title="a &#34;b&#34;" class="x">&lt;i&gt;</p>`},
		{"call", call("", `{"do":"run"}`), button + `Go</button>`},
		{"call without parameters", call("", ""), `<button class="btn" name="call" value="{}">Go</button>`},
		{"call after a space", strings.Replace(call("", `{"do":"run"}`), "<cwdb", " \n<cwdb", 1), button + `Go</button>`},
		{"call with confirmation", call(` confirmation="Sure &amp; certain?"`, `{"do":"run"}`),
			`<details class="ask"><summary class="btn">Go</summary><div class="over"><p>Sure &amp; certain?</p>` + button + `Yes</button></div></details>`},
		{"call of another function", strings.Replace(call("", "{}"), ":status", ":other", 1), `<a class="btn">Go</a>`},
		{"popup", `<a>More</a><cwdb-action action="html" display="popup"><b>all</b> of it</cwdb-action>`,
			`<details class="popup"><summary class="btn">More</summary><div class="over"><b>all</b> of it</div></details>`},
		{"unknown action", `<a>More</a><cwdb-action action="eat">x</cwdb-action>`, `<a>More</a>`},
		{"action of nothing", `<cwdb-action action="call" endpoint="` + here + `">{}</cwdb-action>`, ``},
		{"form", `<form action="https://example.com"><input name="a" value="b"></form>`, `<input name="a" value="b">`},
		{"script", `a<script>alert(1)</script>b<iframe src="https://example.com">x</iframe>c`, `abc`},
		{"handler", `<img src="https://example.com/x" onerror="alert(1)"><a href="javascript:alert(1)" ONCLICK="x">a</a>`, `<img src="https://example.com/x"><a>a</a>`},
		{"other form", `<button form="fault" formaction="/fault">x</button>`, `<button>x</button>`},
		{"style", `<style>.a>b{color:red}</style>`, `<style>.a>b{color:red}</style>`},
		{"style that ends early", `<style>&lt;/style>&lt;script></style>`, ``},
		{"picture", `<svg viewBox="0 0 1 1"><rect x="0"><title>t</title></rect></svg>`, `<svg viewBox="0 0 1 1"><rect x="0"><title>t</title></rect></svg>`},
		{"console", `<a href="https://us-east-1.console.aws.amazon.com/systems-manager/parameters/?region=us-east-1" target="_blank">p</a>`, `<a href="#parameters">p</a>`},
		{"closed by another", `<p>a<b>b</p>c`, `<p>a<b>b</b></p>c`},
		{"left open", `<p>a<br>`, `<p>a<br></p>`},
		{"no HTML", `a</p>`, `<p class="bad">read the widget&#39;s HTML: XML syntax error on line 1: unexpected end element &lt;/p&gt;</p>`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, string(l.embed(row.html))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzEmbed: whatever a widget answers, no element or attribute that runs a
// script is on the page, and the page's own form stays closed in.
func FuzzEmbed(f *testing.F) {
	for _, seed := range []string{`<a>x</a><cwdb-action action="html"><script>`, `<p ON=1 onx=y>`, `<style><`, `<x:script>a</x:script>`, `<a href="JavaScript:x">`, "<p \x00\"=x>"} {
		f.Add(seed)
	}
	l := &Local{statusARN: here}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("an answer is JSON, which is UTF-8")
		}
		out := string(l.embed(text))
		root, err := parse(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		var check func(n *node)
		check = func(n *node) {
			for _, a := range n.attrs {
				name := strings.ToLower(a.Name.Local)
				if strings.HasPrefix(name, "on") || strings.HasPrefix(strings.ToLower(a.Value), "javascript:") && (name == "href" || name == "src") {
					t.Errorf("%q became %q", text, out)
				}
			}
			if n.name == "script" || n.name == "iframe" || n.name == "form" {
				t.Errorf("%q became %q", text, out)
			}
			for _, kid := range n.kids {
				check(kid)
			}
		}
		check(root)
	})
}

func TestMarkup(t *testing.T) {
	for text, want := range map[string][]span{
		"plain":                            {{Text: "plain"}},
		"a &amp; &lt;b&gt;":                {{Text: "a & <b>"}},
		"*bold*, `code`":                   {{"bold", "bold", ""}, {Text: ", "}, {"code", "code", ""}},
		"<https://a.example/?b&amp;c|see>": {{"link", "see", "https://a.example/?b&c"}},
		"<https://a.example>":              {{"link", "https://a.example", "https://a.example"}},
		"2 * 3 * 4 < 5":                    {{Text: "2 "}, {"bold", " 3 ", ""}, {Text: " 4 < 5"}},
	} {
		if diff := cmp.Diff(want, markup(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
