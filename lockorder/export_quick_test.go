//go:build lockorder && (amd64 || arm64)

package lockorder

// Quick reports whether the fast way to a goroutine's number was found.
func Quick() bool { return quick }

// Slowly takes the documented ways until back is called. Nobody may hold a lock
// before or behind.
func Slowly() (back func()) {
	was := quick
	quick = false
	return func() { quick = was }
}
