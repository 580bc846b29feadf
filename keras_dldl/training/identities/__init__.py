"""Pre-training on identities: a softmax over people, of whom each step sees a sample."""
