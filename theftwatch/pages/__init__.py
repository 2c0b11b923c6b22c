"""Reading marketplace pages: pure functions from a body and its address to what the page says, without network."""
