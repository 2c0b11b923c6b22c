-- Gathers what plans are made by, which no dump brings along.
analyze
