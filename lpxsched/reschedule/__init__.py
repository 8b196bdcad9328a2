"""A timetable round what has failed, with as few moved rows as possible, from a build folder alone."""
