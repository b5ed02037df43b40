"""The scenes of the benchmark of barge-in, and the voices and sounds they are made of."""
