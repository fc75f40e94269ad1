package environ

import (
	"errors"
	"strconv"
	"strings"
)

// What the Terraform provider reads, and this module does not. To go on without it would
// mean to wait as another user, or with less security, than is meant.
var (
	profile = refusal{
		names: []string{"HW_SHARED_CONFIG_FILE", "HW_PROFILE"},
		why:   "the command-line client's file is not read: unset it, and set HW_ACCESS_KEY, HW_SECRET_KEY, HW_REGION_NAME and HW_PROJECT_ID",
	}
	agency = refusal{
		names: []string{
			"HW_ASSUME_ROLE_AGENCY_NAME", "HW_ASSUME_ROLE_DOMAIN_NAME", "HW_ASSUME_ROLE_DOMAIN_ID", "HW_ASSUME_ROLE_DURATION",
			"HW_ASSUME_ROLE_IDP_ID", "HW_ASSUME_ROLE_ID_TOKEN", "HW_ASSUME_ROLE_ID_TOKEN_FILE",
			"OS_AGENCY_NAME", "OS_AGENCY_DOMAIN_NAME", "OS_DELEGATED_PROJECT",
		},
		why: "no agency is assumed here, so the requests would be another user's: unset it, and set HW_ACCESS_KEY, HW_SECRET_KEY and " +
			"HW_SECURITY_TOKEN to a temporary key of the agency, or get one in AccessKeyOptions.Rotate",
	}
	signing = refusal{
		names: []string{"HW_SIGNING_ALGORITHM"},
		why:   "requests are signed with HmacSHA256: unset it, or use another credential",
		fine:  func(value string, _ Getenv) bool { return value == "HmacSHA256" },
	}
	authority = refusal{
		names: []string{"OS_CACERT"},
		why:   "it is not read: set SSL_CERT_FILE too, to a file with the certificate of the cloud's authority",
		fine:  func(_ string, get Getenv) bool { return get.hasRoots() },
	}
	insecure = refusal{
		names: []string{"HW_INSECURE", "OS_INSECURE"},
		why:   "certificates are always verified: unset it, or set SSL_CERT_FILE too, to a file with the certificate of the cloud's authority",
		fine: func(value string, get Getenv) bool {
			on, err := strconv.ParseBool(value)
			return err == nil && !on || get.hasRoots()
		},
	}
	identity = refusal{
		names: []string{"OS_CERT", "OS_KEY"},
		why:   "a certificate of the client's is not read: unset it, and use WithHTTPClient and PasswordOptions.HTTPClient",
	}
)

// refusal is of variables that must not be ignored.
type refusal struct {
	names []string
	why   string                              // and what to set instead
	fine  func(value string, get Getenv) bool // nil if no value is
}

// CheckAgency returns an error if the user is to be replaced by an agency.
func (get Getenv) CheckAgency() error { return get.refuse(agency) }

// CheckSigning returns an error if access keys are to sign in another way.
func (get Getenv) CheckSigning() error { return get.refuse(signing) }

// CheckTLS returns an error if certificates are to be treated in another way than
// net/http does by itself.
func (get Getenv) CheckTLS() error { return get.refuse(authority, insecure, identity) }

func (get Getenv) hasRoots() bool {
	value, _ := get.First("SSL_CERT_FILE", "SSL_CERT_DIR")
	return value != ""
}

func (get Getenv) refuse(refusals ...refusal) error {
	var wrong []string
	for _, r := range refusals {
		var set []string
		for _, name := range r.names {
			if value := get(name); value != "" && (r.fine == nil || !r.fine(value, get)) {
				set = append(set, name)
			}
		}
		if set != nil {
			why := r.why
			if len(set) > 1 {
				why = strings.Replace(why, "unset it", "unset them", 1)
			}
			wrong = append(wrong, strings.Join(set, " and ")+" can't be followed: "+why)
		}
	}
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, ". And "))
}
