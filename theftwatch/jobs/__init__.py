"""Jobs on nodes: machines on which scrapyd runs the spiders."""
