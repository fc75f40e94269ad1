package apiserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/integrations/kubernetes/apiserver"
)

func TestStartSaysWhyEtcdHasEnded(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("PATH"), "etcd"), []byte("#!/bin/sh\necho no disk\nexit 1\n"), 0o700))
	s, err := apiserver.Start(t.Context())
	require.ErrorContains(t, err, "etcd has ended: no disk")
	require.Nil(t, s)
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left of it")
}
