"""A convolution as a sparse matrix, and drawn; beside the compiler, not in it."""
