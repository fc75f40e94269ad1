package credential_test

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
)

func TestNoEncoderShowsASecret(t *testing.T) {
	key := credential.AccessKeyOptions{AccessKey: "AK-public", SecretKey: hunter2, SecurityToken: hunter2, ProjectID: "the-project"}
	password := credential.PasswordOptions{IAMEndpoint: "https://u:" + hunter2 + "@iam", User: "user", Password: hunter2, Domain: "account", ProjectName: "the-project"}
	for _, options := range []any{key, &key, password, &password} {
		type holder struct{ Options any }
		for _, v := range []any{options, holder{options}, []any{options}} {
			var out bytes.Buffer
			require.NoError(t, json.NewEncoder(&out).Encode(v))
			require.NoError(t, xml.NewEncoder(&out).Encode(v))
			slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", v)
			require.NotContains(t, out.String(), hunter2)
			require.Contains(t, out.String(), "the-project")
		}
		text, err := options.(encoding.TextMarshaler).MarshalText()
		require.NoError(t, err)
		require.Contains(t, string(text), "the-project")
		require.NotContains(t, string(text), hunter2)

		var out bytes.Buffer
		require.ErrorContains(t, gob.NewEncoder(&out).Encode(options), "options that hold secrets are not encoded")
		require.NotContains(t, out.String(), hunter2)
	}
}
