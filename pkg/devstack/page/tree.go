package page

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// node is an element of HTML, or a text where its name is empty.
type node struct {
	name  string
	attrs []xml.Attr
	text  string
	kids  []*node
}

// parse reads the HTML of a widget. What is left open ends with what is around
// it.
func parse(text string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	root := &node{}
	open := []*node{root}
	for {
		token, err := d.Token()
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); errors.Is(err, io.EOF) || ok && syntax.Msg == "unexpected EOF" {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the widget's HTML: %w", err)
		}
		last := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{name: strings.ToLower(t.Name.Local), attrs: slices.Clone(t.Attr)}
			last.kids = append(last.kids, n)
			open = append(open, n)
		case xml.EndElement:
			// The decoder pairs start and end.
			open = open[:len(open)-1]
		case xml.CharData:
			last.kids = append(last.kids, &node{text: string(t)})
		}
	}
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// allText is the text inside.
func (n *node) allText() string {
	var b strings.Builder
	b.WriteString(n.text)
	for _, kid := range n.kids {
		b.WriteString(kid.allText())
	}
	return b.String()
}

// isSpace reports whether there is nothing to see.
func (n *node) isSpace() bool { return n.name == "" && strings.TrimSpace(n.text) == "" }

// void are the elements that have no end.
var void = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// left are the elements that the console takes out of a widget with what is in
// them: scripts and what loads a page of its own ("Details about custom
// widgets", CloudWatch user guide), and what would change the page around it.
var left = []string{"script", "iframe", "use", "object", "embed", "frame", "frameset", "link", "meta", "base", "noscript", "template"}

// safe are the attributes of an element that stay: none that run a script.
func (n *node) safe() []xml.Attr {
	return slices.DeleteFunc(slices.Clone(n.attrs), func(a xml.Attr) bool {
		name := strings.ToLower(a.Name.Local)
		switch {
		case strings.HasPrefix(name, "on"), name == "form", name == "formaction", name == "srcdoc":
			return true
		case name == "href", name == "src", name == "action":
			return !strings.HasPrefix(a.Value, "https://") && !strings.HasPrefix(a.Value, "#")
		}
		return false
	})
}

// writeTag writes the start of an element.
func writeTag(b *strings.Builder, name string, attrs []xml.Attr) {
	b.WriteString("<" + name)
	for _, a := range attrs {
		attrName := a.Name.Local
		if strings.ContainsAny(attrName, "\"'<>/= \t\n") {
			continue
		}
		b.WriteString(" " + attrName + `="` + html.EscapeString(a.Value) + `"`)
	}
	b.WriteString(">")
}
