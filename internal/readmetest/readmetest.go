// Package readmetest builds the programs that a README shows, as its readers do.
package readmetest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var program = regexp.MustCompile("(?s)```go\n(.*?)```")

// Build builds all n Go programs of the README in the folder module, with these replacements as in
// strings.NewReplacer, and returns the paths of the executables. They are packages of the module,
// which exist only while they are built.
func Build(t testing.TB, module string, n int, oldnew ...string) []string {
	t.Helper()
	folder := t.TempDir()
	paths, err := build(module, folder, n, strings.NewReplacer(oldnew...))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func build(module, folder string, n int, replacer *strings.Replacer) (paths []string, err error) {
	root, err := filepath.Abs(module)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, err
	}
	blocks := program.FindAllStringSubmatch(string(text), -1)
	if len(blocks) != n {
		return nil, fmt.Errorf("%s has %d Go programs, not %d", filepath.Join(root, "README.md"), len(blocks), n)
	}
	overlay := filepath.Join(folder, "overlay.json")
	replace := map[string]string{}
	args := []string{"build", "-C", root, "-overlay", overlay, "-o", folder + string(filepath.Separator)}
	for i, block := range blocks {
		name := fmt.Sprintf("readme%d", i)
		source := filepath.Join(folder, name+".go")
		if err := os.WriteFile(source, []byte(replacer.Replace(block[1])), 0o600); err != nil {
			return nil, err
		}
		replace[filepath.Join(root, name, "readme.go")] = source
		args = append(args, "./"+name)
		paths = append(paths, filepath.Join(folder, name))
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return paths, nil
}
