//go:build lockorder

package lockorder

// Forget makes what was told before news again.
func Forget() {
	graph.Lock()
	defer graph.Unlock()
	graph.told = nil
}
