package bench

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/optimum"
)

// summaryTable returns Markdown: the schedules over all distributions.
func summaryTable(all []comparison) string {
	var s strings.Builder
	s.WriteString("| schedule | delay, × the optimum | worst | for |\n|---|---:|---:|---|\n")
	for _, line := range summaries(all) {
		fmt.Fprintf(&s, "| %s | %.2f | %s | %s |\n", line.name, line.mean, figure(line.worst), line.worstOf)
	}
	return s.String()
}

// distributionTables returns Markdown: a table for each distribution.
func distributionTables(all []comparison) string {
	var s strings.Builder
	for i, c := range all {
		if i > 0 {
			s.WriteString("\n")
		}
		fmt.Fprintf(&s, "### %s\n\n| schedule | calls | mean delay, s | p95, s | × the optimum |\n|---|---:|---:|---:|---:|\n", c.distribution.Name)
		for _, r := range c.rows {
			fmt.Fprintf(&s, "| %s | %s | %s | %s | %.2f |\n", r.name, figure(r.calls), figure(r.mean), figure(r.p95), r.ratio)
		}
	}
	return s.String()
}

// figure returns three digits, or all before the decimal point.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// pointsOf returns the schedules of the table that distributionTables made for a distribution.
func pointsOf(t *testing.T, markdown, distribution string) (points []point) {
	_, table, ok := strings.Cut(markdown, "### "+distribution+"\n\n")
	require.True(t, ok, distribution)
	table, _, _ = strings.Cut(table, "\n\n")
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(line, " | ")
		calls, err := strconv.ParseFloat(cells[1], 64)
		require.NoError(t, err, line)
		delay, err := strconv.ParseFloat(cells[2], 64)
		require.NoError(t, err, line)
		points = append(points, point{strings.TrimPrefix(cells[0], "| "), optimum.Point{Calls: calls, Delay: delay}})
	}
	return points
}

// between replaces the text between the two comments of this name.
func between(t *testing.T, text, name, with string) string {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok, begin)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, end)
	return before + begin + "\n" + with + "\n" + end + after
}
