"""Bytes to pixels and back: encodings, JPEG and PNG, resizing, and recorded sources."""
