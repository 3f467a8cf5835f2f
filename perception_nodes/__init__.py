"""Perception for ROS 2 robots: camera frames in, typed detections out."""
