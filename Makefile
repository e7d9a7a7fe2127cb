# `make help` lists what there is. Everything runs from a clean clone with Go
# alone; what a test needs beyond Go it fetches itself or says SKIP.

GO         ?= go
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck
ACTIONLINT  = $(GO) tool -modfile=tools/go.mod actionlint
TIMEOUT    ?= 20m

# Python's tools live outside the tree, once for each content of the list.
PYTOOLS = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/penstock-tools-$(shell cksum < tools/requirements.txt | cut -d ' ' -f 1)

.PHONY: help golangci-lint kill-lambda big-lambda bench-lambda build check check-deploy package-twice act check-python test race fuzz soak bench bench-check bench-kafka bench-load bench-stats kill-load bench-reads bench-ttlcache bench-lockorder clean vulnerabilities attack-sqlmap

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build ./penstock
	$(GO) build -o penstock ./cmd/penstock

check: ## format, vet, staticcheck, layout, our own checker on ourselves: under a minute after a warm build
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "not gofmt-clean, run gofmt -w on: $$bad"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet -tags soak,bench ./...
	$(GO) vet -tags lockorder ./lockorder
	cd bench/ttlcache && $(GO) vet .
	GOARCH=386 $(GO) vet ./ttlcache
	GOARCH=arm64 $(GO) vet ./ttlcache
	$(STATICCHECK) ./...
	$(GO) test -short -count=1 -run 'TestLayout' .
	$(GO) run ./cmd/penstock check .
	@$(MAKE) --no-print-directory vulnerabilities
	@$(MAKE) -s check-deploy

# The first, quick question tells whether the database of vulnerabilities can be reached.
GOVULNCHECK = $(GO) tool -modfile=tools/go.mod govulncheck
vulnerabilities: ## govulncheck: known holes in what we call; SKIP (on GitHub: failure) where its database cannot be reached
	@said=$$($(GOVULNCHECK) -scan module 2>&1); case "$$said" in \
	  *"fetching vulnerabilities"*) echo "SKIP govulncheck: the Go vulnerability database cannot be reached; set GOVULNDB to a copy of it"; test "$$GITHUB_ACTIONS" != true;; \
	  *) $(GOVULNCHECK) ./...;; esac

SQLMAP ?= sqlmap
attack-sqlmap: ## sqlmap against the orders API and against its vulnerable twin, which it must find (SQLMAP= where it is)
	PENSTOCK_SQLMAP=$(SQLMAP) $(GO) test -count=1 -v -run TestSqlmap -timeout 30m ./reads

