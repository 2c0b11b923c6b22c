"""Commands of the `scrapy` program that this project has its own form of."""
