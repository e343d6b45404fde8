# The commands of this repository. Each does its own set-up, says what it does, and can be repeated.
# `make` is for the short names only: the work is in scripts/ and in `cargo xtask`.

.DEFAULT_GOAL := help
.PHONY: help demo up down test check tools

help: ## Show this list
	@echo "Freehold: the AI your company owns outright."
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16
	@echo
	@echo "Folders: CARGO_TARGET_DIR (build), FREEHOLD__DATA__DIR (records), FREEHOLD__MODELS__DIR (weights)."
	@echo "Address: FREEHOLD__SERVER__LISTEN, 127.0.0.1:7878 unless set."

demo: ## Set up, build, fetch the default models; two people of an invented company ask the same question
	@scripts/demo.sh

up: ## Set up, build, fetch the default model and leave the server running
	@scripts/up.sh

down: ## Stop the server that `make up` left running
	@scripts/down.sh

test: ## Set up this machine for development and run every check and test
	@scripts/test.sh

check: tools ## Run every check and test on a machine that is set up
	@cargo xtask check

tools: ## Install the pinned tools of the checks into the cache folder
	@scripts/tools.sh
