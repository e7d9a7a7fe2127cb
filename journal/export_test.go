package journal

// The mistakes that tests build in on purpose.
var (
	RememberEarly = func(o *Options) { o.mutant = rememberEarly }
	UnlinkEarly   = func(o *Options) { o.mutant = unlinkEarly }
)
