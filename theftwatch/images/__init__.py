"""From bytes to values: decoding, perceptual hashes, local features."""
