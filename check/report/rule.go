package report

import (
	"fmt"
	"strings"
)

// A Rule is a rule's documentation, as data: `penstock check --explain-rule`
// and docs/rules come from it.
type Rule struct {
	ID     string
	Title  string // one line
	Text   string // what goes wrong, when, and what to do
	Before string // an example, in Python or Go
	After  string
	Lang   string // python or go, of the example
	Noise  string // what the rule leaves out on purpose
}

// Rules are all rules, in the order of docs/rules.
func Rules() []Rule {
	return []Rule{
		{
			ID: "lock-order", Title: "Threads take the same locks in different orders", Lang: "python",
			Text: `One thread holds A and waits for B while another holds B and waits for A: neither goes on, ever. It needs
the right moment, so it shows under load and not in tests. The rule follows calls, through any number of locks up to eight, and
tells the interleaving thread by thread. Take the locks everywhere in one order; penstock chooses the one that changes the fewest places.`,
			Before: "def task1():\n    with lock_a:\n        with lock_b:\n            work()\n\ndef task2():\n    with lock_b:\n        with lock_a:\n            work()\n",
			After:  "def task2():\n    with lock_a:\n        with lock_b:\n            work()\n",
			Noise:  "Cycles under a common exclusive lock (a note), of one thread alone, before threads start or after they are joined (possible at most where others may call what is exported), of readers without a writer, and through a lock that is only tried.",
		},
		{
			ID: "double-lock", Title: "A thread takes a lock that it already holds", Lang: "go",
			Text: `A plain lock does not know its holder: the second Lock waits for an Unlock that only the same goroutine could call. It
happens when a locked method calls another locked method of the same object. Split the inner one: a part that takes the lock, and a part that expects it held.`,
			Before: "func (s *Store) Get(k string) int {\n\ts.mu.Lock()\n\tdefer s.mu.Unlock()\n\treturn s.m[k] + s.Len()\n}\n\nfunc (s *Store) Len() int {\n\ts.mu.Lock()\n\tdefer s.mu.Unlock()\n\treturn len(s.m)\n}\n",
			After:  "func (s *Store) Get(k string) int {\n\ts.mu.Lock()\n\tdefer s.mu.Unlock()\n\treturn s.m[k] + len(s.m)\n}\n",
			Noise:  "Reentrant locks (threading.RLock), locks of one class on objects not known to be the same, locks that are only tried.",
		},
		{
			ID: "recursive-read", Title: "A reader reads again behind a waiting writer", Lang: "go",
			Text: `RLock twice in one goroutine works until a writer calls Lock between the two: a waiting writer stops new readers, so
the second RLock waits for the writer, who waits for the first RLock to end. sync.RWMutex forbids it in its documentation. Read once.`,
			Before: "func (s *Store) Both() int {\n\ts.mu.RLock()\n\tdefer s.mu.RUnlock()\n\treturn s.One() // reads again\n}\n\nfunc (s *Store) One() int {\n\ts.mu.RLock()\n\tdefer s.mu.RUnlock()\n\treturn s.n\n}\n",
			After:  "func (s *Store) Both() int {\n\ts.mu.RLock()\n\tdefer s.mu.RUnlock()\n\treturn s.n\n}\n",
			Noise:  "Locks that nobody takes to write.",
		},
		{
			ID: "lock-kept", Title: "A function returns with a lock that it gives back on its other ways out", Lang: "go",
			Text:   `An early return between Lock and Unlock keeps the lock for good; whoever takes it next waits forever. Unlock with defer, or before each return.`,
			Before: "func (s *Store) Drop(k string) {\n\ts.mu.Lock()\n\tif s.m == nil {\n\t\treturn\n\t}\n\tdelete(s.m, k)\n\ts.mu.Unlock()\n}\n",
			After:  "func (s *Store) Drop(k string) {\n\ts.mu.Lock()\n\tdefer s.mu.Unlock()\n\tif s.m == nil {\n\t\treturn\n\t}\n\tdelete(s.m, k)\n}\n",
			Noise:  "Locks that the program gives back in another function than the one that takes them.",
		},
		{
			ID: "unordered-locks", Title: "Locks of one class are taken in no fixed order", Lang: "python",
			Text: `transfer(x, y) in one thread and transfer(y, x) in another are a lock-order cycle between two objects of one class. Order
them by something that never changes, such as an id.

So are the locks of a ring: threads that each take forks[i] and then forks[(i + 1) % n] all wait when each has its first one (the dining
philosophers). Take the smaller index first: the last thread then begins with its neighbour's, and one of the two has to wait with no lock in hand.`,
			Before: "def transfer(source, target, amount):\n    with source.lock:\n        with target.lock:\n            ...\n",
			After:  "def transfer(source, target, amount):\n    if source is target:\n        return  # one lock can't be taken twice\n    first, second = sorted((source, target), key=lambda a: a.id)\n    with first.lock, second.lock:\n        ...\n",
			Noise:  "Functions that take them in both orders, chosen by a test; callers that hold one lock over both.",
		},
		{
			ID: "wait-under-lock", Title: "A thread holds a lock while it waits for one who needs it", Lang: "python",
			Text: `A thread that joins another, or waits at a channel, an event or a queue, keeps its locks meanwhile. If whoever is to let it go on
has to take one of them first, neither goes on. Give the lock back before the wait.`,
			Before: "with lock:\n    worker.join()  # worker takes lock\n",
			After:  "with lock:\n    stop = True\nworker.join()\n",
			Noise:  "Waits for a time, or in a select; channels and queues that are handed about, or that somebody lets go on without the lock.",
		},
		{
			ID: "sql-injection", Title: "A query's text is built from a value", Lang: "python",
			Text: `In Python or Go: what is put into the text of a query is read as SQL: whoever chooses the value chooses the statement. Hand the value to the
driver as a bound parameter, in the driver's own style; it then travels apart from the text and is never parsed. Names of columns and tables and the
words ASC and DESC can't be parameters: choose them from a fixed list. --fix binds values, quoted and LIKE values, IN lists and texts that are built
step by step, where the mended query is certain to get the same values in the same order; docs/sql-injection.md lists what gets advice only.`,
			Before: "query = f\"SELECT * FROM orders WHERE user_id = {user_id}\"\ncursor.execute(query)\n",
			After:  "query = \"SELECT * FROM orders WHERE user_id = ?\"\ncursor.execute(query, (user_id,))\n",
			Noise:  "Constants, numbers, values checked against a fixed list; a text that comes whole from a file.",
		},
	}
}

// FindRule returns the rule of that name.
func FindRule(id string) (Rule, bool) {
	for _, r := range Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// Markdown is the rule's page.
func (r Rule) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n%s\n", r.ID, r.Title, r.Text)
	fmt.Fprintf(&b, "\nBefore:\n\n```%s\n%s```\n\nAfter:\n\n```%s\n%s```\n", r.Lang, r.Before, r.Lang, r.After)
	fmt.Fprintf(&b, "\nLeft out on purpose: %s\n\nA comment `penstock: allow REASON` on the line, or on the line before it, allows a finding.\n", r.Noise)
	return b.String()
}
