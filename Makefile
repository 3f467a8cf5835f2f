# make demo and make test do all the set-up by themselves; a second run starts in seconds.
PYTHON ?= python3
ACTIVATE = . environment/activate.sh &&
SHELL = /bin/bash
export PYTHONUNBUFFERED = 1

.PHONY: help setup demo test test-doctor lint benchmark clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup:  ## environment: Python packages, ROS 2, interfaces, this package
	@$(PYTHON) environment/bootstrap.py

demo: setup  ## simulator and detector on DDS; leaves a video, a bag and a report in out/demo
	@$(ACTIVATE) perception demo

lint: setup  ## style and types
	@$(ACTIVATE) ruff check . && ruff format --check . && mypy perception_nodes

test: lint  ## all tests but test-doctor
	@$(ACTIVATE) python -m pytest --ignore=test/ros/doctor/test_planted_causes.py

test-doctor: setup  ## the doctor on real planted graphs; wants a machine with little else to do
	@$(ACTIVATE) python -m pytest test/ros/doctor/test_planted_causes.py

benchmark: setup  ## overhead of the nodes and transport latency; leaves JSON in out/benchmarks
	@$(ACTIVATE) python -m benchmarks

clean:  ## remove everything that was built, and keep out/
	rm -rf .venv .overlay build install log
