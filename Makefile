# For humans. The build-* targets at the end are called by "sam build".

GOLANGCI_LINT ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME      ?= 60s

# The template's flags. No version control stamp: "sam build" works in a copy
# without .git, and both builds are to give the same bytes.
BUILD_FLAGS   := -trimpath -buildvcs=false -tags lambda.norpc -ldflags=-s
FUNCTIONS     := $(notdir $(wildcard functions/*))

.DEFAULT_GOAL := help
.PHONY: help build test lint demo dev check replay verify preview run chaos bench fuzz deploy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the functions for this machine, into bin/
	@for f in $(FUNCTIONS); do \
	  echo "go build -o bin/$$f ./functions/$$f"; \
	  go build $(BUILD_FLAGS) -o bin/$$f ./functions/$$f || exit 1; \
	done

# cgo is on where Go finds a C compiler, and the race detector needs it.
test: ## run all tests, with the race detector where there is a C compiler
	@if [ "$$(go env CGO_ENABLED)" = 1 ]; then \
	  echo "go test -race ./..."; \
	  go test -race ./...; \
	else \
	  echo "go test ./...   (without -race: cgo is off or there is no C compiler)"; \
	  go test ./...; \
	fi

lint: ## check formatting, code and template
	@unformatted=$$(gofmt -l .); \
	  if [ -n "$$unformatted" ]; then echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(GOLANGCI_LINT) run ./...
	@if command -v cfn-lint >/dev/null 2>&1; then \
	  echo "cfn-lint template.yaml"; \
	  cfn-lint template.yaml; \
	else \
	  echo "cfn-lint is not on the PATH: template.yaml was NOT linted (pip install cfn-lint)"; \
	fi

demo: ## watch the function at work on this machine, against stand-ins of Auth0, AWS and Slack
	go run ./pkg/devstack/cmd/demo

# Not by "go run", which calls Ctrl-C a failure.
dev: ## run the local stack with a page in the browser, until Ctrl-C (PORT=n: on that port)
	@go build -o bin/dev ./pkg/devstack/cmd/dev
	@exec bin/dev $(if $(PORT),-port $(PORT))

# Without STACK or FUNCTION on a local stack. Not by "go run" either: Ctrl-C ends
# the following of a replay or a verification, and is no failure.
INVOKE = @go build -o bin/invoke ./pkg/devstack/cmd/invoke && exec bin/invoke $@ $(call given,TENANT STACK FUNCTION)
given  = $(foreach name,$(1),$(if $($(name)),-$(subst _,-,$(call lower,$(name)))='$($(name))'))
lower  = $(shell echo $(1) | tr A-Z a-z)

check: ## try each link of the chain (SLACK=true; STACK=name or FUNCTION=name: the deployed one)
	$(INVOKE) $(call given,SLACK)

replay: ## export a part of the log once more (FROM= TO= TYPES= STREAM= DRY_RUN=true STOP=true FOLLOW=true)
	$(INVOKE) $(call given,FROM TO TYPES STREAM DRY_RUN STOP FOLLOW)

verify: ## compare a part of the log with the log group (FROM= TO= FILL=true STOP=true FOLLOW=true)
	$(INVOKE) $(call given,FROM TO FILL STOP FOLLOW)

preview: ## count what a filter keeps, and its price (FROM= TO= LOG_LEVEL= LOG_TYPES=)
	$(INVOKE) $(call given,FROM TO LOG_LEVEL LOG_TYPES)

run: ## export what is new, now
	$(INVOKE)

chaos: ## break everything at once, 300 times over (SEED=n: that schedule alone, told in full)
	go run ./pkg/devstack/cmd/chaos $(if $(SEED),-seed $(SEED),-at-once 6)

bench: ## measure speed, cost and memory against targets, into bench.json too (ONLY=a,b: those parts)
	go run ./pkg/devstack/cmd/bench -json bench.json $(if $(ONLY),-only $(ONLY))

fuzz: ## run each fuzz target for FUZZTIME (60s)
	@for package in $$(go list ./...); do \
	  listed=$$(go test -list '^Fuzz' $$package) || { echo "$$listed"; exit 1; }; \
	  for target in $$(echo "$$listed" | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

# The guided deployment writes the stack's name into samconfig.toml.
deploy: ## build and deploy with SAM; guided as long as samconfig.toml names no stack
	sam build
	sam deploy $$(grep -q '^stack_name' samconfig.toml || echo --guided)

clean: ## remove what was built
	rm -rf bin .aws-sam

# "sam build" sets ARTIFACTS_DIR, and neither the system nor the architecture.
.PHONY: build-ExportFunction build-StatusFunction
build-ExportFunction: FUNCTION := export
build-StatusFunction: FUNCTION := status
build-ExportFunction build-StatusFunction:
	@test -n "$(ARTIFACTS_DIR)" || { echo "ARTIFACTS_DIR is empty: this target is for sam build"; exit 1; }
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(BUILD_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(FUNCTION)

# What a stranger's security team asks for. Each tool looks at the functions as
# they are deployed.
GO_LICENSES   ?= github.com/google/go-licenses@v1.6.0
CYCLONEDX     ?= github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOVULNCHECK   ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
LICENCES      := Apache-2.0,BSD-2-Clause,BSD-3-Clause,MIT
# The tool runs here and lists what a build for Lambda links.
AS_DEPLOYED   := -exec 'env GOOS=linux GOARCH=arm64 CGO_ENABLED=0 GOFLAGS=-tags=lambda.norpc'
VERSION        = $(shell sed -n 's/^const Version = "\(.*\)"/\1/p' pkg/export/version.go)
BUILT         := build-ExportFunction build-StatusFunction

.PHONY: licences sbom reproducible vulncheck
licences: ## list the licences of what is linked in docs/licences.md, their texts in bin/licences
	go run $(AS_DEPLOYED) $(GO_LICENSES) check ./functions/... --ignore auth0-logs-to-cloudwatch --allowed_licenses $(LICENCES)
	go run $(AS_DEPLOYED) $(GO_LICENSES) save ./functions/... --ignore auth0-logs-to-cloudwatch --save_path bin/licences --force
	go run $(AS_DEPLOYED) $(GO_LICENSES) report ./functions/... --ignore auth0-logs-to-cloudwatch --template docs/licences.tmpl >bin/licences.md
	mv bin/licences.md docs/licences.md

sbom: ## write what each bootstrap is made of as CycloneDX JSON, into bin/
	@for target in $(BUILT); do \
	  mkdir -p bin/$$target && $(MAKE) --no-print-directory $$target ARTIFACTS_DIR=bin/$$target && \
	  go run $(CYCLONEDX) bin -json -version $(VERSION) -output bin/$${target#build-}.cdx.json bin/$$target/bootstrap || exit 1; \
	  echo "bin/$${target#build-}.cdx.json"; \
	done

# The second build starts from an empty build cache: nothing of the first one
# can come back out of it.
reproducible: ## build each bootstrap in two folders, compare them byte by byte and show the sha256
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && for side in one two; do \
	  mkdir -p $$work/$$side/tree && tar -c --exclude=./.git --exclude=./.aws-sam --exclude=./bin . | tar -x -C $$work/$$side/tree || exit 1; \
	  for target in $(BUILT); do \
	    mkdir $$work/$$side/$$target || exit 1; \
	    if [ $$side = two ]; then export GOCACHE=$$work/cache; fi; \
	    $(MAKE) -s -C $$work/$$side/tree $$target ARTIFACTS_DIR=$$work/$$side/$$target >/dev/null || exit 1; \
	  done; \
	done; \
	for target in $(BUILT); do \
	  cmp $$work/one/$$target/bootstrap $$work/two/$$target/bootstrap || exit 1; \
	  echo "$$(sha256sum <$$work/one/$$target/bootstrap | cut -d ' ' -f 1)  $${target#build-}, twice the same"; \
	done

vulncheck: ## look for known vulnerabilities in what is called (needs vuln.go.dev)
	go run $(GOVULNCHECK) ./...
