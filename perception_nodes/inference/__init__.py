"""Model bundles, back ends that run them, and decoders that read their outputs."""
