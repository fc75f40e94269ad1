package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutation is one break: in this file, the old text, which stands there exactly once,
// becomes the new.
type mutation struct {
	title    string
	file     string
	old, new string
	survives string // why no test can see it; "" if one has to
}

// parse reads the list: its format is told at its top.
func parse(list string) ([]mutation, error) {
	var all []mutation
	for block := range strings.SplitSeq(list, "\n\n") {
		var m mutation
		for line := range strings.Lines(block) {
			switch line = strings.TrimSuffix(line, "\n"); {
			case strings.HasPrefix(line, "#"), line == "":
			case strings.HasPrefix(line, "-"):
				m.old += line[1:] + "\n"
			case strings.HasPrefix(line, "+"):
				m.new += line[1:] + "\n"
			case strings.HasPrefix(line, "survives: "):
				m.survives = strings.TrimPrefix(line, "survives: ")
			default:
				file, title, ok := strings.Cut(line, ": ")
				if !ok || m.file != "" {
					return nil, fmt.Errorf("mutations.txt: what is %q?", line)
				}
				m.file, m.title = file, title
			}
		}
		switch {
		case m == mutation{}:
			continue
		case m.file == "" || m.old == "" || m.old == m.new:
			return nil, fmt.Errorf("mutations.txt: %q changes nothing", m.title)
		}
		m.old, m.new = strings.TrimSuffix(m.old, "\n"), strings.TrimSuffix(m.new, "\n")
		all = append(all, m)
	}
	return all, nil
}

// apply makes the break in the module below dir.
func (m *mutation) apply(dir string) error {
	path := filepath.Join(dir, m.file)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return fmt.Errorf("the old text stands in %s %d times, not once: %q", m.file, n, m.old)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600)
}
