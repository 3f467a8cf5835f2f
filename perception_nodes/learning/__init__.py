"""The one training core: data, models, losses, loop, and the export to a bundle."""
