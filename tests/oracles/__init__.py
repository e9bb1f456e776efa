"""Independent, slow and simple implementations that the tests compare the product with."""
