"""The doctor: names the cause of silence in a perception graph, with its cure."""
