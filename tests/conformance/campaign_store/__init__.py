"""What every campaign store promises, by duty. A test class inherits a suite; `store` and `clock` are fixtures."""
