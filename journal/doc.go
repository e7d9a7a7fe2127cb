// Package journal keeps events on disk between the door that accepts them and
// the broker that publishes them: a Sink in front, a Source behind. What Write
// has delivered survives a crash of the process and of the machine.
//
//	j, err := journal.Open("penstock-data/orders", journal.Options{})
//	err = j.Write(ctx, batch)            // returns after the fdatasync that covers the batch
//	err = j.Run(ctx, into)               // the one drainer, in another goroutine
//	err = j.Await(ctx, batch)            // for senders who want the broker's ack
//	err = j.Close()
//
// All writers of a moment share one fdatasync. An event of an identity that is
// already durable is dropped, one whose twin is on its way joins it. README.md
// gives the format byte by byte, what is assumed of the disk, and the recovery
// procedure.
package journal
