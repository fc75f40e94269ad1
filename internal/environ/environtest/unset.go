// Package environtest keeps tests apart from the environment of the person who runs them.
package environtest

import (
	"os"
	"regexp"
)

// read matches what this module reads from the environment, and the proxies that net/http reads.
var read = regexp.MustCompile(`^((?:HW_|OS_|HUAWEICLOUD_SDK_)\w*|(?i:HTTPS?_PROXY|NO_PROXY))=`)

// Unset unsets these variables for the process. Call it in TestMain: net/http reads the proxies
// once.
func Unset() {
	for _, pair := range os.Environ() {
		if found := read.FindStringSubmatch(pair); found != nil {
			_ = os.Unsetenv(found[1])
		}
	}
}
