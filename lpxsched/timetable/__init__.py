"""The columns of a timetable, the build folder on disk, and its content hash."""
