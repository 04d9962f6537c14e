# make run | test | build | bench

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

GO       ?= go
# The race detector finds nothing that a test without it would miss otherwise, so what is
# slow runs with it alone; what waits more than it computes comes first.
SLOW     := ./cmd/... ./admin/... ./store/... ./trace/outbox/...
RACE     := $(SLOW) ./sip/transport/ ./sip/transaction/ ./sip/proxy/ ./sip/privacy/ ./sip/resolve/ ./sip/health/ \
            ./rules/ ./trace/... ./casework/...
PACKAGES := kamailio kamailio-extra-modules sip-tester postgresql

.PHONY: build run test check unit race deps bench clean

build: ## clirgate (and the other commands) into bin/
	CGO_ENABLED=0 $(GO) build -o bin/ ./cmd/...

run: build ## the whole thing on embedded defaults, with demo calls
	bin/clirgate demo

test: deps check unit race ## everything; under ten minutes on two cores
	@echo "make test: all passed"

deps: ## what tests need that Go cannot fetch
	@.ci/packages $(PACKAGES)

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

unit:
	$(GO) test -p 4 ./loadtest/ $$(comm -23 <($(GO) list ./... | sort) <($(GO) list $(SLOW) ./loadtest/ | sort))

race:
	$(GO) test -race -p 4 $(RACE)

bench: ## what each part costs, then the gateway against its peers, in one run
	$(GO) test -run '^$$' -bench . -benchmem ./sip/message/ ./numbering/ ./rules/ ./sip/privacy/ ./sip/transaction/ ./sip/proxy/ ./trace/ ./store/pebble/
	@.ci/packages $(PACKAGES)
	$(GO) run ./bench $(BENCH)

clean:
	rm -rf bin
