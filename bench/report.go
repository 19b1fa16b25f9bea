package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// A report gathers the figures of all rounds.
type report struct {
	Machine  string
	Server   string
	Settings string
	Size     string
	// Figures are by peer, measurement and figure, one value a round.
	Figures map[string]map[string]map[string][]float64

	// Notes say what is missing and why.
	Notes []string

	peers        []peer
	named        bool
	measurements []measurement
}

func newReport(peers []peer, named bool, measurements []measurement) *report {
	return &report{peers: peers, named: named, measurements: measurements, Figures: make(map[string]map[string]map[string][]float64)}
}

// describe notes what the figures were taken on.
func (r *report) describe(ctx context.Context, s *server, set settings) (err error) {
	r.Machine = fmt.Sprintf("%s, %d CPUs, %s/%s, %s", cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	r.Size = fmt.Sprintf("%d rounds, %d of what takes long; %s", set.rounds, min(set.rounds, set.long), set.size.String())
	r.Server, r.Settings, err = s.describe(ctx)
	return err
}

func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

func (r *report) add(p peer, m measurement, got figures) {
	byPeer := r.Figures[p.name]
	if byPeer == nil {
		byPeer = make(map[string]map[string][]float64)
		r.Figures[p.name] = byPeer
	}
	if byPeer[m.name] == nil {
		byPeer[m.name] = make(map[string][]float64)
	}
	for name, value := range got {
		byPeer[m.name][name] = append(byPeer[m.name][name], value)
	}
}

// write writes all figures as JSON, unless file is empty.
func (r *report) write(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// failed is an error when a measurement was.
func (r *report) failed() error {
	for _, note := range r.Notes {
		if strings.HasPrefix(note, "FAILED") {
			return errors.New("not every measurement succeeded; the notes say which and why")
		}
	}
	return nil
}

// note says what is missing, once.
func (r *report) note(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// print writes what was measured on, the goals, and a table for each
// measurement: the median of the rounds, with their least and greatest value.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "- machine: %s\n- server: %s\n- server settings: %s\n- size: %s\n", r.Machine, r.Server, r.Settings, r.Size)
	for _, p := range r.peers {
		if r.Figures[p.name] != nil {
			fmt.Fprintf(out, "- **%s**%s: %s\n", p.name, version(p.module), p.about)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "- %s\n", note)
	}
	r.printGoals(out)
	for _, m := range r.measurements {
		r.printTable(out, m)
	}
}

func (r *report) printTable(out io.Writer, m measurement) {
	first, rule := "peer", "---"
	if m.conditions != nil {
		first, rule = "peer | condition", "--- | ---"
	}
	fmt.Fprintf(out, "\n### %s\n\n| %s ", m.title, first)
	for _, c := range m.columns {
		fmt.Fprintf(out, "| %s ", c.title)
	}
	fmt.Fprintf(out, "|\n| %s%s |\n", rule, strings.Repeat(" | ---:", len(m.columns)))
	for _, p := range m.of(r.peers, r.named) {
		found := r.Figures[p.name][m.name]
		if found == nil {
			continue
		}
		for _, row := range m.rows() {
			fmt.Fprintf(out, "| %s ", p.name)
			if m.conditions != nil {
				fmt.Fprintf(out, "| %s ", row.title)
			}
			for _, c := range m.columns {
				fmt.Fprintf(out, "| %s ", cell(found[figureUnder(row.name, c.figure)], c.digits))
			}
			fmt.Fprint(out, "|\n")
		}
	}
}

// version is the version of a module that this program was built with.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok || module == "" {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return " " + dep.Version
		}
	}
	return ""
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle] + sorted[middle-1]) / 2
	}
	return sorted[middle]
}

// cell shows the median of values, and their range where there are several.
func cell(values []float64, digits int) string {
	switch len(values) {
	case 0:
		return "–"
	case 1:
		return number(values[0], digits)
	}
	return fmt.Sprintf("%s [%s–%s]", number(median(values), digits), number(slices.Min(values), digits), number(slices.Max(values), digits))
}

// number shows whole numbers with a comma at each thousand.
func number(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		return text
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
