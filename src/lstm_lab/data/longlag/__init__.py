"""Made sequences in which what matters lies far back: agreement, order, parity, copies, sums, an endless stream."""
