package credential

import (
	"fmt"
	"os"
	"strings"

	"github.com/sfsturbo/waiter/internal/environ"
)

// FromEnv returns the credential that the environment holds, for those who have it
// set up for the official SDK or the Terraform provider. It takes the first of these
// that is complete:
//
//	HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK           [AccessKey], with HUAWEICLOUD_SDK_SECURITY_TOKEN if set
//	HW_AUTH_TOKEN                                    [Token]
//	HW_ACCESS_KEY, HW_SECRET_KEY                     [AccessKey], with HW_SECURITY_TOKEN if set
//	HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME   [Password]
//	OS_AUTH_TOKEN                                    [Token]
//	OS_ACCESS_KEY, OS_SECRET_KEY                     [AccessKey], with OS_SECURITY_TOKEN if set
//	OS_USERNAME, OS_PASSWORD, OS_DOMAIN_NAME         [Password]; also OS_USER_DOMAIN_NAME, OS_PROJECT_DOMAIN_NAME
//
// The project, for a Password and as X-Project-Id, is the first of
// HUAWEICLOUD_SDK_PROJECT_ID, HW_PROJECT_ID, HW_PROJECT_NAME, OS_PROJECT_ID,
// OS_TENANT_ID, OS_PROJECT_NAME, OS_TENANT_NAME, and the one that has the region's
// name; the region is HW_REGION_NAME, else OS_REGION_NAME; IAM is at
// HUAWEICLOUD_SDK_IAM_ENDPOINT, HW_AUTH_URL, OS_AUTH_URL, else at the region's
// address. A variable that is set to nothing is not set.
//
// The environment is read once, now. The error says what was looked for, and what of
// it is half there. There is no network in it.
func FromEnv() (Credential, error) { return fromEnv(os.Getenv) }

func fromEnv(get environ.Getenv) (Credential, error) {
	place, err := get.Place()
	if err != nil {
		return nil, permanent("in the environment, " + err.Error())
	}
	var looked, half []string
	for _, w := range ways {
		var values, names, has, lacks []string
		for _, alternatives := range w.needs {
			name, value := alternatives[0], first(get, alternatives)
			names, values = append(names, name), append(values, value)
			if value != "" {
				has = append(has, name)
			} else {
				lacks = append(lacks, name)
			}
		}
		if lacks == nil {
			c, err := w.make(values, get(w.securityToken), place)
			if err != nil {
				return nil, fmt.Errorf("from the environment's %s: %w", strings.Join(names, ", "), err)
			}
			return c, nil
		}
		looked = append(looked, strings.Join(names, " with "))
		// An account's name alone, the last of three, is set for an access key too.
		if len(has) > 0 && (len(has) > 1 || values[0] != "" || values[1] != "") {
			half = append(half, strings.Join(has, " and ")+" without "+strings.Join(lacks, " and "))
		}
	}
	text := "no credential in the environment: looked for " + strings.Join(looked, "; ")
	if half != nil {
		text += ". Half there: " + strings.Join(half, "; ")
	}
	return nil, permanent(text)
}

func first(get environ.Getenv, names []string) string {
	value, _ := get.First(names...)
	return value
}

// way is one in which a credential is given: needs are the variables that make it
// complete, each with those that stand in for it.
type way struct {
	needs         [][]string
	securityToken string
	make          func(values []string, securityToken string, p environ.Place) (Credential, error)
}

var ways = []way{
	{[][]string{{"HUAWEICLOUD_SDK_AK"}, {"HUAWEICLOUD_SDK_SK"}}, "HUAWEICLOUD_SDK_SECURITY_TOKEN", makeAccessKey},
	{[][]string{{"HW_AUTH_TOKEN"}}, "", makeToken},
	{[][]string{{"HW_ACCESS_KEY"}, {"HW_SECRET_KEY"}}, "HW_SECURITY_TOKEN", makeAccessKey},
	{[][]string{{"HW_USER_NAME"}, {"HW_USER_PASSWORD"}, {"HW_DOMAIN_NAME"}}, "", makePassword},
	{[][]string{{"OS_AUTH_TOKEN"}}, "", makeToken},
	{[][]string{{"OS_ACCESS_KEY"}, {"OS_SECRET_KEY"}}, "OS_SECURITY_TOKEN", makeAccessKey},
	{[][]string{{"OS_USERNAME"}, {"OS_PASSWORD"}, {"OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"}}, "", makePassword},
}

func makeToken(values []string, _ string, _ environ.Place) (Credential, error) {
	if err := sendable("token", values[0]); err != nil {
		return nil, err
	}
	return Token(values[0]), nil
}

func makeAccessKey(values []string, securityToken string, p environ.Place) (Credential, error) {
	return AccessKey(AccessKeyOptions{
		AccessKey: values[0], SecretKey: values[1], SecurityToken: securityToken, ProjectID: p.ProjectID,
	})
}

func makePassword(values []string, _ string, p environ.Place) (Credential, error) {
	if p.IAMEndpoint == "" {
		return nil, permanent("a user's password needs IAM's address: set HW_REGION_NAME, or HW_AUTH_URL")
	}
	return Password(PasswordOptions{
		IAMEndpoint: p.IAMEndpoint, User: values[0], Password: values[1], Domain: values[2],
		ProjectID: p.ProjectID, ProjectName: p.ProjectName,
	})
}
