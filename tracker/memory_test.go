package tracker

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestMemory(t *testing.T) {
	require.LessOrEqual(t, int(unsafe.Sizeof(job{})), 512, "the next size of an allocation is 576 bytes")
}
