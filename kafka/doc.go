// Package kafka puts events into Kafka exactly once, and reads them back.
//
//	sink, err := kafka.NewSink(kafka.Config{Brokers: brokers}, kafka.SinkOptions{
//		Topic: "orders", Door: journal.Door(),
//	})
//	into := penstock.DeadLetters{To: sink, Letters: sink}
//	err = journal.Run(ctx, penstock.Retry{To: penstock.Bisect{To: into}})
//
// Exactly once works like this. The events of one Write and one progress
// record, which names the journal positions that are now in Kafka, go into one
// Kafka transaction: both are there or neither is. Whenever the outcome of a
// transaction is not certain, the Sink throws its client away and runs the
// start sequence: it takes a new producer epoch, which ends whatever was open
// and shuts out any other process of the same id, and only then reads the
// progress record back. Events the record covers are settled, the rest pend.
// Nothing is ever sent again on a guess.
//
// Readers must set isolation.level=read_committed to see this; others also see
// the records of aborted transactions.
package kafka
