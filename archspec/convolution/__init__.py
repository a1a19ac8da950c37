"""A convolution as a sparse matrix, and its picture.  The compiler does not use it."""
