"""A predictor that reads step by step: what was read is remembered as a state whose size never grows."""
