package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/penstock-io/penstock/auth"
)

const (
	issuer   = "https://id.example"
	audience = "penstock"
)

// keys writes a JWKS with the public half of a new key.
func keys(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	text, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256", "x": b64(point[1:33]), "y": b64(point[33:])}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return key, file
}

func good() jwt.MapClaims {
	return jwt.MapClaims{"iss": issuer, "aud": audience, "sub": "7", "exp": time.Now().Add(time.Hour).Unix()}
}

func sign(t *testing.T, method jwt.SigningMethod, kid string, claims jwt.MapClaims, key any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func with(claims jwt.MapClaims, name string, value any) jwt.MapClaims {
	claims[name] = value
	if value == nil {
		delete(claims, name)
	}
	return claims
}

func TestTokens(t *testing.T) {
	key, file := keys(t)
	stranger, _ := keys(t)
	tokens, err := auth.OpenTokens(context.Background(), auth.TokenOptions{Issuer: issuer, Audience: audience, JWKS: file, TenantClaim: "tenant", EveryScope: "orders:read:any"})
	if err != nil {
		t.Fatal(err)
	}
	a := &auth.Authenticator{Tokens: tokens}
	ask := func(token string) (auth.Principal, error) {
		return a.Principal(&http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}})
	}
	p, err := ask(sign(t, jwt.SigningMethodES256, "one", with(good(), "tenant", "a"), key))
	if err != nil || p.User() != "7" || p.Tenant() != "a" || !p.May("7") || p.May("8") || p.May("") {
		t.Fatalf("%+v %v", p, err)
	}
	p, err = ask(sign(t, jwt.SigningMethodES256, "one", with(with(good(), "sub", nil), "scope", "openid orders:read:any"), key))
	if err != nil || p.User() != "" || !p.May("8") {
		t.Fatalf("%+v %v", p, err)
	}
	whole := sign(t, jwt.SigningMethodES256, "one", good(), key)
	parts := strings.Split(whole, ".")
	other := strings.Split(sign(t, jwt.SigningMethodES256, "one", with(good(), "sub", "8"), key), ".")
	public, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"no signature":       sign(t, jwt.SigningMethodNone, "one", good(), jwt.UnsafeAllowNoneSignatureType),
		"the public key":     sign(t, jwt.SigningMethodHS256, "one", good(), public),
		"a stranger's key":   sign(t, jwt.SigningMethodES256, "one", good(), stranger),
		"an unknown key":     sign(t, jwt.SigningMethodES256, "two", good(), key),
		"other claims":       parts[0] + "." + other[1] + "." + parts[2],
		"half a signature":   whole[:len(whole)-20],
		"another issuer":     sign(t, jwt.SigningMethodES256, "one", with(good(), "iss", issuer+"/"), key),
		"no issuer":          sign(t, jwt.SigningMethodES256, "one", with(good(), "iss", nil), key),
		"another audience":   sign(t, jwt.SigningMethodES256, "one", with(good(), "aud", "elsewhere"), key),
		"no audience":        sign(t, jwt.SigningMethodES256, "one", with(good(), "aud", nil), key),
		"its end has come":   sign(t, jwt.SigningMethodES256, "one", with(good(), "exp", time.Now().Add(-time.Hour).Unix()), key),
		"it has no end":      sign(t, jwt.SigningMethodES256, "one", with(good(), "exp", nil), key),
		"not yet":            sign(t, jwt.SigningMethodES256, "one", with(good(), "nbf", time.Now().Add(time.Hour).Unix()), key),
		"nobody":             sign(t, jwt.SigningMethodES256, "one", with(good(), "sub", nil), key),
		"a number":           sign(t, jwt.SigningMethodES256, "one", with(good(), "sub", 7), key),
		"another scope":      sign(t, jwt.SigningMethodES256, "one", with(with(good(), "sub", nil), "scope", "orders:read:any2"), key),
		"huge":               whole + strings.Repeat("A", 10_000),
		"dots":               "..",
		"a space in it":      parts[0] + " ." + parts[1] + "." + parts[2],
		"another's in front": other[0] + "." + parts[1] + "." + other[2],
	} {
		var denied *auth.Denied
		if p, err := ask(token); !errors.As(err, &denied) || p != (auth.Principal{}) {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
}

func TestNobodyMaySeeAnything(t *testing.T) {
	var p auth.Principal
	for _, user := range []string{"", "7", "*"} {
		if p.May(user) {
			t.Errorf("the zero Principal may see %q", user)
		}
	}
	if _, err := (&auth.Authenticator{}).Principal(&http.Request{Header: http.Header{}}); err == nil {
		t.Error("an Authenticator without keys and tokens lets somebody in")
	}
}

func TestTokensNeedAll(t *testing.T) {
	_, file := keys(t)
	for _, o := range []auth.TokenOptions{
		{Audience: audience, JWKS: file}, {Issuer: issuer, JWKS: file}, {Issuer: issuer, Audience: audience},
		{Issuer: issuer, Audience: audience, JWKS: "http://id.example/jwks"}, {Issuer: issuer, Audience: audience, JWKS: file + ".not"},
	} {
		if _, err := auth.OpenTokens(context.Background(), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
