# make demo and make test do all the set-up by themselves; a second run starts in seconds.
PYTHON ?= python3
ACTIVATE = . environment/activate.sh &&
SHELL = /bin/bash
export PYTHONUNBUFFERED = 1

.PHONY: help setup demo test lint benchmark benchmark-driving clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup:  ## environment: Python packages, ROS 2, interfaces, this package
	@$(PYTHON) environment/bootstrap.py

demo: setup  ## the robot drives a simulated lap; leaves a video, a bag and a report in out/demo
	@$(ACTIVATE) perception demo

lint: setup  ## style and types
	@$(ACTIVATE) ruff check . && ruff format --check . && mypy perception_nodes

test: lint  ## all tests
	@$(ACTIVATE) python -m pytest -n 2 --dist loadgroup --max-worker-restart 0

benchmark: setup  ## arrival, command, overhead and transport; leaves JSON in out/benchmarks
	@$(ACTIVATE) python -m benchmarks

benchmark-driving: setup  ## our follower and the baseline in closed loop (hours, resumable); JSON in out/benchmarks
	@$(ACTIVATE) python -m benchmarks.driving

clean:  ## remove everything that was built, and keep out/
	rm -rf .venv .overlay build install log
