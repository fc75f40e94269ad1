package credential

import (
	"errors"
	"fmt"
)

// Format implements [fmt.Formatter]: no verb shows a secret.
func (o AccessKeyOptions) Format(f fmt.State, _ rune) { show(f, o, o.shown()) }

// MarshalText implements [encoding.TextMarshaler], which encoders of JSON, XML, YAML and TOML and
// log/slog use, without the secrets. What is encoded can't be decoded into the same options.
func (o AccessKeyOptions) MarshalText() ([]byte, error) { return fmt.Append(nil, o), nil }

// MarshalBinary implements [encoding.BinaryMarshaler], which encoding/gob uses. It always
// fails: what is decoded again would have no secrets.
func (o AccessKeyOptions) MarshalBinary() ([]byte, error) { return nil, errBinary }

func (o AccessKeyOptions) shown() any {
	return struct{ AccessKey, ProjectID string }{key{access: o.AccessKey}.name(), o.ProjectID}
}

// Format implements [fmt.Formatter]: no verb shows a secret.
func (o PasswordOptions) Format(f fmt.State, _ rune) { show(f, o, o.shown()) }

// MarshalText implements [encoding.TextMarshaler], which encoders of JSON, XML, YAML and TOML and
// log/slog use, without the secrets. What is encoded can't be decoded into the same options.
func (o PasswordOptions) MarshalText() ([]byte, error) { return fmt.Append(nil, o), nil }

// MarshalBinary implements [encoding.BinaryMarshaler], which encoding/gob uses. It always
// fails: what is decoded again would have no secrets.
func (o PasswordOptions) MarshalBinary() ([]byte, error) { return nil, errBinary }

func (o PasswordOptions) shown() any {
	return struct{ User, Domain, ProjectName, ProjectID string }{o.User, o.Domain, o.ProjectName, o.ProjectID}
}

func show(f fmt.State, whole, shown any) {
	_, _ = fmt.Fprintf(f, "%T%+v", whole, shown)
}

var errBinary = errors.New("credential: options that hold secrets are not encoded: keep the secrets elsewhere")
