"""What of a build is written for other tools: a table, a waveform, a trace."""
