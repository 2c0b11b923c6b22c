"""For eggs, which no other tool builds any more; everything else stands in pyproject.toml."""

import sys

from setuptools import setup

# An egg travels at each deployment and runs spiders only: what the demo shows weighs many times the rest of it.
DEMO = ["demo/*.tsv", "demo/photos/*", "demo/pages/*.md", "demo/pages/captured/*"]

setup(exclude_package_data={"theftwatch": DEMO} if "bdist_egg" in sys.argv else {})
