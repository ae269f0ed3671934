"""Pictures read as sequences: row by row, or pixel by pixel, in order or permuted."""
