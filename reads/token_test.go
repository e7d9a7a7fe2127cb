package reads_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/penstock-io/penstock/auth"
)

// A token is as good as a key at the same door, and no better.
func TestTokens(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	text := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","use":"sig","alg":"EdDSA","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := auth.OpenTokens(t.Context(), auth.TokenOptions{Issuer: "i", Audience: "a", JWKS: file})
	if err != nil {
		t.Fatal(err)
	}
	h := openSQLite(t, settings{tokens: tokens})
	h.put(order(1, 7, 0, "new"))
	token := func(audience string) string {
		unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"iss": "i", "aud": audience, "sub": "7", "exp": time.Now().Add(time.Hour).Unix()})
		unsigned.Header["kid"] = "k"
		signed, err := unsigned.SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + signed
	}
	h.get("", "/v1/me/orders", "Authorization", token("a")).want(t, 200, `"order_id":"1"`)
	h.get("", mine, "Authorization", token("a")).want(t, 200, `"order_id":"1"`)
	h.get("", "/v1/users/8/orders", "Authorization", token("a")).want(t, 404, "not_found")
	h.get("", mine, "Authorization", token("b")).want(t, 401, "unauthenticated")
	h.get("", mine, "Authorization", token("a"), "X-API-Key", h.keys["eight"]).want(t, 401, "unauthenticated")
	h.get("seven", mine).want(t, 200, `"order_id":"1"`)
}
