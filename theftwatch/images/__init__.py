"""From bytes to values: decoding, perceptual hashes, local features."""

#: To be raised with any change of what `fingerprint` gives for an image; a rematch then fingerprints all images anew
FINGERPRINT_VERSION = 1
#: The same for what `read_image` gives; what an older version read is read again when matches are next looked at
READER_VERSION = 1
