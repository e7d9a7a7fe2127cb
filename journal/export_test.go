package journal

// The mistakes that tests build in on purpose.
var (
	RememberEarly = func(o *Options) { o.mutant = rememberEarly }
	TrustCache    = func(o *Options) { o.mutant = trustCache }
	UnlinkEarly   = func(o *Options) { o.mutant = unlinkEarly }
)
