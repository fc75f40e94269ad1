package simulation

import (
	"runtime"
	"strings"
)

// stacks are goroutines, by the first lines of their stacks.
type stacks map[string]string

// goroutines returns the goroutines in the caller's bubble, without the caller.
func goroutines() stacks {
	buffer := make([]byte, 1<<20)
	n := runtime.Stack(buffer, true)
	for ; n == len(buffer); n = runtime.Stack(buffer, true) { // the text did not fit
		buffer = make([]byte, 2*n)
	}
	all := strings.Split(string(buffer[:n]), "\n\n")
	_, bubble, _ := strings.Cut(strings.SplitN(all[0], "\n", 2)[0], "synctest bubble ")
	found := stacks{}
	for _, stack := range all[1:] {
		first, _, _ := strings.Cut(stack, "\n")
		if id, _, _ := strings.Cut(first, " ["); strings.HasSuffix(first, "synctest bubble "+bubble) {
			found[id] = stack
		}
	}
	return found
}

// ofWaits returns the goroutines that the waiter has started; none may outlive its call.
func (s stacks) ofWaits() string {
	var list []string
	for _, stack := range s {
		_, creator, _ := strings.Cut(stack, "created by github.com/sfsturbo/waiter")
		if strings.HasPrefix(creator, ".") || strings.HasPrefix(creator, "/internal/wait.") {
			list = append(list, stack)
		}
	}
	return strings.Join(list, "\n")
}

// left returns the goroutines that are there now and were not before.
func (s stacks) left() string {
	var list []string
	for id, stack := range goroutines() {
		if _, was := s[id]; !was {
			list = append(list, stack)
		}
	}
	return strings.Join(list, "\n")
}
