package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

func TestCheckProxy(t *testing.T) {
	type vars map[string]string
	check := func(set vars, base string) error {
		return wire.CheckProxy(func(name string) string { return set[name] }, base)
	}
	const base = "https://sfs-turbo.cn-north-4.example.com"
	for _, good := range []string{
		"", "proxy", "proxy:3128", "http://proxy", "http://proxy:3128/", "https://proxy.example.com", "socks5://proxy:1080", "socks5h://10.0.0.1",
		"http://user:pass@proxy:3128", "user:pass@proxy:3128", "http://user:p%25ss@proxy", "http://us@er:p@ss@proxy:3128", "http://[::1]:3128", "http://u:a:b@proxy",
	} {
		require.NoError(t, check(vars{"HTTPS_PROXY": good}, base), good)
		require.NoError(t, check(vars{"HTTP_PROXY": good}, "http://example.com"), good)
	}
	for _, bad := range []string{
		"http://user:pa%ss@proxy:3128", "user:pa%ss@proxy:3128", "http://user:pa#ss@proxy:3128", "http://user:12#34@proxy:3128", "http://user:12/34@proxy",
		"http://user:12?34@proxy", `http://dom\user:pass@proxy`, "http://user:pa ss@proxy", "http://user:p^ss@proxy", "http://proxy:3128\n", "http://proxy:3128 ",
		"socks4://proxy", "ftp://proxy", "http://:3128", "http://", "user:1/2@proxy",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
			err := check(vars{name: bad}, base)
			require.ErrorContains(t, err, name+" is not read as the proxy that it is meant to be", bad)
			require.NotContains(t, err.Error(), "ss@")
			require.NotContains(t, err.Error(), "34@")
		}
		require.ErrorContains(t, check(vars{"HTTP_PROXY": bad}, "http://example.com"), "HTTP_PROXY", bad)
		require.NoError(t, check(vars{"HTTP_PROXY": bad}, base), "for the other scheme")
		for _, unused := range []string{"https://localhost", "https://127.0.0.1:8443", "https://[::1]"} {
			require.NoError(t, check(vars{"HTTPS_PROXY": bad}, unused), "never by a proxy")
		}
		for _, exempt := range []string{"*", "example.com", "10.0.0.1, .example.com", "*.example.com:443", "SFS-turbo.cn-north-4.example.com"} {
			require.NoError(t, check(vars{"HTTPS_PROXY": bad, "NO_PROXY": exempt}, base), exempt)
			require.NoError(t, check(vars{"HTTPS_PROXY": bad, "no_proxy": exempt}, base), exempt)
		}
		for _, other := range []string{"ample.com", "cn-north-4", ",", "turbo"} {
			require.Error(t, check(vars{"HTTPS_PROXY": bad, "NO_PROXY": other}, base), other)
		}
	}
}
