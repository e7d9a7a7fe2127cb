//go:build lockorder

package lockorder_test

import "github.com/penstock-io/penstock/lockorder"

var lockA, lockB lockorder.Mutex

func doWork() {}

func task1() {
	lockA.Lock()
	defer lockA.Unlock()
	doWork()
	lockB.Lock()
	defer lockB.Unlock()
}

func task2() {
	lockB.Lock()
	defer lockB.Unlock()
	doWork()
	lockA.Lock()
	defer lockA.Unlock()
}
