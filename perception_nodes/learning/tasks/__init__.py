"""What is learnt: each module brings a task to the loop."""
