package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that no way of printing shows. Reveal is the only way to
// it.
type Secret string

const hidden = "[secret]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]", whatever the secret is.
func (Secret) String() string { return hidden }

// Format prints "[secret]" for every verb. String alone would not do: a verb
// that does not fit, such as %d, has fmt print the text itself.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[secret]"; encoding/json uses it too, but not for the
// keys of a map.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns "[secret]" for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
