package finding

// Why a query gets no fix, where several places can tell.
const (
	NoDriver  = "which driver it is is not seen, and so not how it writes a parameter: --driver names it"
	NoSingle  = "the text is not built by one expression, or step by step, in the function that sends it"
	NoPlace   = "where the values stand in the statement is not told by the text of each step alone"
	NoMoving  = "a value may change, or be evaluated in another order, twice or after something else, when it is bound"
	NoNumbers = "the driver numbers or names its parameters, and the text is built in several steps"
	NoMerging = "the arguments that the query has already may be a mapping, or bring more placeholders than are seen"
	NoValue   = "a list, a name or an expression could stand there, or the value would be compared as another type"
	NoProof   = "that the mended query does the same could not be shown"
)

// NoEscaped is why what the program made of a value is not bound.
func NoEscaped(name string) string {
	return name + " may be escaped or quoted on its way, here or by a caller: bound, its quotes would be doubled"
}

// NoSQL is why text that the program wrote is not bound.
func NoSQL(name string) string {
	return name + " may be a piece of SQL that the program or a caller wrote, which a parameter cannot be"
}

// NoSource is why a value is not bound whose source is not seen.
func NoSource(name string) string {
	return "where " + name + " comes from is not seen: it may be escaped already"
}
