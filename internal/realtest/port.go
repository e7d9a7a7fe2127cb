package realtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports that a server of ours may have. They lie below those that systems give
// out by themselves (Linux from 32768 on, others from 49152), to whoever
// connects or listens at any port: of these, none is taken in the moment
// between its choice and the server's start, or between a kill and a restart.
const (
	portFirst = 20000
	portCount = 10000
)

// reserved are the UDP ports that we hold.
var (
	reservedMu sync.Mutex
	reserved   []net.PacketConn
)

// Addr returns a loopback address, as 127.0.0.1:PORT, at which nobody listens
// but whom the test starts there, as often as it likes: no other test gets it
// while this binary runs, neither here nor in another binary.
func Addr(t testing.TB) string {
	t.Helper()
	port, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// reservePort returns a TCP port of the loopback that is ours while the binary
// runs. Binaries that run side by side learn of each other's by the UDP port of
// the same number, which is held: the system lets it go however we end, and a
// server that we start does not inherit it.
func reservePort() (int, error) {
	var last error
	for range portCount {
		port := portFirst + rand.IntN(portCount)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		held, err := net.ListenPacket("udp4", addr)
		if err != nil {
			last = err
			continue
		}
		if l, err := net.Listen("tcp4", addr); err == nil {
			l.Close()
			reservedMu.Lock()
			defer reservedMu.Unlock()
			reserved = append(reserved, held)
			return port, nil
		}
		held.Close()
	}
	return 0, fmt.Errorf("no port of the loopback is free, by the last of %d tries: %w", portCount, last)
}
