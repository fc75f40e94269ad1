package credential_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
)

// Editors, shells and Kubernetes secrets add newlines and byte-order marks unseen. Sent as they
// are, each attempt is a failed login.
func TestAPasswordWithInvisibleCharactersIsRefused(t *testing.T) {
	for want, edit := range map[string]func(*credential.PasswordOptions){
		"the password has a trailing newline":                                 func(o *credential.PasswordOptions) { o.Password += "\n" },
		"the password has a control character or an invisible character":      func(o *credential.PasswordOptions) { o.Password = "\ufeff" + o.Password },
		"the user's name has a trailing newline":                              func(o *credential.PasswordOptions) { o.User += "\r\n" },
		"the domain (the account's name) has a trailing newline":              func(o *credential.PasswordOptions) { o.Domain += "\r" },
		"the project's name has a trailing newline":                           func(o *credential.PasswordOptions) { o.ProjectName += "\n" },
		"the project's id has a control character or an invisible character":  func(o *credential.PasswordOptions) { o.ProjectID = "0a\u200b1b" },
		"the project's name has a control character or an invisible characte": func(o *credential.PasswordOptions) { o.ProjectName = "cn\tnorth" },
	} {
		t.Run(want, func(t *testing.T) {
			o := credential.PasswordOptions{
				IAMEndpoint: "https://iam.example.com", User: "user", Password: hunter2, Domain: "account", ProjectName: "cn-north-4",
			}
			edit(&o)
			c, err := credential.Password(o)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), hunter2)
			require.Nil(t, c)
		})
	}
}

// IAM takes a password with spaces, also around it.
func TestAPasswordMayHaveSpaces(t *testing.T) {
	_, c := iam(t, func(o *credential.PasswordOptions) {
		o.Password, o.User, o.Domain = " correct horse ", "用户 1", "My Company"
	})
	require.NotEmpty(t, token(t, c))
}

func TestAByteOrderMarkBeforeATokenIsNotSent(t *testing.T) {
	for _, token := range []string{"\ufeffMIIQ", "MIIQ\u200b", "MII\u00a0Q"} {
		require.ErrorContains(t, failure(t, credential.Token(token)), "the token has a control character or an invisible character in it")
	}
	_, err := credential.AccessKey(credential.AccessKeyOptions{AccessKey: "AK", SecretKey: "\ufeff" + hunter2})
	require.ErrorContains(t, err, "the secret key has a control character or an invisible character in it")
}

func TestFromEnvNamesAPasswordWithANewline(t *testing.T) {
	for name, value := range map[string]string{
		"HW_USER_NAME": "user", "HW_USER_PASSWORD": hunter2 + "\n", "HW_DOMAIN_NAME": "account", "HW_REGION_NAME": "cn-north-4",
	} {
		t.Setenv(name, value)
	}
	_, err := credential.FromEnv()
	require.ErrorContains(t, err, "from the environment's HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME: credential: the password has a trailing newline")
}
