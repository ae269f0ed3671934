"""Speech and other sounds: from recordings, or features of them, to batches and back to labels and transcripts."""
