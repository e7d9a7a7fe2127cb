module github.com/penstock-io/penstock/bench/stats

go 1.26.0

replace github.com/penstock-io/penstock => ../..

require (
	github.com/montanaflynn/stats v0.14.0
	github.com/penstock-io/penstock v0.0.0-00010101000000-000000000000
	golang.org/x/exp v0.0.0-20261113113407-e3970619a1a4
	gonum.org/v1/gonum v0.17.0
)
