"""Recognition: candidates, verification, decision."""
