"""What SQL cannot say: pure functions from frames to frames, reached through the models of `simulations`."""
