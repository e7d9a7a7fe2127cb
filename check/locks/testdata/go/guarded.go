package guarded

import "sync"

type unit struct {
	mu    sync.Mutex
	held  bool
	depth int
	owner int64
	other bool
}

func (u *unit) flag() {
	if !u.held {
		u.mu.Lock() // want possible double-lock: ...withFlag takes u.mu
		defer u.mu.Unlock()
	}
}

func (u *unit) withFlag() {
	u.mu.Lock()
	u.held = true
	u.flag()
	u.held = false
	u.mu.Unlock()
}

func (u *unit) count() {
	if u.depth > 0 {
		return
	}
	u.mu.Lock() // want possible double-lock: ...withCount takes u.mu
	u.mu.Unlock()
}

func (u *unit) withCount() {
	u.mu.Lock()
	u.depth++
	u.count()
	u.depth--
	u.mu.Unlock()
}

func goid() int64 { return 0 }

func (u *unit) owned() {
	if u.owner != goid() {
		u.mu.Lock() // want possible double-lock: ...withOwner takes u.mu
		u.mu.Unlock()
	}
}

func (u *unit) withOwner() {
	u.mu.Lock()
	u.setOwner()
	u.owned()
	u.mu.Unlock()
}

func (u *unit) setOwner() { u.owner = goid() }

// Nobody here sets the flag that is asked.
func (u *unit) unset() {
	if !u.other {
		u.mu.Lock() // want likely double-lock: ...withUnset takes u.mu
		u.mu.Unlock()
	}
}

func (u *unit) withUnset() {
	u.mu.Lock()
	u.unset()
	u.mu.Unlock()
}

// The flag is asked, and the lock taken whatever it says.
func (u *unit) asked() {
	if u.held {
		print(1)
	}
	u.mu.Lock() // want certain double-lock: ...withAsked takes u.mu
	u.mu.Unlock()
}

func (u *unit) withAsked() {
	u.mu.Lock()
	u.held = true
	u.asked()
	u.mu.Unlock()
}
