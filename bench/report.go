package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
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

	peers        []peer
	measurements []measurement
}

func newReport(peers []peer, measurements []measurement) *report {
	return &report{peers: peers, measurements: measurements, Figures: make(map[string]map[string]map[string][]float64)}
}

// describe notes what the figures were taken on.
func (r *report) describe(ctx context.Context, s *server, set settings) (err error) {
	r.Machine = fmt.Sprintf("%s, %d CPUs, %s/%s, %s", cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	r.Size = fmt.Sprintf("%d rounds; enqueue %v; %d batches of %d; drain %d; latency of %d jobs, %v apart on average",
		set.rounds, set.size.enqueueFor, set.size.batches, set.size.batchOf, set.size.drain, set.size.latency, set.size.latencyGap)
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

// print writes the table: the median of the rounds, and their least and
// greatest value.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "- machine: %s\n- server: %s\n- server settings: %s\n- size: %s\n", r.Machine, r.Server, r.Settings, r.Size)
	for _, p := range r.peers {
		fmt.Fprintf(out, "- **%s**: %s\n", p.name, p.about)
	}
	fmt.Fprint(out, "\n|")
	for _, p := range r.peers {
		fmt.Fprintf(out, " | %s", p.name)
	}
	fmt.Fprintf(out, " |\n| ---%s |\n", strings.Repeat(" | ---:", len(r.peers)))
	for _, m := range r.measurements {
		for _, line := range m.rows {
			fmt.Fprintf(out, "| %s", line.title)
			for _, p := range r.peers {
				fmt.Fprintf(out, " | %s", cell(r.Figures[p.name][m.name][line.figure], line.digits))
			}
			fmt.Fprint(out, " |\n")
		}
	}
}

// cell shows the median of values, and their range where there are several.
func cell(values []float64, digits int) string {
	if len(values) == 0 {
		return "–"
	}
	sorted := slices.Sorted(slices.Values(values))
	median := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		median = (median + sorted[len(sorted)/2-1]) / 2
	}
	if len(sorted) == 1 {
		return number(median, digits)
	}
	return fmt.Sprintf("%s (%s–%s)", number(median, digits), number(sorted[0], digits), number(sorted[len(sorted)-1], digits))
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
