// Package locks takes two locks in two orders, once with work between them and
// once without.
package locks

import "sync"

type bank struct {
	accounts sync.Mutex
	journal  sync.Mutex
	rates    sync.Mutex
	log      []string
}

func (b *bank) pay(text string) {
	b.accounts.Lock()
	defer b.accounts.Unlock()
	b.journal.Lock()
	defer b.journal.Unlock()
	b.log = append(b.log, text)
}

func (b *bank) charge(text string) {
	b.accounts.Lock()
	defer b.accounts.Unlock()
	b.journal.Lock()
	b.log = append(b.log, text)
	b.journal.Unlock()
}

func (b *bank) audit() int {
	b.journal.Lock()
	defer b.journal.Unlock()
	b.accounts.Lock()
	defer b.accounts.Unlock()
	return len(b.log)
}

func (b *bank) convert() {
	b.rates.Lock()
	defer b.rates.Unlock()
	b.log = nil
	b.journal.Lock()
	defer b.journal.Unlock()
	b.log = append(b.log, "converted")
}

func (b *bank) quote() {
	b.journal.Lock()
	defer b.journal.Unlock()
	b.log = append(b.log, "quoted")
	b.rates.Lock()
	defer b.rates.Unlock()
}

// Run uses them all at once.
func Run() {
	b := &bank{}
	go b.pay("rent")
	go b.charge("fee")
	go b.audit()
	go b.convert()
	go b.quote()
}
