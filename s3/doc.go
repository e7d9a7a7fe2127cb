// Package s3 is the S3 door: it is told of objects by notices, in every
// wrapping they come in, reads each object by ranges, and puts its records into
// a sink, each exactly once.
//
//	door, err := s3.New(s3.Options{Store: store, Ledger: ledger, Routes: routes, Rejects: rejects})
//	answer, err := door.Handle(ctx, payload)       // the payload of one invocation
//	report, err := door.Process(ctx, notice)       // one object
//
// Notices come at least once and in any order, and an invocation may die at any
// moment. So what is known of an object stands in a ledger: who works on it and
// until when, how far its records are in the sink, and the tally. Every entry
// is written only over the one that its writer has read: a worker that was
// overtaken, however late it wakes up, can no longer move the ledger. The
// records behind the last entry are read again, and the sink puts them where
// they are already.
//
// A batch ends where the object's text says, never where time or memory say, so
// the second reading makes the same batches, and the rejects of a batch, kept
// under its name, are written over and not added to.
package s3

import (
	"context"
	"errors"
	"io"
)

// ErrGone says that the object is no longer there as the notice names it: it
// was removed, or overwritten, of which another notice will tell.
var ErrGone = errors.New("the object is gone or was overwritten")

// A Store holds objects.
type Store interface {
	// Stat pins an object: it returns it with the version or ETag that Read is
	// to be held to, and its size. Its error is ErrGone when it is not there.
	Stat(ctx context.Context, o Object) (pinned Object, size int64, err error)

	// Read opens length bytes of a pinned object. Its error is ErrGone when
	// the object is another by now.
	Read(ctx context.Context, o Object, offset, length int64) (io.ReadCloser, error)

	// Put writes an object, over what is there.
	Put(ctx context.Context, bucket, key string, body []byte) error
}

// A Ledger keeps small texts by name, each with a version that counts up.
type Ledger interface {
	// Load returns a text and its version; version 0 is that there is none.
	Load(ctx context.Context, name string) (text []byte, version int64, err error)

	// Store writes text as version+1 if version is the one that is there, and
	// else returns false. When it cannot tell what became of a write, it
	// returns an error.
	Store(ctx context.Context, name string, text []byte, version int64) (bool, error)
}
