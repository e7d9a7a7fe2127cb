# `make help` lists what there is. Everything runs from a clean clone with Go
# alone; what a test needs beyond Go it fetches itself or says SKIP.

GO         ?= go
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck
TIMEOUT    ?= 20m

.PHONY: help kill-lambda build check check-python test race fuzz soak bench bench-check bench-kafka bench-load bench-stats kill-load bench-reads bench-ttlcache clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build ./penstock
	$(GO) build -o penstock ./cmd/penstock

check: ## format, vet, staticcheck, layout, our own checker on ourselves: under a minute after a warm build
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "not gofmt-clean, run gofmt -w on: $$bad"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet -tags soak,bench ./...
	cd bench/ttlcache && $(GO) vet .
	$(STATICCHECK) ./...
	$(GO) test -short -count=1 -run 'TestLayout' .
	$(GO) run ./cmd/penstock check .

test: ## all tests, with real Kafka and PostgreSQL where they can be had
	$(GO) test -timeout $(TIMEOUT) ./...

race: ## the same, short, under the race detector
	$(GO) test -race -short -p 1 -timeout $(TIMEOUT) ./...

FUZZTIME ?= 30s
fuzz: ## each fuzz target for FUZZTIME (30s)
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

soak: ## ten minutes of load: memory stays flat
	PENSTOCK_SOAK=10m $(GO) test -tags soak -count=1 -timeout 30m -v -run TestSoak ./cmd/penstock

ROUNDS ?= 20
kill-lambda: ## the Lambda function killed anywhere, ROUNDS (20) times, on real services with faults
	PENSTOCK_LAMBDA_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 120m -v -run TestFunctionKilledAnywhere ./cmd/penstock

bench: ## speed beside named rivals, as ratios in one run
	$(GO) run ./bench/serve
	$(GO) test -run '^$$' -bench 'BenchmarkCheck$$|BenchmarkEvent' -benchtime 2s ./stream

bench-check: ## reading Python beside CPython's ast
	$(GO) test -run '^$$' -bench BenchmarkCPython -benchtime 5x ./check/pyread/syntax

check-python: ## the whole standard library of python3, node by node as CPython reads it
	PENSTOCK_PYTHON=all $(GO) test -count=1 -v -run TestCPython ./check/pyread/syntax

bench-stats: ## mean, median and mode beside named rivals (PYTHON= one with numpy and scipy)
	cd bench/stats && $(GO) test . && $(GO) run . -python $(or $(PYTHON),python3)

bench-kafka: ## the same with a real Kafka behind
	$(GO) test -tags bench -count=1 -v -run TestRealKafka -timeout 15m ./bench/serve

bench-load: ## penstock load beside psql's \copy and the ladder from naive Python (PYTHON= one with psycopg2)
	$(GO) test -run '^$$' -bench Parse -benchtime 1s ./csvfile
	$(GO) test -tags bench -count=1 -v -run TestRealPostgres -timeout 60m ./bench/load

kill-load: ## a hundred kill -9 of the loader, and some of the database, each database kind
	PENSTOCK_KILLS=100 $(GO) test -count=1 -v -run 'TestLoad(Server)?Killed' -timeout 60m ./cmd/penstock

bench-reads: ## a page of orders over HTTP: row-level security, depth, the whole answer
	$(GO) test -tags bench -count=1 -v -run TestReads -timeout 15m ./bench/reads

bench-ttlcache: ## the cache beside other caches: about half an hour
	cd bench/ttlcache && $(GO) run .

clean: ## remove what building and running left here
	rm -rf penstock penstock-data dist
