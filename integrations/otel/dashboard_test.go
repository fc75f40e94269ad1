package otelwaiter_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// A query of the dashboard, or of an alert, and what it is of.
type query struct{ of, expr string }

func panels(t *testing.T) (list []query) {
	t.Helper()
	text, err := os.ReadFile("dashboard/sfsturbo.json")
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			ID          int
			Title       string
			Description string
			Type        string
			FieldConfig struct{ Defaults struct{ Unit string } }
			Targets     []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &board))
	ids := map[int]bool{}
	for _, p := range board.Panels {
		require.False(t, ids[p.ID], p.ID)
		ids[p.ID] = true
		for _, text := range []string{p.Title, p.Description, p.Type, p.FieldConfig.Defaults.Unit} {
			require.NotEmpty(t, text, p.Title)
		}
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			list = append(list, query{p.Title, target.Expr})
		}
	}
	return list
}

func alerts(t *testing.T) (list []query) {
	t.Helper()
	text, err := os.ReadFile("dashboard/sfsturbo.rules.yaml")
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &rules))
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			require.NotEmpty(t, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.NotEmpty(t, r.Annotations["description"], r.Alert)
			list = append(list, query{r.Alert, r.Expr})
		}
	}
	return list
}

func TestDashboard(t *testing.T) {
	text := string(scraped(t))
	names := map[string]bool{"sfsturbo_job_type": true}
	for _, name := range found(`(?m)^(sfsturbo\w+)`, text) {
		names[name] = true
	}
	for _, label := range found(`[{,](sfsturbo_\w+)=`, text) {
		names[label] = true
	}
	of := map[string]string{}
	for _, q := range append(panels(t), alerts(t)...) {
		of[q.of] += q.expr
		require.NotEmpty(t, found(`(sfsturbo_\w+)`, q.expr), q.of)
		for _, name := range found(`(sfsturbo_\w+)`, q.expr) {
			require.True(t, names[name], "%s: there is no %s in\n%s", q.of, name, text)
		}
		for _, value := range found(`sfsturbo_verdict="(\w+)"`, q.expr) {
			require.Contains(t, text, fmt.Sprintf("sfsturbo_verdict=%q", value), q.of)
		}
		for _, value := range found(`sfsturbo_outcome="(\w+)"`, q.expr) {
			require.Equal(t, "stalled", value, q.of) // see TestErrorType
		}
	}
	for what, metric := range map[string]string{
		"Waits alive by type": "sfsturbo_waits_active", "Detection delay, 95th percentile": "sfsturbo_job_detection_delay_seconds_bucket",
		"Failures by kind": "sfsturbo_poll_failures_total", "Budget of the trackers": "sfsturbo_tracker_budget_per_second",
		"SFSTurboWaitStalled": "sfsturbo_wait_duration_seconds_count", "SFSTurboThrottled": "sfsturbo_polls_total", "SFSTurboCredentialRejected": "sfsturbo_polls_total",
	} {
		require.Contains(t, of[what], metric)
	}
}

// Prometheus's own tool reads all queries, and plays the alerts through.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, of Debian's package prometheus, is not in the PATH; .ci/run puts it there")
	}
	run := func(args ...string) {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "SUCCESS")
	}
	run("check", "rules", "dashboard/sfsturbo.rules.yaml")
	run("test", "rules", "dashboard/sfsturbo.rules.test.yaml")

	var rules strings.Builder
	rules.WriteString("groups:\n- name: panels\n  rules:\n")
	for i, q := range panels(t) {
		expr, err := json.Marshal(regexp.MustCompile(`\$__\w+`).ReplaceAllString(q.expr, "5m"))
		require.NoError(t, err)
		fmt.Fprintf(&rules, "  - {record: panel_%d, expr: %s}\n", i, expr)
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	require.NoError(t, os.WriteFile(file, []byte(rules.String()), 0o600))
	run("check", "rules", file)
}
