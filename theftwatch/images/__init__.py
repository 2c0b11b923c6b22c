"""From bytes to values: decoding, perceptual hashes, local features."""

#: To be raised with any change of what `fingerprint` gives for an image; a rematch then fingerprints all images anew
FINGERPRINT_VERSION = 1
