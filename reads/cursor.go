package reads

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A cursor is where a page ended:
//
//	version 1 | key id 4 | kind and value of each sorted column | HMAC-SHA-256, first 16 bytes
//
// in base64url without padding. The MAC covers the user, the tenant, the path
// and the filters too, so a cursor is of use only to the one it was made for and
// with the same question. It is a position and no right: the user is bound in
// each page's statement all the same.
const (
	cursorVersion  = 1
	cursorHead     = 5
	cursorMAC      = 16
	cursorBytesMax = 2048 // as text
)

// CursorKeys sign and open cursors. The first signs; the others are those of
// before, whose cursors are still good.
type CursorKeys struct {
	keys []cursorKey
}

type cursorKey struct {
	id     [4]byte
	secret []byte
}

// NewCursorKeys takes secrets of at least 32 bytes each, the newest first.
func NewCursorKeys(secrets ...[]byte) (CursorKeys, error) {
	var k CursorKeys
	for _, s := range secrets {
		if len(s) < 32 {
			return k, fmt.Errorf("a cursor key has %d bytes; take 32 random ones", len(s))
		}
		sum := sha256.Sum256(append([]byte("penstock cursor key id\x00"), s...))
		k.keys = append(k.keys, cursorKey{id: [4]byte(sum[:4]), secret: s})
	}
	if len(k.keys) == 0 {
		return k, errors.New("there is no cursor key; take 32 random bytes")
	}
	return k, nil
}

// LoadCursorKeys reads keys from a file, one in base64 a line, the newest first.
func LoadCursorKeys(file string) (CursorKeys, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return CursorKeys{}, fmt.Errorf("cursor keys: %w; `openssl rand -base64 32` makes one", err)
	}
	var secrets [][]byte
	for line := range strings.FieldsSeq(string(text)) {
		secret, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return CursorKeys{}, fmt.Errorf("cursor keys: %s: a line is not base64; write `openssl rand -base64 32`'s answer", file)
		}
		secrets = append(secrets, secret)
	}
	keys, err := NewCursorKeys(secrets...)
	if err != nil {
		return keys, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// MakeCursorKeys writes a file with one new key, readable by its owner only,
// unless there is one.
func MakeCursorKeys(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	temporary := file + ".new"
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("cursor keys: %w", err)
	}
	if err := os.WriteFile(temporary, []byte(base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600); err != nil {
		return fmt.Errorf("cursor keys: %w", err)
	}
	return os.Rename(temporary, file)
}

// seal makes the cursor of a position.
func (k CursorKeys) seal(at []penstock.Value, e *endpoint, p stream.Page) string {
	key := &k.keys[0]
	b := append([]byte{cursorVersion}, key.id[:]...)
	for i := range at {
		v := &at[i]
		b = append(b, byte(v.Kind))
		switch v.Kind {
		case penstock.Time: // what the table has of it: microseconds
			b = binary.BigEndian.AppendUint64(b, uint64(v.AsTime().UnixMicro()))
		case penstock.Int:
			b = binary.BigEndian.AppendUint64(b, uint64(v.Num))
		default:
			text := v.String()
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return base64.RawURLEncoding.EncodeToString(append(b, key.mac(b, e, p)...))
}

// open returns the position of a cursor; false for any that was not made here
// for this question.
func (k CursorKeys) open(text string, e *endpoint, p stream.Page) ([]penstock.Value, bool) {
	if len(text) > cursorBytesMax {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// DecodeString passes over line breaks: one cursor would have two spellings.
	if err != nil || len(b) < cursorHead+cursorMAC || b[0] != cursorVersion || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	body, mac := b[:len(b)-cursorMAC], b[len(b)-cursorMAC:]
	for i := range k.keys {
		if [4]byte(b[1:5]) == k.keys[i].id && hmac.Equal(mac, k.keys[i].mac(body, e, p)) {
			return position(body[cursorHead:])
		}
	}
	return nil, false
}

// mac signs a cursor's body for one user, tenant, path and set of filters.
func (k *cursorKey) mac(body []byte, e *endpoint, p stream.Page) []byte {
	h := hmac.New(sha256.New, k.secret)
	filter := ""
	if !p.Filter.Missing() {
		filter = e.Stream.Fields[p.FilterSlot].Name + "=" + p.Filter.String()
	}
	for _, part := range []string{string(body), e.read.Path, p.User.String(), p.Tenant.String(), p.From.String(), p.To.String(), filter} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:cursorMAC]
}

// position reads the values back. Only what was signed here comes to it.
func position(b []byte) (at []penstock.Value, ok bool) {
	for len(b) > 0 {
		kind := penstock.Kind(b[0])
		b = b[1:]
		if kind == penstock.Time || kind == penstock.Int {
			if len(b) < 8 {
				return nil, false
			}
			n := int64(binary.BigEndian.Uint64(b))
			v := penstock.IntValue(n)
			if kind == penstock.Time {
				v = penstock.TimeValue(time.UnixMicro(n))
			}
			at, b = append(at, v), b[8:]
			continue
		}
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, false
		}
		at, b = append(at, penstock.TextValue(string(b[used:used+int(n)]))), b[used+int(n):]
	}
	return at, len(at) > 0
}