check-deploy: ## the workflows and the CloudFormation templates, by actionlint, shellcheck, zizmor and cfn-lint
	@mkdir -p $(dir $(PYTOOLS)); flock $(PYTOOLS).lock sh -c 'test -e $(PYTOOLS)/ready || \
	  { python3 -m venv --clear $(PYTOOLS) && $(PYTOOLS)/bin/pip install -q --disable-pip-version-check --no-deps -r tools/requirements.txt && touch $(PYTOOLS)/ready; }' || \
	  { echo "SKIP: no shellcheck, zizmor and cfn-lint: they need python3 with venv, and a network once"; test "$$CI" != true; }
	PATH="$(PYTOOLS)/bin:$$PATH" $(ACTIONLINT)
	@! test -e $(PYTOOLS)/ready || { set -ex; $(PYTOOLS)/bin/zizmor --offline --quiet .github/workflows; $(PYTOOLS)/bin/cfn-lint deploy/testdata/*.yaml; }

test: ## all tests, with real Kafka and PostgreSQL where they can be had
	$(GO) test -timeout $(TIMEOUT) ./...

race: ## the same, short, under the race detector
	$(GO) test -race -short -p 1 -timeout $(TIMEOUT) ./...

FUZZTIME ?= 30s
fuzz: ## each fuzz target for FUZZTIME (30s)
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; GO="$(GO)" tools/fuzz $$pkg $$f $(FUZZTIME) || exit 1; \
	  done; \
	done

soak: ## ten minutes of load: memory stays flat
	PENSTOCK_SOAK=10m $(GO) test -tags soak -count=1 -timeout 30m -v -run TestSoak ./cmd/penstock

ROUNDS ?= 200
SEED ?= 0
kill-lambda: ## the Lambda function killed anywhere, in ROUNDS (200) rounds from SEED (0) on, on real services with faults
	PENSTOCK_LAMBDA_ROUNDS=$(ROUNDS) PENSTOCK_LAMBDA_SEED=$(SEED) $(GO) test -count=1 -timeout 120m -parallel 16 -v -run TestFunctionKilledAnywhere ./cmd/penstock

big-lambda: ## the Lambda function with 128 MB of memory reads an object of 1 GB
	PENSTOCK_LAMBDA_MB=1024 $(GO) test -count=1 -timeout 20m -v -run TestFunctionBigObject ./cmd/penstock

bench-lambda: ## the Lambda function: cold start, rows/s beside a boto3 handler (PYTHON= one with boto3)
	$(GO) test -tags bench -count=1 -timeout 15m -v -run TestBench ./bench/lambda

bench: ## speed beside named rivals, as ratios in one run
	$(GO) run ./bench/serve
	$(GO) test -run '^$$' -bench 'BenchmarkCheck$$|BenchmarkEvent' -benchtime 2s ./stream

bench-check: ## reading Python beside CPython's ast, and a million lines of Go beside go vet (PIECE=std a part of them, RUNS=1 once)
	$(GO) test -run '^$$' -bench BenchmarkCPython -benchtime 5x ./check/pyread/syntax
	$(GO) test -run '^$$' -bench BenchmarkGoVet/$(or $(PIECE),million) -benchtime $(or $(RUNS),3)x -timeout 60m ./check

check-python: ## the whole standard library of python3, node by node as CPython reads it
	PENSTOCK_PYTHON=all $(GO) test -count=1 -v -run TestCPython ./check/pyread/syntax

golangci-lint: ## golangci-lint built with our plugin, finding and mending: takes minutes the first time
	PENSTOCK_GOLANGCI_LINT=1 $(GO) test -count=1 -v -run TestGolangciLint -timeout 30m ./check/golangci

bench-stats: ## mean, median and mode beside named rivals (PYTHON= one with numpy and scipy; ONLY= RIVALS= some)
	cd bench/stats && $(GO) test . && $(GO) run . -python $(or $(PYTHON),python3) -only "$(ONLY)" -rivals "$(RIVALS)"

bench-kafka: ## the same with a real Kafka behind
	$(GO) test -tags bench -count=1 -v -run TestRealKafka -timeout 15m ./bench/serve

bench-load: ## penstock load beside psql's \copy, naive Python and others (PYTHON= one with psycopg2; PIECE= one of parse copy key ledger ladder sqlite fifty)
	PIECE="$(PIECE)" PYTHON="$(PYTHON)" $(GO) test -tags bench -count=1 -v -run TestRealPostgres -timeout 60m ./bench/load

kill-load: ## a hundred kill -9 of the loader, each database kind, and a hundred of PostgreSQL; only those count that found some chunks loaded and others not
	PENSTOCK_KILLS=100 $(GO) test -count=1 -v -run 'TestLoad(Server)?Killed' -timeout 60m ./cmd/penstock

bench-reads: ## a page of orders over HTTP: row-level security, depth, the whole answer
	$(GO) test -tags bench -count=1 -v -run TestReads -timeout 15m ./bench/reads

bench-ttlcache: ## the cache beside other caches: about half an hour (PIECE= one table of all in two minutes at most; PIECE=list their names)
	cd bench/ttlcache && $(if $(PIECE),$(GO) run . -piece $(PIECE),$(GO) run . && $(GO) run . -piece memory-10m)

bench-lockorder: ## lockorder's mutexes, with the tag, beside sync's
	$(GO) test -tags lockorder -run '^$$' -bench BenchmarkLock -benchtime 50x ./lockorder

RELEASE ?= (devel)
STREAMS ?= examples/orders
package-twice: ## dist/: the Lambda package, built twice in two folders with two caches and compared, and all that is deployed with it
	deploy/package-twice "$(RELEASE)" "$(STREAMS)"

act: ## the release workflow on this machine, with stand-ins for GitHub and AWS
	PENSTOCK_ACT=1 $(GO) test -count=1 -timeout 30m -v -run TestReleaseUnderAct ./deploy

clean: ## remove what building and running left here
	rm -rf penstock penstock-data dist
