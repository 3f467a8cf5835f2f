"""For ``pip install -e .``: the metadata stands in setup.cfg, and colcon uses CMakeLists.txt."""

from setuptools import setup

setup()
