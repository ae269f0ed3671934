"""How weights are moved on devices: the Trainer, its callbacks, checkpoints that survive."""
