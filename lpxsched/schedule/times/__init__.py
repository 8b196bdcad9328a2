"""When everything happens: tasks, their placement, their repetition."""
