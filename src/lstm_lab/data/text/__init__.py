"""Text and biological sequences: from files to tokens, and from tokens back to text."""
