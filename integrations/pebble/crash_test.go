package pebble

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/tracker"
)

const perCommit = 50

// commitForever commits one batch after another, and says so after each. All records of a batch
// have its number.
func commitForever(dir string) {
	j, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	last := 0
	for r, err := range j.Load() {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		n, _ := strconv.Atoi(strings.TrimSpace(string(r.Data)))
		last = max(last, n)
	}
	for n := last + 1; ; n++ {
		var records []tracker.Record
		for i := range perCommit {
			records = append(records, record(fmt.Sprint("job-", i), fmt.Sprintf("%d %600s", n, "")))
		}
		if err := j.Commit(records); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func TestKill(t *testing.T) {
	t.Run("loses no commit that has returned, and leaves none in half", func(t *testing.T) {
		dir := t.TempDir()
		r := rand.New(rand.NewPCG(1, 2))
		committed := 0
		for range 25 {
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), "COMMIT_JOURNAL="+dir)
			out, err := child.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, child.Start())
			time.AfterFunc(time.Duration(30+r.IntN(150))*time.Millisecond, func() { _ = child.Process.Kill() })
			for lines := bufio.NewScanner(out); lines.Scan(); {
				n, err := strconv.Atoi(lines.Text())
				require.NoError(t, err, lines.Text())
				committed = n
			}
			_ = child.Wait()

			j := opened(t, dir)
			batches := map[string]int{}
			for _, data := range stored(t, j) {
				batches[strings.TrimSpace(data)]++
			}
			require.NoError(t, j.Close())
			if committed == 0 && len(batches) == 0 {
				continue
			}
			require.Len(t, batches, 1, "a commit is there in half: %v", batches)
			for data, n := range batches {
				stored, err := strconv.Atoi(data)
				require.NoError(t, err)
				require.Equal(t, perCommit, n)
				require.GreaterOrEqual(t, stored, committed, "a commit is lost")
				require.LessOrEqual(t, stored, committed+1)
			}
		}
		require.Greater(t, committed, 25)
	})
}
