package handed

import (
	"sync"
	"time"
)

func handed() {
	var mu sync.Mutex
	mu.Lock()
	go mu.Unlock()
	mu.Lock() // want possible double-lock: ...handed takes mu
	mu.Unlock()
}

func closure() {
	var mu sync.Mutex
	mu.Lock()
	go func() { mu.Unlock() }()
	mu.Lock() // want possible double-lock: ...closure takes mu
	mu.Unlock()
}

func later() {
	var mu sync.Mutex
	mu.Lock()
	time.AfterFunc(time.Second, mu.Unlock)
	mu.Lock() // want possible double-lock: ...later takes mu
	mu.Unlock()
}

func kept() {
	var mu sync.Mutex
	mu.Lock()
	go func() { mu.TryLock() }()
	mu.Lock() // want certain double-lock: ...kept takes mu
	mu.Unlock()
}
