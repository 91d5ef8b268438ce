"""Recordings over files and gaps: played, exported, and rendered as a timelapse."""
