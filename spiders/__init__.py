"""The spiders: one declaration a marketplace."""
