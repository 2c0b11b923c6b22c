"""For tools that still ask for a setup.py, such as scrapyd-deploy; everything stands in pyproject.toml."""

from setuptools import setup

setup()
