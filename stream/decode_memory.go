package stream

// memory hands out bytes that stay valid until reset.
type memory struct {
	block []byte // what is left of it is len to cap
}

// The sizes of a block: the first one, and the largest that is kept for reuse.
const (
	blockBytesMin  = 4 << 10
	blockBytesKept = 128 << 10
)

// room returns an empty slice to append at most n bytes to. Bytes handed out
// before keep their block alive when a new one is begun.
func (m *memory) room(n int) []byte {
	if cap(m.block)-len(m.block) < n {
		m.block = make([]byte, 0, max(blockBytesMin, min(2*cap(m.block), blockBytesKept), n))
	}
	from := len(m.block)
	m.block = m.block[:from+n]
	return m.block[from : from : from+n]
}

func (m *memory) reset() {
	if cap(m.block) > blockBytesKept {
		m.block = nil
	}
	m.block = m.block[:0]
}
