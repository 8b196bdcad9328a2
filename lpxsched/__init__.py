"""Static schedules for machines whose network never decides anything at run time."""
