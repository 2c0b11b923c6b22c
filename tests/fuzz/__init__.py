"""Whatever strangers hand in, spoiled in every way: what reads it, from which samples, and how they are spoiled."""
