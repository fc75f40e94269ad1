package credential

import (
	"fmt"
	"os"
	"strings"

	"github.com/sfsturbo/waiter/internal/environ"
)

// FromEnv returns the credential that the environment holds, in the variables of the
// official SDK or the Terraform provider. It uses the first of these sets that is
// complete:
//
//	HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK           [AccessKey]
//	HW_AUTH_TOKEN                                    [Token]
//	HW_ACCESS_KEY, HW_SECRET_KEY                     [AccessKey]
//	HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME   [Password]
//	OS_AUTH_TOKEN                                    [Token]
//	OS_ACCESS_KEY, OS_SECRET_KEY                     [AccessKey]
//	OS_USERNAME, OS_PASSWORD, OS_DOMAIN_NAME         [Password]
//
// The security token of a temporary access key is HUAWEICLOUD_SDK_SECURITY_TOKEN,
// HW_SECURITY_TOKEN or OS_SECURITY_TOKEN. OS_USER_DOMAIN_NAME and OS_PROJECT_DOMAIN_NAME
// stand in for OS_DOMAIN_NAME. A user and an account are given by name: their ids are not
// read.
//
// The project, for a Password and as X-Project-Id, is the first that is set of
// HUAWEICLOUD_SDK_PROJECT_ID, HW_PROJECT_ID, HW_PROJECT_NAME, OS_PROJECT_ID,
// OS_TENANT_ID, OS_PROJECT_NAME and OS_TENANT_NAME, otherwise the project that has the
// region's name. The region is HW_REGION_NAME, otherwise OS_REGION_NAME. The address of
// IAM is HUAWEICLOUD_SDK_IAM_ENDPOINT, HW_AUTH_URL or OS_AUTH_URL, otherwise the region's:
// https://iam.{region}.{cloud}, where the cloud is HW_CLOUD, otherwise myhuaweicloud.com,
// or myhuaweicloud.eu in Europe. Without HW_CLOUD the region's address is not used if
// HW_SFS_TURBO_ENDPOINT is of another cloud. An empty variable counts as not set.
//
// Some of what the Terraform provider reads is not supported, and would be wrong to
// ignore. FromEnv fails if it is set:
//
//	HW_SHARED_CONFIG_FILE, HW_PROFILE
//	HW_ASSUME_ROLE_*, OS_AGENCY_NAME, OS_AGENCY_DOMAIN_NAME, OS_DELEGATED_PROJECT
//	HW_SIGNING_ALGORITHM, with an access key, unless it is HmacSHA256
//	HW_INSECURE, OS_INSECURE, OS_CACERT, with a password, unless SSL_CERT_FILE or
//	SSL_CERT_DIR is set; OS_CERT and OS_KEY, with a password
//
// The environment is read once, now; FromEnv does not use the network. The error names
// the variables that it looked for, and the sets that are incomplete.
func FromEnv() (Credential, error) { return fromEnv(os.Getenv) }

func fromEnv(get environ.Getenv) (Credential, error) {
	place, err := get.Place()
	if err == nil {
		err = get.CheckAgency()
	}
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
			c, err := w.make(get, values, place)
			if err != nil {
				return nil, fmt.Errorf("from the environment's %s: %w", strings.Join(names, ", "), err)
			}
			return c, nil
		}
		looked = append(looked, strings.Join(names, " with "))
		// An account's name alone, the last of three, also goes with an access key.
		if len(has) > 0 && (len(has) > 1 || values[0] != "" || values[1] != "") {
			half = append(half, strings.Join(has, " and ")+" without "+strings.Join(lacks, " and ")+w.instead(get, lacks))
		}
	}
	all := "ooked for " + strings.Join(looked, "; ")
	if half != nil { // most likely what is meant
		return nil, permanent("no credential in the environment. Incomplete: " + strings.Join(half, "; ") + ". L" + all)
	}
	return nil, permanent("no credential in the environment: l" + all)
}

func first(get environ.Getenv, names []string) string {
	value, _ := get.First(names...)
	return value
}

// way is a set of variables that makes a credential. It is complete if for each of needs
// one of the alternatives is set.
type way struct {
	needs [][]string
	make  func(get environ.Getenv, values []string, p environ.Place) (Credential, error)
	ids   map[string][]string // of what is needed by name: the variables with its id
}

// instead says that what a way lacks is there by its id, which is not enough.
func (w way) instead(get environ.Getenv, lacks []string) string {
	var notes []string
	for _, name := range lacks {
		if _, set := get.First(w.ids[name]...); set != "" {
			notes = append(notes, set+" is not read: set "+name)
		}
	}
	if notes == nil {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

var ways = []way{
	{needs: [][]string{{"HUAWEICLOUD_SDK_AK"}, {"HUAWEICLOUD_SDK_SK"}}, make: accessKeyWith("HUAWEICLOUD_SDK_SECURITY_TOKEN")},
	{needs: [][]string{{"HW_AUTH_TOKEN"}}, make: makeToken},
	{needs: [][]string{{"HW_ACCESS_KEY"}, {"HW_SECRET_KEY"}}, make: accessKeyWith("HW_SECURITY_TOKEN")},
	{
		needs: [][]string{{"HW_USER_NAME"}, {"HW_USER_PASSWORD"}, {"HW_DOMAIN_NAME"}}, make: makePassword,
		ids: map[string][]string{"HW_USER_NAME": {"HW_USER_ID"}, "HW_DOMAIN_NAME": {"HW_DOMAIN_ID"}},
	},
	{needs: [][]string{{"OS_AUTH_TOKEN"}}, make: makeToken},
	{needs: [][]string{{"OS_ACCESS_KEY"}, {"OS_SECRET_KEY"}}, make: accessKeyWith("OS_SECURITY_TOKEN")},
	{
		needs: [][]string{{"OS_USERNAME"}, {"OS_PASSWORD"}, {"OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"}}, make: makePassword,
		ids: map[string][]string{
			"OS_USERNAME":    {"OS_USER_ID", "OS_USERID"},
			"OS_DOMAIN_NAME": {"OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID"},
		},
	},
}

func makeToken(_ environ.Getenv, values []string, _ environ.Place) (Credential, error) {
	if err := sendable("token", values[0]); err != nil {
		return nil, err
	}
	return Token(values[0]), nil
}

func accessKeyWith(securityToken string) func(environ.Getenv, []string, environ.Place) (Credential, error) {
	return func(get environ.Getenv, values []string, p environ.Place) (Credential, error) {
		if err := get.CheckSigning(); err != nil {
			return nil, permanent(err.Error())
		}
		return AccessKey(AccessKeyOptions{
			AccessKey: values[0], SecretKey: values[1], SecurityToken: get(securityToken), ProjectID: p.ProjectID,
		})
	}
}

func makePassword(get environ.Getenv, values []string, p environ.Place) (Credential, error) {
	if err := get.CheckTLS(); err != nil {
		return nil, permanent(err.Error())
	}
	if p.IAMEndpoint == "" {
		return nil, permanent("a user's password needs IAM's address: " + p.NoIAM)
	}
	return Password(PasswordOptions{
		IAMEndpoint: p.IAMEndpoint, User: values[0], Password: values[1], Domain: values[2],
		ProjectID: p.ProjectID, ProjectName: p.ProjectName,
	})
}
