package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// report is everything that was measured, and on what.
type report struct {
	Date    time.Time `json:"date"`
	Machine machine   `json:"machine"`
	Figures []figure  `json:"figures"`
	// Failures tell of the parts that could not be measured.
	Failures []string `json:"failures,omitempty"`
}

// machine is what it was measured on.
type machine struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPU  string `json:"cpu,omitempty"`
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
}

func newReport() *report {
	info, _ := os.ReadFile("/proc/cpuinfo") // Linux alone has it
	return &report{
		Date:    time.Now().UTC().Truncate(time.Second),
		Machine: machine{runtime.GOOS, runtime.GOARCH, cpuModel(string(info)), runtime.NumCPU(), runtime.Version()},
	}
}

// cpuModel finds the first "model name : X" of /proc/cpuinfo, "" without one.
func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// add takes in what a part measured, and why it could not measure more.
func (r *report) add(part string, figures []figure, err error) {
	for _, f := range figures {
		f.Part = part
		r.Figures = append(r.Figures, f)
	}
	if err != nil {
		r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", part, err))
	}
}

func (m machine) String() string {
	model := ""
	if m.CPU != "" {
		model = " (" + m.CPU + ")"
	}
	return fmt.Sprintf("%s/%s, %d CPUs%s, %s", m.OS, m.Arch, m.CPUs, model, m.Go)
}

// String is the table of all figures.
func (r *report) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s\n\n", r.Date.Format("2006-01-02 15:04 UTC"), r.Machine)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "part\tfigure\tvalue\ttarget\t\n")
	for _, f := range r.Figures {
		bound := ""
		if f.Target != nil {
			bound = f.Target.String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Part, f.Name, strings.TrimSpace(number(f.Value)+" "+f.Unit), bound, f.judgement())
	}
	_ = w.Flush() // a strings.Builder takes everything
	for _, text := range r.Failures {
		fmt.Fprintf(&out, "NOT MEASURED  %s\n", text)
	}
	return trimLines(out.String())
}

// trimLines takes the spaces away that a table's empty last cells leave.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// verdict is an error unless everything was measured and every target met.
func (r *report) verdict() error {
	targets, missed := 0, 0
	for _, f := range r.Figures {
		if f.Target != nil {
			targets++
		}
		if f.missed() {
			missed++
		}
	}
	var errs []error
	if missed > 0 {
		errs = append(errs, fmt.Errorf("%d of %d targets missed", missed, targets))
	}
	if n := len(r.Failures); n > 0 {
		errs = append(errs, fmt.Errorf("%d parts not measured", n))
	}
	return errors.Join(errs...)
}

func (r *report) writeFile(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
