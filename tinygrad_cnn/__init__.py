"""tinygrad_cnn."""
