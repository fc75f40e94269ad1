package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// mutation is one break: in file, the text old, which occurs there exactly once, becomes new.
type mutation struct {
	title    string
	file     string // relative to the repository's root
	old, new string
	survives string // why no test can see it; "" if a test must
}

// choose returns the breaks in list whose titles match.
func choose(list, only string) ([]mutation, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	mutations, err := parse(list)
	if err != nil {
		return nil, err
	}
	var chosen []mutation
	for _, m := range mutations {
		if match.MatchString(m.title) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-run %q matches no title in mutations.txt", only)
	}
	return chosen, nil
}

// parse reads the list. The comment at the top of mutations.txt describes its format.
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

// apply returns the text of the file with the break. It changes no file.
func (m *mutation) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("the old text occurs in %s %d times, not once: %q", m.file, n, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}

// overlay writes the broken text below scratch, and a file for go test's -overlay that has the
// compiler read that text instead of the file's own. It returns the name of the overlay file.
func (m *mutation) overlay(root, scratch string) (string, error) {
	text, err := m.apply(root)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(scratch, "break")
	if err != nil {
		return "", err
	}
	broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.file): broken}})
	return overlay, errors.Join(err, os.WriteFile(broken, []byte(text), 0o600), os.WriteFile(overlay, replace, 0o600))
}
