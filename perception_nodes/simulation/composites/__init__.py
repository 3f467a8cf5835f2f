"""Things on real backgrounds: cut-outs or rendered things pasted onto pictures of a place."""
