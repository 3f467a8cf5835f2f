"""What each kind of task adds to a recipe."""
