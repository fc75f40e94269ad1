package bench

import (
	"fmt"
	"strings"

	"github.com/sfsturbo/waiter/proof/bench/chart"
)

// summaryTable is Markdown: the schedules under all laws.
func summaryTable(all []comparison) string {
	var s strings.Builder
	s.WriteString("| schedule | delay, × the optimum | worst | under |\n|---|---:|---:|---|\n")
	for _, line := range summaries(all) {
		fmt.Fprintf(&s, "| %s | %.2f | %s | %s |\n", line.name, line.mean, figure(line.worst), line.worstLaw)
	}
	return s.String()
}

// lawTables is Markdown: a table for each law.
func lawTables(all []comparison) string {
	var s strings.Builder
	for i, c := range all {
		if i > 0 {
			s.WriteString("\n")
		}
		fmt.Fprintf(&s, "### %s\n\n| schedule | calls | mean delay, s | p95, s | × the optimum |\n|---|---:|---:|---:|---:|\n", c.law.Name)
		for _, r := range c.rows {
			fmt.Fprintf(&s, "| %s | %s | %s | %s | %.2f |\n", r.name, figure(r.calls), figure(r.mean), figure(r.p95), r.ratio)
		}
	}
	return s.String()
}

// figure has three digits, or all before the point.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func picture(all []comparison) string {
	var panels []chart.Panel
	for _, c := range all {
		p := chart.Panel{Title: c.law.Name}
		for _, q := range c.curve {
			p.Curve = append(p.Curve, chart.Point{X: q.Calls, Y: q.Delay})
		}
		for _, r := range c.rows {
			if r.label != "" {
				p.Marks = append(p.Marks, chart.Mark{Point: chart.Point{X: r.calls, Y: r.mean}, Label: r.label, Ours: r.ours})
			}
		}
		panels = append(panels, p)
	}
	return chart.Draw(panels, []chart.Note{
		{Of: chart.Curve, Text: "the optimum: the least delay for each number of calls that any"},
		{Text: "schedule reaches which knows the law of the lengths, but not the job"},
		{Of: chart.Theirs, Text: "others, each waiting by its own library's loop"},
		{Of: chart.Ours, Text: "this library, after 0, 10, 100 and 1000 jobs of the type"},
		{},
		{Text: "Each panel is a law of job lengths; everyone waits for the same jobs."},
		{Text: "A call is one look at the job. The delay is from the job's end to the"},
		{Text: "call that sees it. Down and to the left is better; the axes are"},
		{Text: "logarithmic."},
	})
}
