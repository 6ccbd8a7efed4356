"""DifIISR's two networks and its released inference, written from the published description, with the tensor names of
the published checkpoints, so that those load."""
