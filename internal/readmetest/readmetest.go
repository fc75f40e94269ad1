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

	"github.com/stretchr/testify/require"
)

var program = regexp.MustCompile("(?s)```go\n(.*?)```")

// Build builds all n Go programs of the README in the folder module, with these replacements as in
// strings.NewReplacer, and returns the paths of the executables. They are packages of the module,
// which exist only while they are built.
func Build(t testing.TB, module string, n int, oldnew ...string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "README.md"))
	require.NoError(t, err)
	blocks := program.FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, n)
	root, err := filepath.Abs(module)
	require.NoError(t, err)
	folder := t.TempDir()
	overlay := filepath.Join(folder, "overlay.json")
	replace := map[string]string{}
	paths := make([]string, 0, n)
	build := []string{"build", "-C", root, "-overlay", overlay, "-o", folder + string(filepath.Separator)}
	for i, block := range blocks {
		name := fmt.Sprintf("readme%d", i)
		source := filepath.Join(folder, name+".go")
		require.NoError(t, os.WriteFile(source, []byte(strings.NewReplacer(oldnew...).Replace(block[1])), 0o600))
		replace[filepath.Join(root, name, "readme.go")] = source
		build = append(build, "./"+name)
		paths = append(paths, filepath.Join(folder, name))
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, data, 0o600))
	out, err := exec.Command("go", build...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return paths
}
