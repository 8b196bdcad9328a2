"""What is learnt from many builds, or from one build under conditions that its timetable does not know."""
