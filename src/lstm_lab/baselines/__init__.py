"""What a model has to beat, on the same split and in the same units."""
