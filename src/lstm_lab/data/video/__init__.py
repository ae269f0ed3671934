"""Clips as sequences of frames: video files, folders of frames, arrays, keypoints, and digits that move."""
