package stream

import (
	"testing"

	"github.com/penstock-io/penstock"
)

func TestLoadOrders(t *testing.T) {
	streams, err := Load("../examples/orders")
	if err != nil {
		t.Fatal(err)
	}
	if len(streams) != 1 {
		t.Fatalf("loaded %d streams, want 1", len(streams))
	}
	s := streams[0]
	var got []string
	for _, f := range s.Fields {
		got = append(got, f.Name+" "+f.Type.String())
	}
	t.Log(got, s.Version, s.Slow, s.Lookups, s.Table)
	d := s.NewDecoder()
	e := &penstock.Event{}
	for _, raw := range []string{
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.5,"currency":"SEK","status":"new"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":"-12.5","currency":"SEK","status":"new"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.555,"currency":"SEK","status":"new"}`,
		`{"order_id":0,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.5,"currency":"SEK","status":"new"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-13-01T00:00:00Z","amount":12.5,"currency":"SEK","status":"new"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.5,"currency":"sek","status":"new"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.5,"currency":"SEK","status":"old"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.5,"currency":"SEK","status":"new","emial":"x"}`,
		`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":12.5,"currency":"SEK"}`,
	} {
		e.Reset()
		_, err := d.Decode([]byte(raw), e)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Log(s.Check(t.Context(), e))
	}
}
