"""The item pipelines: one verb a file; their order stands in `theftwatch.settings`."""
